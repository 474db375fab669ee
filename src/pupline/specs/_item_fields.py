"""The fields of an item, converted to the types of `SourceItem`. Invalid values are left out, and noted once.

A URL is never left out: an item with an invalid URL ends in the audit as `invalid_url`, so that no item is lost without
a trace.
"""

import math
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from contextlib import suppress
from decimal import Decimal
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final

from pupline.specs._extra import kept_extra
from pupline.specs._label_text import labels_in
from pupline.specs._plain_text import plain_text
from pupline.tasks.items import SourceItem
from pupline.text import printable

MAX_TEXT: Final = 4096
MAX_LABELS: Final = 50
MAX_URL: Final = 5000
"""Longer than the client accepts, so that a URL that was cut is still refused."""

_MAX_INTEGER = 2**53  # what every reader of JSON can hold
_MAX_PIXELS_A_SIDE = 2**31 - 1  # an INT of Parquet and Athena

_DIGITS = re.compile(r"([0-9]{1,16})(?:\.0{1,6})?")  # sheets and data frames write 640.0
_MIME = re.compile(r"[a-z0-9!#$&^_.+-]{1,63}/[a-z0-9!#$&^_.+-]{1,63}")
_HEX = {
    16: re.compile(r"[0-9a-f]{16}"),
    32: re.compile(r"[0-9a-f]{32}"),
    40: re.compile(r"[0-9a-f]{40}"),
    64: re.compile(r"[0-9a-f]{64}"),
}
_ALGORITHM = re.compile(r"(?:md5|sha-?1|sha-?256)[:=-]", re.IGNORECASE)
_SURROGATE = re.compile("[\ud800-\udfff]")


_MAX_DROP_NOTES = 20  # notes on one column each
_MAX_DROPPED = 200  # columns named in notes and in the summary


class _Unusable(ValueError):
    """A value of the wrong kind for its field; its text is the right kind."""


def sendable_url(text: str) -> str:
    """`text` as UTF-8 can hold it: a lone surrogate becomes an escape, whose backslash is invalid in a URL."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


def kept_url(text: str) -> str:
    """`text` as UTF-8 can hold it, in at most `MAX_URL` characters, and different for different texts.

    The end of a longer one is replaced by a hash of all of it.
    """
    url = sendable_url(text)
    if len(url) <= MAX_URL:
        return url
    rest = f"... ({len(url)} characters, SHA-256 {sha256(url.encode()).hexdigest()})"
    return url[: MAX_URL - len(rest)] + rest


def _is_nan(value: Any) -> bool:
    """Whether it is what data frames write for no value."""
    return isinstance(value, float) and math.isnan(value)


def _is_finite(value: str | float | Decimal) -> bool:
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
        text = value.strip() if isinstance(value, str) else ""
        if _HEX[length].fullmatch(text.lower()):
            return text.lower()
        raise _Unusable(f"{length} hexadecimal digits")

    return read


def _hash(length: int) -> Callable[[Any], str | None]:
    """As `_hex`, also with the algorithm in front (`md5:`), as bytes, and in base64 (Open Images, HTTP)."""
    in_hex = _hex(length)

    def read(value: Any) -> str | None:
        if isinstance(value, bytes):
            return in_hex(value.hex())
        text = _ALGORITHM.sub("", value.strip(), count=1) if isinstance(value, str) else ""
        if len(text) == 4 * math.ceil(length / 6):
            with suppress(ValueError):
                return in_hex(b64decode(text, validate=True).hex())
        return in_hex(text)

    return read


def _mime(value: Any) -> str | None:
    text = value.partition(";")[0].strip().lower() if isinstance(value, str) else ""
    if not _MIME.fullmatch(text):
        raise _Unusable("a media type such as image/jpeg")
    return text


def _labels(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        value = labels_in(value[: MAX_LABELS * MAX_TEXT])
    elif not isinstance(value, list | tuple):
        value = [value]
    try:
        found = [_text(label) for label in value[:MAX_LABELS] if label is not None]
    except _Unusable:
        raise _Unusable("a text or a list of texts") from None
    return tuple(dict.fromkeys(label for label in found if label))


_READERS: dict[str, Callable[[Any], Any]] = {
    "id": _text,
    "width": _integer(_MAX_PIXELS_A_SIDE),
    "height": _integer(_MAX_PIXELS_A_SIDE),
    "bytes": _integer(_MAX_INTEGER),
    "md5": _hash(32),
    "sha1": _hash(40),
    "sha256": _hash(64),
    "phash": _hex(16),
    "mime": _mime,
    "license": _text,
    "creator": _text,
    "attribution": _text,
    "landing": _text,
    "title": _text,
    "alt": _text,
    "caption": _text,
    "labels": _labels,
}
FACTS: Final = tuple(_READERS)
"""The fields of an item, without its url."""


class Normaliser:
    """Makes items, and collects a note on each field with a value that was left out.

    dropped: why values of a column are not in `extra`, by its name.
    """

    def __init__(self) -> None:
        self._noted: set[str] = set()
        self._notes: list[str] = []
        self.dropped: dict[str, str] = {}

    def item(
        self,
        url: str,
        facts: Mapping[str, Any],
        extra: Mapping[str, Any] = MappingProxyType({}),
        columns: Mapping[str, str] = MappingProxyType({}),
    ) -> SourceItem:
        """The item at `url`. facts: the source's values by field name. extra: its other values by their own names.

        None, "" and False (which `x && y` of JMESPath gives) are absent facts. columns: the source's own names of the
        fields, where a value that does not fit its field is kept in `extra`.
        """
        found: dict[str, Any] = {}
        for name, value in facts.items():
            if value is not None and value is not False and value != "":
                try:
                    read = _READERS[name](value)
                except _Unusable as wrong:
                    is_kept = name in columns and not _is_nan(value)
                    fate = "kept in extra" if is_kept else "left out"
                    self.note(
                        f"{fate} {name}", f"{name}: {printable(repr(value), 60)} is not {wrong}; such values are {fate}"
                    )
                    if is_kept:
                        extra = {**extra, columns[name]: value}
                else:
                    if read is not None:
                        found[name] = read
                        self._note_cut(name, value, read)
        if extra and (kept := kept_extra(extra, self.drop)):
            found["extra"] = kept
        return SourceItem(url=kept_url(url), **found)

    def _note_cut(self, name: str, value: Any, read: Any) -> None:
        if isinstance(read, str) and len(read) == MAX_TEXT < len(str(value).strip()):
            self.note(f"cut {name}", f"{name}: texts of more than {MAX_TEXT:,} characters are cut")
        elif name == "labels" and len(read) == MAX_LABELS < len(labels_in(value) if isinstance(value, str) else value):
            self.note(f"cut {name}", f"{name}: of more than {MAX_LABELS}, the first {MAX_LABELS} are kept")

    def drop(self, column: str, why: str) -> None:
        """Note that a column, or some of its values, are not kept."""
        if column not in self.dropped and len(self.dropped) < _MAX_DROPPED:
            self.dropped[column] = why
            if len(self.dropped) <= _MAX_DROP_NOTES:
                self.note(f"drop {column}", f"the column {printable(column, 60)!r} is not kept: {why}")
            else:
                self.note("drop more", f"more than {_MAX_DROP_NOTES} columns are not kept; columns_dropped has them")

    def note(self, subject: str, sentence: str) -> None:
        """Add a note, unless there was one on this subject before."""
        if subject not in self._noted:
            self._noted.add(subject)
            self._notes.append(sentence)

    def take_notes(self) -> tuple[str, ...]:
        """The notes since the last call."""
        taken, self._notes = tuple(self._notes), []
        return taken
