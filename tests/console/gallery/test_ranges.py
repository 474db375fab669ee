"""The Range header, as RFC 9110 describes it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.console.gallery._ranges import ByteRange, Unsatisfiable, parse_ranges


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (None, None),
        ("bytes=0-0", [(0, 1)]),
        ("bytes=0-", [(0, 10)]),
        ("bytes=3-5", [(3, 6)]),
        ("bytes=-4", [(6, 10)]),
        ("bytes=-400", [(0, 10)]),
        ("bytes=8-400", [(8, 10)]),
        ("BYTES=1-1", [(1, 2)]),
        ("bytes=5-6, 0-1", [(5, 7), (0, 2)]),
        ("bytes=0-4, 2-6, 9-9", [(0, 7), (9, 10)]),
        ("bytes=0-1,70-80", [(0, 2)]),
        ("items=0-1", None),
        ("bytes=1", None),
        ("bytes=4-2", None),
        ("bytes=a-b", None),
        ("bytes=--1", None),
        ("bytes=0-1,x", None),
        ("bytes=" + ",".join(["0-0"] * 17), None),
        ("bytes=" + "9" * 400 + "-", None),
        ("bytes=\u0661-\u0662", None),
    ],
)
def test_a_header_names_ranges(header: str | None, found: list[tuple[int, int]] | None) -> None:
    """Of ten bytes; a header that is malformed or excessive is ignored."""
    assert parse_ranges(header, 10) == (None if found is None else [ByteRange(*one) for one in found])


@pytest.mark.parametrize(("header", "size"), [("bytes=10-", 10), ("bytes=-0", 10), ("bytes=0-0", 0), ("bytes=,", 1)])
def test_ranges_without_a_byte_are_unsatisfiable(header: str, size: int) -> None:
    """They are answered with 416."""
    with pytest.raises(Unsatisfiable):
        parse_ranges(header, size)


@given(st.text(st.sampled_from("0123456789-,= \tbx"), max_size=40), st.integers(0, 100))
def test_ranges_lie_within_the_object(specs: str, size: int) -> None:
    """Whatever the header says, ranges are within the object, and together they are no longer than it."""
    try:
        found = parse_ranges(f"bytes={specs}", size)
    except Unsatisfiable:
        return
    if found is not None:
        assert all(0 <= start < stop <= size for start, stop in found)
        assert sum(stop - start for start, stop in found) <= size
