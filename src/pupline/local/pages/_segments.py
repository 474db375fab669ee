"""Segments of the record index: the filtered fields of some 32,768 records, by column, and their text to search in.

A column has one code for each record, in the order of their IDs, and the list of its values. So a filter is a table
that translates codes to 0 or 1, several filters are the AND of two large numbers, and a search is one pass over bytes:
a million records take some tens of milliseconds.
"""

import json
import sqlite3
import threading
from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any, TypeAlias

SIZE = 32_768
"""Records of a segment: their IDs share the number of the segment."""

FIELDS = ("day", "breed", "type", "outcome", "reason", "alert", "host", "source", "run", "error")
TEXT, IDS, TIMES = "text", "ids", "times"

_ONE_BYTE = 256
_FEW_VALUES = 48
"""So many values are counted one by one faster than all together."""

_NEXT = bytes([*range(1, _ONE_BYTE), 0])
_ALL_BITS = bytes([0]) + bytes([_ONE_BYTE - 1]) * (_ONE_BYTE - 1)
_LINE_BREAKS = str.maketrans("\n", " ")

_REMEMBERED = 128
"""Masks of searches, one for each segment: 4 MB."""

Mask: TypeAlias = bytes | None
"""1 for each record that is wanted, 0 for the others; None for all."""

Wanted: TypeAlias = Mapping[str, frozenset[str | None]]
"""The wanted values of fields."""


@dataclass(frozen=True, slots=True)
class Segment:
    """What is known of a segment without its columns. first, last: IDs; since, until: the first and last time.

    values: of each field, with their counts, in the order of their codes. mark: of its first and last record, to notice
    that the database was replaced.
    """

    number: int
    first: int
    last: int
    count: int
    since: str
    until: str
    mark: str
    values: Mapping[str, Mapping[str | None, int]]

    @property
    def is_dense(self) -> bool:
        """Whether no ID between the first and the last is missing."""
        return self.last - self.first + 1 == self.count


