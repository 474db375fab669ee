"""Rows of JSON: one value per line, or the values of one array of any size."""

import json
import re
from abc import abstractmethod
from collections.abc import Iterator
from typing import IO, Any, Final

from pupline.sources.lists._column_plan import ColumnPlan
from pupline.sources.lists._columns import NoColumn, key_at, value_at
from pupline.sources.lists._rows import BLANKS, MAX_LINE_BYTES, TOO_LONG, Line, RowPosition, TextFile
from pupline.tasks.items import SourceItem

_CHUNK: Final = 64 * 1024
_KINDS_OF_OBJECTS = 1000  # sets of keys whose URL key is remembered
_SHOWN = 1000
_NAME_SHOWN = 40
_OUTSIDE = re.compile(rb'["\[\]{},]')
_INSIDE = re.compile(rb'["\\]')


class _Values(TextFile):
    """A file of JSON values: URLs, or objects with a URL and other fields of an item."""

    def __init__(self, name: str, file: IO[bytes], position: RowPosition, column: str | None) -> None:
        super().__init__(name, file, position)
        self._column = column
        self._keys: dict[tuple[str, ...], _Key] = {}

    @abstractmethod
    def _values(self, position: RowPosition) -> Iterator[Line]:
        """The values from a place on, as written."""

    def _items(self) -> Iterator[tuple[int, int, SourceItem]]:
        for at, number, data, why in self._values(self.position):
            item = self._value(data, number) if why is None else self._unusable(number, why, _shown(data))
            yield at, number, item

    def count(self) -> int:
        return sum(1 for _ in self._values(RowPosition()))

    def _value(self, data: bytes, number: int) -> SourceItem:
        try:
            text = data.decode()
            value = _parsed(text)
        except UnicodeDecodeError:
            return self._unusable(number, "it is not UTF-8; save the list as UTF-8", _shown(data))
        except (ValueError, RecursionError):
            if data.endswith(b","):  # lines cut out of an array
                return self._value(data.rstrip(b", \t"), number)
            if text.startswith(("http://", "https://")):
                return self._item(text, number)
            return self._unusable(number, "it is not JSON", _shown(data))
        if isinstance(value, str):
            return self._item(value, number)
        if not isinstance(value, dict):
            return self._unusable(number, "neither a URL nor an object with one", _shown(data))
        return self._object(value, data, number)

    def _object(self, value: dict[str, Any], data: bytes, number: int) -> SourceItem:
        keys = tuple(value)
        try:
            key = self._keys.get(keys) or self._key_for(keys, value)
        except NoColumn as err:
            return self._unusable(number, str(err).replace(". Name", "; name"), _shown(data))
        if (data.count(key.written) > 1 or b"\\u" in data) and _is_twice(key, data):
            return self._unusable(number, f"several values for {key.name!r}", _shown(data))
        url = value[key.name] if key.first == key.name else value_at(value, key.name)
        if isinstance(url, str):
            return self._item(url, number, key.plan, value if key.plan.wanted else None)
        return self._unusable(number, _no_url(key.name, url), _shown(data), key.plan, value)

    def _key_for(self, keys: tuple[str, ...], value: dict[str, Any]) -> "_Key":
        """The key, or path of keys, of the URL in objects with these keys. Raises: NoColumn."""
        path = self._column
        if path is not None and "." in path and path not in value and value_at(value, path) is not None:
            return _Key(path, path.partition(".")[0], self._plan(keys, ""))
        name = key_at(keys, path)
        if len(self._keys) == _KINDS_OF_OBJECTS:
            self._keys.clear()
        self._keys[keys] = key = _Key(name, name, self._plan(keys, name))
        return key


class _Key:
    """The key of an object's URL, and what its other keys become.

    first: the key's first part, in the object itself. written: that part in JSON.
    """

    __slots__ = ("first", "name", "plan", "written")

    def __init__(self, name: str, first: str, plan: ColumnPlan) -> None:
        self.name = name
        self.plan = plan
        self.first = first
        self.written = b'"' + first.encode("utf-8", "surrogatepass") + b'"'


