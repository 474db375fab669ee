"""The Range header: which bytes of an object a request wants (RFC 9110, section 14)."""

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

_UNIT = "bytes="
_SPEC = re.compile(r"[ \t]*(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))[ \t]*", re.ASCII)
_MOST = 16
"""Ranges of one request. More are an attack, or would cost more than the whole object."""


class ByteRange(NamedTuple):
    """The bytes from `start` up to `stop`."""

    start: int
    stop: int


class Unsatisfiable(Exception):
    """No range of the header has a byte of the object: status 416."""


def parse_ranges(header: str | None, size_bytes: int) -> Sequence[ByteRange] | None:
    """The ranges in the order asked for; where some overlap, merged and in order. None: the whole object.

    A header with another unit, with too many ranges, or that is malformed is ignored, as RFC 9110 says.
    Raises: Unsatisfiable.
    """
    if header is None or header[: len(_UNIT)].lower() != _UNIT:
        return None
    specs = header[len(_UNIT) :].split(",", _MOST)
    if len(specs) > _MOST:
        return None
    found = []
    for spec in filter(str.strip, specs):
        match = _SPEC.fullmatch(spec)
        if match is None or (match[2] and int(match[1]) > int(match[2])):
            return None
        one = _clamped(match, size_bytes)
        if one.start < one.stop:
            found.append(one)
    if not found:
        raise Unsatisfiable
    return _merged(found)


def _clamped(match: re.Match[str], size_bytes: int) -> ByteRange:
    """The bytes of the object that a spec names; empty where it has none of them."""
    if match[3]:
        return ByteRange(max(size_bytes - int(match[3]), 0), size_bytes)
    stop = int(match[2]) + 1 if match[2] else size_bytes
    return ByteRange(int(match[1]), min(stop, size_bytes))


def _merged(ranges: list[ByteRange]) -> list[ByteRange]:
    in_order = sorted(ranges)
    if all(one.stop <= other.start for one, other in pairwise(in_order)):
        return ranges
    merged = [in_order[0]]
    for one in in_order[1:]:
        last = merged[-1]
        if one.start <= last.stop:
            merged[-1] = ByteRange(last.start, max(last.stop, one.stop))
        else:
            merged.append(one)
    return merged
