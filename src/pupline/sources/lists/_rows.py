"""The rows of list files, read with constant memory. Each reader gives items, and knows the byte or row after them.

No row is lost, and no URL is changed. A row without a URL, or with an ambiguous one, becomes an item whose URL is a
text: the row's place and its problem. Such a text is never fetched, and ends in the audit as `invalid_url`. Only blank
lines and comments are skipped.
"""

import io
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import IO, Any, Final, NamedTuple, TypeAlias

from pupline.errors import ConfigurationError
from pupline.sources._listing import ColumnUse
from pupline.sources.lists._column_plan import ColumnPlan
from pupline.sources.lists._url_text import NOT_UTF_8, trimmed, url_in, why_unreadable
from pupline.specs import MAX_URL, Normaliser, kept_url
from pupline.tasks.items import SourceItem
from pupline.text import printable

MAX_LINE_BYTES: Final = 1024 * 1024
"""A longer line is unusable: no URL is that long."""

TOO_LONG: Final = "longer than 1 MiB, which no row is"

BLANKS: Final = bytes(range(33)) + b"\x7f"
"""Characters stripped from both ends of a line: ASCII controls and blanks, as in the URL standard."""

LINE_ENDS: Final = b"\r\n"

_HASH = ord("#")
_LINE_FEED = ord("\n")
_BLANK = ord(" ")
_ASCII = 0x80
_BOM = b"\xef\xbb\xbf"
_MAX_COLUMNS = 1_000  # whose use is kept: objects may have other keys in every row
_SAME_NAME = "several columns have this name"
_SHOWN = 500  # characters of an unusable row


class RowPosition(NamedTuple):
    """A reader's position. at: the byte or row. row: rows or lines before it. refused: items without a usable URL."""

    at: int = 0
    row: int = 0
    refused: int = 0


Line: TypeAlias = tuple[int, int, bytes, str | None]
"""A line: the byte after it, its number from 1, its content, and why it is unusable, if it is."""


