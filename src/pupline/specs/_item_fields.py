"""What a source says of an image, brought to the types of `SourceItem`. What has no sense is left out, and noted once.

The url alone is never left out: an item whose url is nonsense ends in the audit as `invalid_url`, so that nothing that
a source named is lost without a trace.
"""

import math
import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final

from pupline.specs._plain_text import plain_text
from pupline.tasks.items import SourceItem
from pupline.text import printable

MAX_TEXT: Final = 4096
MAX_LABELS: Final = 50
MAX_URL: Final = 5000
"""More than the client takes, so that a URL that was cut stays too long to be fetched."""

_MAX_INTEGER = 2**53  # what every reader of JSON can hold
_MAX_PIXELS_A_SIDE = 2**31 - 1  # an INT of Parquet and Athena

_DIGITS = re.compile(r"([0-9]{1,16})(?:\.0{1,6})?")  # sheets and data frames write 640.0
_MIME = re.compile(r"[a-z0-9!#$&^_.+-]{1,63}/[a-z0-9!#$&^_.+-]{1,63}")
_HEX = {40: re.compile(r"[0-9a-f]{40}"), 64: re.compile(r"[0-9a-f]{64}")}
_SURROGATE = re.compile("[\ud800-\udfff]")


class _Unusable(ValueError):
    """A value that is none of its field's kind; its text says what would be."""


def sendable_url(text: str) -> str:
    """`text` as UTF-8 can hold it: half a surrogate pair becomes an escape, whose backslash no URL may have."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def kept_url(text: str) -> str:
    """`text` as an item keeps it: sendable, at most `MAX_URL` characters long, and never equal for different texts.

    The end of a longer one is replaced by a hash of all of it: two that begin alike stay two items.
    """
    url = sendable_url(text)
    if len(url) <= MAX_URL:
        return url
    rest = f"... ({len(url)} characters, SHA-256 {sha256(url.encode()).hexdigest()})"
    return url[: MAX_URL - len(rest)] + rest


def _is_finite(value: str | float | Decimal) -> bool:
    """NaN and infinity are what is left where a number is missing."""
    return isinstance(value, str | int) or math.isfinite(value)


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal) or not _is_finite(value):
        raise _Unusable("a text")
    text = plain_text(_SURROGATE.sub("\ufffd", str(value)[: 4 * MAX_TEXT]))
    return text[:MAX_TEXT] or None


def _is_whole(value: float | Decimal) -> bool:
    return math.isfinite(value) and -_MAX_INTEGER <= value <= _MAX_INTEGER and value == int(value)


def _integer(largest: int) -> Callable[[Any], int | None]:
    def read(value: Any) -> int | None:
        if isinstance(value, str) and (digits := _DIGITS.fullmatch(value.strip())):
            value = int(digits[1])
        if isinstance(value, float | Decimal) and _is_whole(value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= largest:
            raise _Unusable("a whole number")
        return value or None  # several APIs say 0 where they do not know

    return read


def _hex(length: int) -> Callable[[Any], str | None]:
    def read(value: Any) -> str | None:
        text = value.strip().lower() if isinstance(value, str) else ""
        if not _HEX[length].fullmatch(text):
            raise _Unusable(f"{length} hexadecimal digits")
        return text

    return read


def _mime(value: Any) -> str | None:
    text = value.partition(";")[0].strip().lower() if isinstance(value, str) else ""
    if not _MIME.fullmatch(text):
        raise _Unusable("a media type such as image/jpeg")
    return text


def _labels(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        value = [value]
    found = [_text(label) for label in value[:MAX_LABELS] if label is not None]
    return tuple(dict.fromkeys(label for label in found if label))


_READERS: dict[str, Callable[[Any], Any]] = {
    "id": _text,
    "width": _integer(_MAX_PIXELS_A_SIDE),
    "height": _integer(_MAX_PIXELS_A_SIDE),
    "bytes": _integer(_MAX_INTEGER),
    "sha1": _hex(40),
    "sha256": _hex(64),
    "mime": _mime,
    "license": _text,
    "creator": _text,
    "attribution": _text,
    "landing": _text,
    "title": _text,
    "alt": _text,
    "labels": _labels,
}
FACTS: Final = tuple(_READERS)
"""The fields of an item but its url."""


class Normaliser:
    """Makes items, and remembers what to say about values that it left out: once per field, however often."""

    def __init__(self) -> None:
        self._noted: set[str] = set()
        self._notes: list[str] = []

    def item(self, url: str, facts: Mapping[str, Any]) -> SourceItem:
        """The item at `url`. facts: values as the source has them, by field name.

        None and "" are absent values, and so is False, which is what `x && y` of JMESPath gives.
        """
        found = {}
        for name, value in facts.items():
            if value is not None and value is not False and value != "":
                try:
                    read = _READERS[name](value)
                except _Unusable as wrong:
                    self.note(name, f"{name}: {printable(repr(value), 60)} is not {wrong}; such values are left out")
                else:
                    if read is not None:
                        found[name] = read
        return SourceItem(url=kept_url(url), **found)

    def note(self, subject: str, sentence: str) -> None:
        """Say `sentence`, unless something was said on this subject before."""
        if subject not in self._noted:
            self._noted.add(subject)
            self._notes.append(sentence)

    def take_notes(self) -> tuple[str, ...]:
        """What is new since the last call."""
        taken, self._notes = tuple(self._notes), []
        return taken
