"""JPEG segments of which only the length counts: passed over quickly, with the very outcome of a closer look."""

from unittest.mock import patch

from hypothesis import given
from hypothesis import strategies as st

from pupline.images import inspect
from pupline.images.jpeg import scans
from pupline.images.jpeg import segments as walker
from tests.images import handmade_images as made

plain = st.builds(made.segment, st.sampled_from(sorted(walker._APPLICATION | walker._TABLES)), st.binary(max_size=6))
other = st.sampled_from(
    [made.frame(), made.scan(), b"\xff\x01", made.segment(0xDC, b"\x00\x02"), made.segment(0xC8, b""), b"\xff\xd1"]
)
broken = st.sampled_from(
    [b"\xff\xe0\x00\x01", b"\xff\xe0\x00", b"\xff\xff\xe0\x00\x02", b"\xff\xe0\xff\xff", b"\x00", b"\xff"]
)
parts = st.lists(st.one_of(plain, plain, other, broken), max_size=12)


@given(parts, st.integers(0, 3))
def test_passing_over_segments_changes_no_outcome(segments: list[bytes], cut: int) -> None:
    """Whatever follows whatever, whole or cut: the same inspection, to the byte that is named in its detail."""
    body = made.jpeg(*segments)
    body = body[: len(body) - cut]
    quickly = inspect(body)
    with patch.object(walker, "_PLAIN", frozenset()), patch.object(walker, "_SPECIAL", frozenset()):
        assert inspect(body) == quickly


@given(parts, parts, st.integers(0, 60), st.binary(max_size=2))
def test_a_scan_that_was_met_before_is_judged_the_same(
    before: list[bytes], behind: list[bytes], at: int, damage: bytes
) -> None:
    """What is remembered of it, at the first time and at the second, is what its bytes say."""
    body = made.jpeg(*before, made.frame(), made.scan(), *behind)
    body = body[:at] + damage + body[at + len(damage) :]
    found = [inspect(body), inspect(body)]
    with patch.object(scans, "_MAX_KNOWN_BYTES", -1):
        assert found == [inspect(body)] * 2


def test_segments_that_are_passed_over_count_too() -> None:
    """However many small segments there are, the walk ends at its bound and names the byte."""
    body = made.jpeg(made.segment(0xE1, b"") * (walker._MAX_SEGMENTS + 1), made.frame(), made.scan())
    found = inspect(body)
    assert found.problem == "damaged_image"
    assert (
        found.detail
        == f"damaged jpg: more than 20000 segments at byte {len(made.jpeg()) - 2 + 4 * (walker._MAX_SEGMENTS - 1)}"
    )