class Rows(ABC):
    """The items of one open file. position: of the next one. noun: the name for its rows in messages."""

    noun = "line"

    def __init__(self, name: str, position: RowPosition) -> None:
        self.name = name
        self.at, self.row, self.refused = position
        self._normal = Normaliser()
        self._uses: dict[str, ColumnUse] = {}
        self._rest = self._items()

    @property
    def position(self) -> RowPosition:
        return RowPosition(self.at, self.row, self.refused)

    @property
    def columns(self) -> list[ColumnUse]:
        """What the columns become that were seen so far."""
        dropped = self._normal.dropped
        return [replace(use, why=dropped.get(use.name, use.why)) for use in self._uses.values()]

    @property
    def dropped(self) -> dict[str, str]:
        """Why columns, or some of their values, are not kept, by name."""
        return self._normal.dropped

    def take_notes(self) -> tuple[str, ...]:
        return self._normal.take_notes()

    def take(self, most: int) -> list[SourceItem]:
        """The next items: `most`, or fewer at the end."""
        items: list[SourceItem] = []
        for at, row, item in islice(self._rest, most):
            self.at, self.row = at, row
            items.append(item)
        return items

    @abstractmethod
    def _items(self) -> Iterator[tuple[int, int, SourceItem]]:
        """Each item from `position` on: the byte or row after it, the number of its last row, and the item."""

    @abstractmethod
    def count(self) -> int:
        """The number of items in all. Reads the file; call it before the first `take`."""

    def _item(
        self, text: str, number: int, plan: ColumnPlan | None = None, values: Mapping[str, Any] | None = None
    ) -> SourceItem:
        """The item whose URL is in `text`. number: of its row, from 1. values: of its other columns."""
        # The fast path, for nearly all rows.
        if not (text.startswith("http") and text.isascii() and text[-1] > " " and " " not in text):
            text = url_in(text)
            why = why_unreadable(text)
            if why is not None:
                return self._unusable(number, why, text, plan, values)
        if plan is not None and values:
            return self._normal.item(text, *plan.split(values), plan.columns)
        return SourceItem(url=text if len(text) < MAX_URL else kept_url(text))

    def _unusable(
        self,
        number: int,
        why: str,
        text: str,
        plan: ColumnPlan | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> SourceItem:
        """The item of a row without a usable URL. text: the row, or what is in place of the URL."""
        self.refused += 1
        shown = printable(as_written(text[: _SHOWN + 1]), _SHOWN)
        said = f"{self.noun} {number}: {why}" + (f": {shown}" if shown else "")
        self._normal.note(why, f"{printable(said, 200)}. Such rows are not fetched; the audit has each as invalid_url")
        return self._normal.item(said, *(plan.split(values) if plan and values else ({}, {})))

    def _plan(
        self, names: Sequence[str], url: str, binary: Sequence[str] = (), *, in_table: bool = False
    ) -> ColumnPlan:
        """What the columns of these names become, noted for people."""
        plan = ColumnPlan(names, url, binary, in_table=in_table)
        for use in plan.uses:
            if len(self._uses) < _MAX_COLUMNS:
                self._uses.setdefault(use.name, use)
            if use.becomes == "dropped":
                self._normal.drop(use.name, use.why)
        for note in plan.notes:
            self._normal.note(note, printable(note, 300))
        return plan

    def _table_plan(
        self, names: Sequence[str], url: int, binary: Container[int] = ()
    ) -> tuple[ColumnPlan, list[tuple[int, str]]]:
        """The plan of a table, and the columns that it reads; those with a name twice are left out.

        A column without a name is called by its number. binary: columns that hold bytes.
        """
        named = [name or f"column_{at + 1}" for at, name in enumerate(names)]
        count = Counter(name for at, name in enumerate(named) if at != url)
        for name, times in count.items():
            if times > 1:
                self._normal.drop(name, _SAME_NAME)
                self._uses.setdefault(name, ColumnUse(name, "dropped", _SAME_NAME))
        single = {at: name for at, name in enumerate(named) if at == url or count[name] == 1}
        held = [name for at, name in single.items() if at != url and at in binary]
        plan = self._plan(list(single.values()), named[url] if url in single else "", held, in_table=True)
        return plan, [(at, name) for at, name in single.items() if at != url and name in plan.wanted]

    def _readable(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        """`values` without texts that are not UTF-8."""
        broken = [
            name
            for name, value in values.items()
            if isinstance(value, str) and not value.isascii() and NOT_UTF_8.search(value)
        ]
        if not broken:
            return values
        for name in broken:
            self._normal.note(
                f"bytes {name}", f"{name}: values that are not UTF-8 are left out; save the list as UTF-8"
            )
        return {name: value for name, value in values.items() if name not in broken}


class TextFile(Rows):
    """A file of lines in UTF-8."""

    def __init__(self, name: str, file: IO[bytes], position: RowPosition) -> None:
        super().__init__(name, position)
        self._file = file
        self._open_end = -1  # the byte after a last line without a line end, once read

    def _lines(self, position: RowPosition, around: bytes = BLANKS) -> Iterator[Line]:
        """The lines from a place on, without the bytes `around` them."""
        readline, at, number = self._file.readline, position.at, position.row
        self._file.seek(at)
        while data := readline(MAX_LINE_BYTES):
            why = None
            at += len(data)
            number += 1
            # Some files have millions of blank lines, and packed ones many more.
            if data[0] <= _BLANK and data[-1] == _LINE_FEED and around is BLANKS and not data.strip(BLANKS):
                skipped = self._skip_blank_lines()
                at += len(skipped)
                number += skipped.count(b"\n")
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

    def _skip_blank_lines(self) -> bytes:
        """Read on over blank lines, as far as they are in the buffer; what was skipped."""
        if not isinstance(self._file, io.BufferedReader):
            return b""
        ahead = self._file.peek()
        blank = ahead[: len(ahead) - len(ahead.lstrip(BLANKS))]
        return self._file.read(blank.rfind(b"\n") + 1)

    def _unended(self, at: int, data: bytes) -> tuple[int, str | None]:
        """The byte after a line that was read in part, and why it is unusable, if it is."""
        if len(data) < MAX_LINE_BYTES:
            self._open_end = at
            return at, "the list breaks off in this line" if getattr(self._file, "broken", None) else None
        while rest := self._file.readline(MAX_LINE_BYTES):
            at += len(rest)
            if rest[-1] == _LINE_FEED:
                break
        return at, TOO_LONG


class TextRows(TextFile):
    """One URL per line; `#` begins a comment line."""

    def _items(self) -> Iterator[tuple[int, int, SourceItem]]:
        for at, number, data, why in self._lines(self.position):
            if why is not None:
                yield at, number, self._unusable(number, why, data.decode("utf-8", "surrogateescape"))
            elif data and data[0] != _HASH:
                yield at, number, self._item(data.decode("utf-8", "surrogateescape"), number)

    def count(self) -> int:
        return sum(1 for _, _, data, why in self._lines(RowPosition()) if why or (data and data[0] != _HASH))


def as_written(text: str) -> str:
    """`text` with escapes for bytes that are not UTF-8."""
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # a lone surrogate from JSON
        return text
