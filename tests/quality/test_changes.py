"""What became of images whose bytes are not those of their list."""

from typing import Any

import pytest

from pupline.decoding import PHASH_VERSION, hex_of
from pupline.quality._changes import SAME_PICTURE, judge_changes
from pupline.quality._dataset import ChangedRow

A, B, C = 0x0F0F33335555AAAA, 0xFFFF0000FF00F0F0, 0x123456789ABCDEF0


def _row(name: str, sha256: str, phash: int | None, version: str | None = None) -> ChangedRow:
    url = f"https://cdn.example/{name}"
    return ChangedRow(
        url=url, execution="r", key=f"quarantine/{name}", sha256=sha256, expected={}, phash=phash, phash_version=version
    )


def _found(phash: int, **given: Any) -> dict[str, Any]:
    return {"phash": hex_of(phash), "low_information": False, "single_colour": 0.1} | given


def _changes(rows: list[ChangedRow], findings: dict[str, dict[str, Any]]) -> list[str | None]:
    return [one.change for one in judge_changes(rows, findings)]


def test_a_near_hash_is_the_same_picture() -> None:
    """Up to the limit, against the picture upright or as it is stored; beyond it is another one."""
    near, far = A ^ ((1 << SAME_PICTURE) - 1), A ^ ((1 << (SAME_PICTURE + 1)) - 1)
    rows = [_row("a", "1", A), _row("b", "2", A), _row("c", "3", A)]
    findings = {"1": _found(near), "2": _found(far), "3": _found(B, phash_stored=hex_of(A))}
    assert _changes(rows, findings) == ["same_picture", "other_picture", "same_picture"]
    assert [one.apart for one in judge_changes(rows, findings)] == [SAME_PICTURE, SAME_PICTURE + 1, 0]


def test_one_picture_at_addresses_that_had_different_ones_is_a_placeholder() -> None:
    """The same bytes or the same hash count; so does a picture of one colour at one address alone."""
    rows = [_row("a", "1", A), _row("b", "1", C), _row("c", "2", C), _row("d", "3", A)]
    findings = {"1": _found(B), "2": _found(B), "3": _found(1 << 63, low_information=True, single_colour=1.0)}
    assert _changes(rows, findings) == ["placeholder"] * 4
    assert [one.addresses for one in judge_changes(rows, findings)] == [3, 3, 3, 1]


def test_one_new_picture_at_addresses_that_had_one_is_not_a_placeholder() -> None:
    """Two addresses of one picture, which now serve another: it was replaced."""
    assert _changes([_row("a", "1", A), _row("b", "1", A ^ 1)], {"1": _found(B)}) == ["other_picture"] * 2


def test_the_address_that_always_had_the_placeholder_has_the_same_picture() -> None:
    """A placeholder that the list itself describes has not become one."""
    rows = [_row("a", "1", A), _row("b", "1", C), _row("c", "1", B)]
    assert _changes(rows, {"1": _found(B)}) == ["placeholder", "placeholder", "same_picture"]


@pytest.mark.parametrize(
    ("row", "found"),
    [
        (_row("a", "1", None), _found(B)),
        (_row("a", "1", A, "dct64-2"), _found(A)),
        (_row("a", "1", A), {"undecodable": "damaged", "detail": ""}),
        (_row("a", "2", A), _found(A)),
    ],
    ids=["no hash in the list", "another version", "no picture", "not examined"],
)
def test_what_cannot_be_compared_has_no_verdict(row: ChangedRow, found: dict[str, Any]) -> None:
    """Nothing is guessed."""
    assert _changes([row], {"1": found}) == [None]


def test_a_hash_of_our_version_is_compared() -> None:
    """A list that was published by pupline names it."""
    assert _changes([_row("a", "1", A, PHASH_VERSION)], {"1": _found(A)}) == ["same_picture"]


def test_equal_plain_pictures_are_the_same_only_with_equal_hashes() -> None:
    """Where the bits are noise, near says nothing."""
    plain = _found(A, low_information=True, single_colour=0.5)
    assert _changes([_row("a", "1", A), _row("b", "1", A ^ 3)], {"1": plain}) == ["same_picture", "other_picture"]
