"""What a decoder may report: a check of every reply, because the bytes that it read may have taken it over."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from pupline.text import UNSAFE

REASONS = frozenset({"unsupported", "damaged", "too_many_pixels", "memory", "timeout", "crashed"})
"""Why an image cannot be decoded."""

_MAX_TEXT = 400
_MAX_SIDE = 1 << 31
_PHASH = re.compile(r"[0-9a-f]{16}")
_JPEG = re.compile(r"[A-Za-z0-9+/]{1,262144}={0,2}")


def _score(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


def _side(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < _MAX_SIDE


def _flag(value: object) -> bool:
    return isinstance(value, bool)


def _text(value: object) -> bool:
    return isinstance(value, str) and len(value) <= _MAX_TEXT and UNSAFE.search(value) is None


def _matches(pattern: re.Pattern[str], value: object) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _phash(value: object) -> bool:
    return _matches(_PHASH, value)


def _orientation(value: object) -> bool:
    return _side(value) and value in range(1, 9)


_NEEDED: Mapping[str, Callable[[object], bool]] = {
    **dict.fromkeys(("width", "height"), _side),
    **dict.fromkeys(("low_information", "has_exif", "has_gps"), _flag),
    **dict.fromkeys(("aspect", "sharpness", "blur", "brightness", "darkness", "contrast", "single_colour"), _score),
    "phash": _phash,
    "orientation": _orientation,
}
_KNOWN: Mapping[str, Callable[[object], bool]] = {
    **_NEEDED,
    "phash_stored": _phash,
    "camera": _text,
    "taken_at": _text,
}


def are_valid(reply: Mapping[str, Any]) -> bool:
    """Whether the reply is one that `_decoder` sends about an image: nothing is missing, strange or new."""
    if "undecodable" in reply:
        is_known = str(reply["undecodable"]) in REASONS
        return reply.keys() == {"undecodable", "detail"} and is_known and _text(reply["detail"])
    if "jpeg" in reply:
        return reply.keys() == {"jpeg"} and _matches(_JPEG, reply["jpeg"])
    if not _NEEDED.keys() <= reply.keys() <= _KNOWN.keys():
        return False
    return all(_KNOWN[name](value) for name, value in reply.items())
