"""What became of an image whose bytes are not those of its list: the same picture, another one, or a placeholder."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pupline.decoding import PHASH_VERSION, distance
from pupline.quality._dataset import ChangedRow
from pupline.quality._groups import count_distinct

Change: TypeAlias = Literal["same_picture", "other_picture", "placeholder"]

SAME_PICTURE = 10
"""Bits in which the hash of a picture that was encoded or resized again may differ from that in its list.

More than near-duplicates may: here one picture is compared with one, so chance has a single try, and the hash in the
list may be another program's.
"""

_ONE_COLOUR = 0.98
"""A picture of which so much is of one colour is a placeholder, unless its list has the same hash."""


@dataclass(frozen=True, slots=True)
class ChangedImage:
    """A changed row with its verdict. change: None where nothing can be said: there is no hash, or no picture.

    apart: bits between the declared and the actual hash. addresses: how many changed addresses serve this picture.
    """

    row: ChangedRow
    change: Change | None
    apart: int | None
    addresses: int


def judge_changes(rows: Sequence[ChangedRow], findings: Mapping[str, Mapping[str, Any]]) -> list[ChangedImage]:
    """The verdict on each row. findings: of the pictures, by SHA-256."""
    sharing: dict[str, list[ChangedRow]] = defaultdict(list)
    for row in rows:
        sharing[_picture_of(row, findings)].append(row)
    return [_judged(row, findings.get(row.sha256, {}), sharing[_picture_of(row, findings)]) for row in rows]


def _picture_of(row: ChangedRow, findings: Mapping[str, Mapping[str, Any]]) -> str:
    """What rows that serve the same picture have in common: its hash; its bytes where the hash says little."""
    found = findings.get(row.sha256, {})
    return row.sha256 if found.get("low_information", True) else str(found.get("phash"))


def _judged(row: ChangedRow, found: Mapping[str, Any], sharing: Sequence[ChangedRow]) -> ChangedImage:
    addresses = len(sharing)
    if row.phash is None or "phash" not in found or row.phash_version not in {None, PHASH_VERSION}:
        return ChangedImage(row, None, None, addresses)
    hashes = [int(found[name], 16) for name in ("phash", "phash_stored") if name in found]
    apart = min(distance(row.phash, phash) for phash in hashes)
    limit = 0 if found.get("low_information") else SAME_PICTURE
    if apart <= limit:
        return ChangedImage(row, "same_picture", apart, addresses)
    expected = [one.phash for one in sharing if one.phash is not None]
    is_shared = count_distinct(dict.fromkeys(expected), SAME_PICTURE) > 1
    is_plain = found.get("single_colour", 0) >= _ONE_COLOUR
    return ChangedImage(row, "placeholder" if is_shared or is_plain else "other_picture", apart, addresses)