@dataclass(slots=True)
class SegmentWriter:
    """Collects the records of a segment, column by column."""

    number: int
    ids: "array[int]" = field(default_factory=lambda: array("q"))
    codes: dict[str, "array[int]"] = field(default_factory=lambda: {name: array("H") for name in FIELDS})
    known: dict[str, dict[str | None, int]] = field(default_factory=lambda: {name: {} for name in FIELDS})
    texts: list[bytes] = field(default_factory=list)
    times: list[str] = field(default_factory=list)
    marks: list[str] = field(default_factory=list)

    def add(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Records: ID, time, mark, text in lower case, and the values of FIELDS."""
        ids, times, marks, texts, *columns = zip(*rows, strict=True)
        self.ids.extend(ids)
        self.times += times
        self.marks = [*(self.marks or marks[:1]), marks[-1]]
        self.marks = [self.marks[0], self.marks[-1]]
        for name, values in zip(FIELDS, columns, strict=True):
            known = self.known[name]
            for value in Counter(values):
                known.setdefault(value, len(known))
            self.codes[name].extend(map(known.__getitem__, values))
        joined = "\n".join(texts)
        if joined.count("\n") != len(texts) - 1:
            joined = "\n".join(text.translate(_LINE_BREAKS) for text in texts)
        self.texts.append(joined.encode("utf-8", "replace"))

    def write(self, connection: sqlite3.Connection) -> None:
        """Store the segment, in the transaction of the caller."""
        counts = {name: Counter(codes) for name, codes in self.codes.items()}
        values = {
            name: [[value, counts[name][code]] for value, code in known.items()] for name, known in self.known.items()
        }
        about = {
            "first": self.ids[0],
            "last": self.ids[-1],
            "count": len(self.ids),
            "since": min(self.times),
            "until": max(self.times),
            "mark": "\n".join(self.marks[: len(self.ids)]),
            "values": values,
        }
        columns = {name: _packed(codes, len(self.known[name])) for name, codes in self.codes.items()}
        times = "\n".join(time.translate(_LINE_BREAKS) for time in self.times)
        columns |= {TEXT: b"\n".join(self.texts) + b"\n", TIMES: times.encode(), IDS: self.ids.tobytes()}
        connection.execute("INSERT INTO segments (number, about) VALUES (?, ?)", (self.number, json.dumps(about)))
        rows = [(self.number, name, body) for name, body in columns.items()]
        connection.executemany("INSERT INTO columns (number, name, body) VALUES (?, ?, ?)", rows)


def segment_of(number: int, about: str) -> Segment:
    """The segment that was stored. Raises: ValueError, LookupError, TypeError for a damaged one."""
    found = json.loads(about)
    values = {name: {value: int(count) for value, count in found["values"][name]} for name in FIELDS}
    parts = {name: found[name] for name in ("first", "last", "count", "since", "until", "mark")}
    return Segment(number=number, values=values, **parts)


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a segment, each read when it is needed."""

    connection: sqlite3.Connection
    segment: Segment
    searches: "Searches"

    def body(self, name: str) -> bytes:
        """A column as it is stored."""
        query = "SELECT body FROM columns WHERE number = ? AND name = ?"
        (body,) = self.connection.execute(query, (self.segment.number, name)).fetchone()
        return bytes(body)

    def ids(self) -> Sequence[int]:
        """The IDs of its records."""
        if self.segment.is_dense:
            return range(self.segment.first, self.segment.last + 1)
        found = array("q")
        found.frombytes(self.body(IDS))
        return found

    def mask(self, wanted: Wanted, words: Sequence[bytes], since: str, until: str) -> Mask:
        """The records with wanted values and all words, of a time from `since` until before `until`."""
        masks = [self._of_field(name, values) for name, values in wanted.items()]
        if since > self.segment.since or (until and until <= self.segment.until):
            masks.append(self._of_time(since.encode(), until.encode()))
        if bytes(1) not in masks and words:
            masks.append(self.searches.mask(self, words))
        return combined([mask for mask in masks if mask is not None], self.segment.count)

    def counts(self, name: str, mask: Mask) -> Mapping[str | None, int]:
        """How many of the masked records have which value of a field."""
        values = self.segment.values[name]
        if mask is None:
            return values
        codes = self._codes(name)
        if isinstance(codes, bytes) and len(values) <= _FEW_VALUES:
            shown = int.from_bytes(codes.translate(_NEXT), "little") & int.from_bytes(
                mask.translate(_ALL_BITS), "little"
            )
            shown_codes = shown.to_bytes(len(codes), "little")
            found = {value: shown_codes.count(code) for code, value in enumerate(values, 1)}
        else:
            counts = Counter(compress(codes, mask))
            found = {value: counts[code] for code, value in enumerate(values)}
        return {value: count for value, count in found.items() if count}

    def _codes(self, name: str) -> Sequence[int]:
        body = self.body(name)
        if len(self.segment.values[name]) <= _ONE_BYTE:
            return body
        found = array("H")
        found.frombytes(body)
        return found

    def _of_field(self, name: str, wanted: frozenset[str | None]) -> Mask:
        chosen = [value in wanted for value in self.segment.values[name]]
        if all(chosen):
            return None
        if not any(chosen):
            return bytes(1)
        codes = self._codes(name)
        if isinstance(codes, bytes):
            return codes.translate(bytes(chosen) + bytes(_ONE_BYTE - len(chosen)))
        return bytes(map(chosen.__getitem__, codes))

    def _of_time(self, since: bytes, until: bytes) -> Mask:
        if self.segment.until.encode() < since or (until and self.segment.since.encode() >= until):
            return bytes(1)
        times = self.body(TIMES).split(b"\n")
        return bytes(since <= time and (not until or time < until) for time in times)

    def with_words(self, words: Sequence[bytes]) -> bytes:
        """1 for each record in whose text all words occur."""
        text, found = self.body(TEXT), bytearray(self.segment.count)
        first, *others = sorted(words, key=len, reverse=True)
        row = line = 0
        at = text.find(first)
        while at >= 0:
            start = text.rfind(b"\n", line, at) + 1 or line
            end = text.index(b"\n", at)
            row += text.count(b"\n", line, start)
            line = start
            found[row] = all(text.find(word, start, end) >= 0 for word in others)
            at = text.find(first, end)
        return bytes(found)


class Searches:
    """Remembers what the latest searches found: the parts of a page ask for the same."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[tuple[tuple[bytes, ...], int, str], bytes] = {}

    def mask(self, columns: Columns, words: Sequence[bytes]) -> bytes:
        """The records of a segment with all words."""
        key = (tuple(words), columns.segment.number, columns.segment.mark)
        with self._lock:
            found = self._found.get(key)
        if found is None:
            found = columns.with_words(words)
            with self._lock:
                self._found[key] = found
                while len(self._found) > _REMEMBERED:
                    del self._found[next(iter(self._found))]
        return found


def combined(masks: Sequence[bytes], count: int) -> Mask:
    """Where all masks have 1; of one byte, which is 0: nothing is wanted."""
    if not masks:
        return None
    if any(len(mask) == 1 and mask == bytes(1) for mask in masks):
        return bytes(count)
    found = int.from_bytes(masks[0], "little")
    for mask in masks[1:]:
        found &= int.from_bytes(mask, "little")
    return found.to_bytes(count, "little")


def _packed(codes: "array[int]", values: int) -> bytes:
    return bytes(codes.tolist()) if values <= _ONE_BYTE else codes.tobytes()