class JsonLines(_Values):
    """One value per line."""

    def _values(self, position: RowPosition) -> Iterator[Line]:
        return (line for line in self._lines(position) if line[2] or line[3])


class JsonArray(_Values):
    """The values of one array, split at its brackets, braces and commas, so that one is in memory at a time."""

    noun = "value"

    def _values(self, position: RowPosition) -> Iterator[Line]:
        number = position.row
        for at, data, why in _Array(self._file, position.at).values():
            number += 1
            yield at, number, data, why


class _Array:
    """Scans the text of an array, from its beginning or from between two values."""

    def __init__(self, file: IO[bytes], start: int) -> None:
        self._file = file
        self._at = start  # the byte after the scanned part
        self._depth = 1 if start else 0  # 1 between the values
        self._in_text = False
        self._escaped = False
        self._value = bytearray()
        self._too_long = False
        self._behind = b""

    def values(self) -> Iterator[tuple[int, bytes, str | None]]:
        """Each value: the byte to resume at after it, its text, and why it is unusable, if it is."""
        self._file.seek(self._at)
        begun = False
        while self._depth or not begun:
            chunk = self._file.read(_CHUNK)
            if not chunk:
                broken = getattr(self._file, "broken", None) or "it is not closed"
                yield self._at, bytes(self._value[:_SHOWN]).strip(BLANKS), f"the array breaks off here ({broken})"
                return
            yield from self._in_chunk(chunk)
            begun = True
        behind = (self._behind[:_SHOWN] + self._file.read(_SHOWN)).strip(BLANKS)
        if behind:
            yield self._at, behind, "it stands behind the end of the array"

    def _in_chunk(self, chunk: bytes) -> Iterator[tuple[int, bytes, str | None]]:
        start, here, base = 0, int(self._escaped), self._at
        self._escaped = False
        while found := (_INSIDE if self._in_text else _OUTSIDE).search(chunk, here):
            here, mark = found.end(), found.group()
            if mark == b"\\":
                here += 1
                self._escaped = here > len(chunk)
            elif mark == b'"':
                self._in_text = not self._in_text
            elif mark in b"[{":
                self._depth += 1
                start = here if self._depth == 1 else start
            elif mark == b",":
                if self._depth == 1:
                    yield base + here, *self._ended(chunk[start : here - 1])
                    start = here
            else:
                self._depth -= 1
                if not self._depth:
                    self._at, self._behind = base + here - 1, chunk[here:]
                    last = self._ended(chunk[start : here - 1])
                    if last[0]:
                        yield self._at, *last
                    return
        self._keep(chunk[start:])
        self._at = base + len(chunk)

    def _keep(self, part: bytes) -> None:
        room = MAX_LINE_BYTES - len(self._value)
        self._too_long = self._too_long or len(part) > room
        self._value += part[:room]

    def _ended(self, part: bytes) -> tuple[bytes, str | None]:
        """The value that ends with `part`, and why it is unusable, if it is."""
        self._keep(part)
        data, why = bytes(self._value).strip(BLANKS), TOO_LONG if self._too_long else None
        self._value.clear()
        self._too_long = False
        return data, why if data else "no value"


def _no_url(name: str, value: object) -> str:
    if value is None:
        return "no URL"
    if not isinstance(value, dict) or not value:
        return f"{name!r} is not a URL"
    inside = next((key for key in value if key.lower() == "url"), next(iter(value)))
    return f"{name!r} is an object; name a field of it, such as FILE#{name}.{inside[:_NAME_SHOWN]}"


def _parsed(text: str) -> Any:
    """The value, with a number that is too long for Python as text."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        raise
    except ValueError:
        return json.loads(text, parse_int=str)


def _is_twice(key: _Key, data: bytes) -> bool:
    """Whether the object has several values for the key, which is ambiguous."""
    names = [name for name, _ in json.loads(data, object_pairs_hook=list, parse_int=str)]
    return names.count(key.first) > 1


def _shown(data: bytes) -> str:
    return data[:_SHOWN].decode("utf-8", "surrogateescape")
