"""Files of a run that are made from its rows: written to `tmp` as they grow, then put into the bucket whole."""

import itertools
import os
import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from json.encoder import encode_basestring
from pathlib import Path
from typing import Any, BinaryIO

from pupline.local import LocalBackend
from pupline.tasks.metadata import Columns, lines_of, position_of
from pupline.tasks.ports import ObjectStore

_PROCESS = f"{os.getpid()}-{secrets.token_hex(4)}"
_NUMBERS = itertools.count()
"""Of all temporary files of this process, where several runs may end at the same time."""


@dataclass(frozen=True, slots=True)
class RowBatch:
    """Some finished items in the forms that writers need, made once. Lines are without line feeds.

    lines: the rows of metadata as JSON. items: the lines of the manifest. Both are empty where the rows come from such
    lines, and only Parquet is made of them.
    """

    columns: Columns
    lines: Sequence[str]
    items: Sequence[str]

    @classmethod
    def of(cls, columns: Columns, facts: Sequence[str | None]) -> "RowBatch":
        """The batch of these columns. facts: JSON objects of what the source says of each item besides its URL."""
        indexes, urls = columns[position_of("index")], columns[position_of("url")]
        return cls(columns, lines_of(columns), list(map(manifest_line, indexes, urls, facts)))

    def __len__(self) -> int:
        return len(self.columns[0])

    def values(self, name: str) -> Sequence[Any]:
        """The values of one column."""
        return self.columns[position_of(name)]

    def cut(self, start: int, stop: int | None) -> "RowBatch":
        """Its rows from `start` up to `stop`."""
        part = slice(start, stop)
        return RowBatch([values[part] for values in self.columns], self.lines[part], self.items[part])


def manifest_line(index: int, url: str, facts: str | None) -> str:
    """One line of a manifest: `{"index":0,"url":"https://...","id":"..."}`, with the fields that the source gives."""
    rest = f",{facts[1:]}" if facts else "}"
    return f'{{"index":{index},"url":{encode_basestring(url)}{rest}'


def text_of(lines: Iterable[str]) -> bytes:
    """The lines as bytes of a file."""
    return "".join([f"{line}\n" for line in lines]).encode()


@dataclass(slots=True)
class RunFiles:
    """Puts the files of one run into the bucket. keys: of all that were put."""

    bucket: ObjectStore
    tmp: Path
    dataset: str
    run: str
    keys: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, backend: LocalBackend, dataset: str, run: str) -> "RunFiles":
        """For a run on this machine. Needs the data directory's lock: what a killed process left is removed with it."""
        tmp = backend.data_dir / "tmp"
        tmp.mkdir(exist_ok=True)
        return cls(backend.bucket(), tmp, dataset, run)

    def put(self, key: str, body: bytes | Path, content_type: str) -> None:
        """Put a whole file, which is removed, or bytes under `key`. Raises: StorageError."""
        self.bucket.put(key, body, content_type)
        self.keys.append(key)
        if isinstance(body, Path):
            body.unlink(missing_ok=True)


class RunFile:
    """A file that grows, then is put under its key. Closed without `put`, it leaves nothing behind."""

    def __init__(self, files: RunFiles, key: str, content_type: str) -> None:
        self._files = files
        self._key = key
        self._content_type = content_type
        self._path = files.tmp / f"outputs-{_PROCESS}-{next(_NUMBERS)}"
        self.file: BinaryIO = self._path.open("xb")

    def put(self) -> None:
        """Put what was written into the bucket. Raises: StorageError."""
        self.file.close()
        self._files.put(self._key, self._path, self._content_type)

    def close(self) -> None:
        """Drop what was not put."""
        with suppress(OSError):  # the disk may be full
            self.file.close()
        with suppress(FileNotFoundError):
            self._path.unlink()
