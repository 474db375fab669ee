"""The rows of list files, read with constant memory: each reader gives items and knows the byte or row after them.

Nothing that stands in a list is lost, and no other URL is made of it. A row that names no URL, or none that can be read
in one way only, becomes an item all the same: in place of its URL it says where it is and what is wrong. No such text
is a URL, so it is never fetched, and ends in the audit as `invalid_url`. Only blank lines and comments are passed over.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import IO, Any, Final, NamedTuple, TypeAlias

from pupline.errors import ConfigurationError
from pupline.sources.lists._url_text import NOT_UTF_8, trimmed, url_in, why_unreadable
from pupline.specs import MAX_URL, Normaliser, kept_url
from pupline.tasks.items import SourceItem
from pupline.text import printable

MAX_LINE_BYTES: Final = 1024 * 1024
"""A longer line is a row that cannot be used: no URL is that long."""

TOO_LONG: Final = "longer than 1 MiB, which no row is"

BLANKS: Final = bytes(range(33)) + b"\x7f"
"""What may surround a line of text: controls and blanks of ASCII, as in the URL standard."""

LINE_ENDS: Final = b"\r\n"

_HASH = ord("#")
_LINE_FEED = ord("\n")
_BLANK_LINE = b"\n"
_ASCII = 0x80
_BOM = b"\xef\xbb\xbf"
_SHOWN = 500  # characters of a row that cannot be used


class Place(NamedTuple):
    """Where a reader stands. at: the byte or row. row: rows or lines before it. refused: of those that gave items."""

    at: int = 0
    row: int = 0
    refused: int = 0


Line: TypeAlias = tuple[int, int, bytes, str | None]
"""One line of a file: the byte after it, its number from 1, what it holds, and why it cannot be used, if so."""


class Rows(ABC):
    """The items of one open file. place: where the next one begins, to go on from. noun: what its rows are called."""

    noun = "line"

    def __init__(self, name: str, place: Place) -> None:
        self.name = name
        self.at, self.row, self.refused = place
        self._normal = Normaliser()

    @property
    def place(self) -> Place:
        """Where the next item begins."""
        return Place(self.at, self.row, self.refused)

    def take_notes(self) -> tuple[str, ...]:
        """What was left out, in sentences; each is told once."""
        return self._normal.take_notes()

    @abstractmethod
    def take(self, most: int) -> list[SourceItem]:
        """The next items; fewer than `most` only at the end."""

    @abstractmethod
    def count(self) -> int:
        """How many items there are in all. Reads the file once; call it before the first `take`."""

    def _item(self, text: str, number: int, facts: Mapping[str, Any] | None = None) -> SourceItem:
        """The item whose URL is `text`, with what may surround it. number: of its row, from 1."""
        # Nearly all are read at once; the others with all care.
        if not (text.startswith("http") and text.isascii() and text[-1] > " " and " " not in text):
            text = url_in(text)
            why = why_unreadable(text)
            if why is not None:
                return self._unusable(number, why, text, facts)
        if facts:
            return self._normal.item(text, facts)
        return SourceItem(url=text if len(text) < MAX_URL else kept_url(text))

    def _unusable(self, number: int, why: str, text: str, facts: Mapping[str, Any] | None = None) -> SourceItem:
        """The item of a row that names no URL that could be fetched. text: what stands there instead."""
        self.refused += 1
        shown = printable(as_written(text[: _SHOWN + 1]), _SHOWN)
        said = f"{self.noun} {number}: {why}" + (f": {shown}" if shown else "")
        self._normal.note(why, f"{printable(said, 200)}. Such rows are not fetched; the audit has each as invalid_url")
        return self._normal.item(said, facts or {})

    def _readable(self, facts: Mapping[str, Any]) -> Mapping[str, Any]:
        """The facts without texts that are not UTF-8."""
        broken = [
            name
            for name, value in facts.items()
            if isinstance(value, str) and not value.isascii() and NOT_UTF_8.search(value)
        ]
        if not broken:
            return facts
        for name in broken:
            self._normal.note(
                f"bytes {name}", f"{name}: values that are not UTF-8 are left out; save the list as UTF-8"
            )
        return {name: value for name, value in facts.items() if name not in broken}


class TextFile(Rows):
    """Rows of text in UTF-8, line by line."""

    def __init__(self, name: str, file: IO[bytes], place: Place) -> None:
        super().__init__(name, place)
        self._file = file
        self._open_end = -1  # the byte after a last line without an end, once that was read

    def _lines(self, place: Place, around: bytes = BLANKS) -> Iterator[Line]:
        """Each line from a place on, without the bytes that may be `around` it."""
        readline, at, number = self._file.readline, place.at, place.row
        self._file.seek(at)
        while data := readline(MAX_LINE_BYTES):
            why = None
            at += len(data)
            number += 1
            if data == _BLANK_LINE and around is BLANKS:  # some files have millions
                continue
            if data[-1] != _LINE_FEED:
                at, why = self._unended(at, data)
            if at == len(data):
                data = data.removeprefix(_BOM)
            data = data.strip(around)
            if data and data[0] >= _ASCII and around is BLANKS:
                data = trimmed(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
            yield at, number, data, why
        broken = getattr(self._file, "broken", None)
        if broken and not at:
            raise ConfigurationError(f"{self.name}: it cannot be read: {printable(broken)}")
        if broken:
            yield at, number + 1, b"", f"the list breaks off here: {broken}"

    def _unended(self, at: int, data: bytes) -> tuple[int, str | None]:
        """The byte after a line of which only the beginning was read, and why it cannot be used, if so."""
        if len(data) < MAX_LINE_BYTES:
            self._open_end = at
            return at, "the list breaks off in this line" if getattr(self._file, "broken", None) else None
        while rest := self._file.readline(MAX_LINE_BYTES):
            at += len(rest)
            if rest[-1] == _LINE_FEED:
                break
        return at, TOO_LONG


class TextRows(TextFile):
    """One URL a line; `#` begins a comment line."""

    def __init__(self, name: str, file: IO[bytes], place: Place) -> None:
        super().__init__(name, file, place)
        self._rest = self._lines(place)

    def take(self, most: int) -> list[SourceItem]:
        items: list[SourceItem] = []
        add = items.append
        for at, number, data, why in self._rest:
            self.at, self.row = at, number
            if why is not None:
                add(self._unusable(number, why, data.decode("utf-8", "surrogateescape")))
            elif data and data[0] != _HASH:
                add(self._item(data.decode("utf-8", "surrogateescape"), number))
            else:
                continue
            if len(items) == most:
                break
        return items

    def count(self) -> int:
        return sum(1 for _, _, data, why in self._lines(Place()) if why or (data and data[0] != _HASH))


def as_written(text: str) -> str:
    """`text` with the bytes that are not UTF-8 as escapes."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half a surrogate pair, out of JSON
        return text
