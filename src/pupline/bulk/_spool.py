"""Derived files of a run: written aside as they grow, put into the bucket whole. Nobody ever sees half of one."""

import itertools
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from pupline.local import LocalBackend
from pupline.metadata import Columns, ItemRow, columns_of, lines_of
from pupline.ports import ObjectStore

JSON_LINES = "application/x-ndjson"


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows in every form that a writer may want, made once. lines: without line feeds."""

    rows: Sequence[ItemRow]
    columns: Columns
    lines: Sequence[str]

    @classmethod
    def of(cls, rows: Sequence[ItemRow], dataset: str) -> "Batch":
        """The batch of these rows."""
        columns = columns_of(rows, dataset)
        return cls(rows, columns, lines_of(columns))

    def cut(self, start: int, stop: int | None) -> "Batch":
        """Its rows from `start` up to `stop`."""
        part = slice(start, stop)
        return Batch(self.rows[part], [values[part] for values in self.columns], self.lines[part])

    @property
    def json_lines(self) -> bytes:
        """The lines as they stand in a file."""
        return "".join(f"{line}\n" for line in self.lines).encode()


@dataclass(slots=True)
class Spool:
    """Where the derived files of one run go: below `datasets/<dataset>/`. keys: of all that were put."""

    bucket: ObjectStore
    tmp: Path
    dataset: str
    run: str
    keys: list[str] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    @classmethod
    def of(cls, backend: LocalBackend, dataset: str, run: str) -> "Spool":
        """A spool for a run. Needs the data directory's lock: what a killed process left aside is removed with it."""
        tmp = backend.data_dir / "tmp"
        tmp.mkdir(exist_ok=True)
        return cls(backend.bucket(), tmp, dataset, run)

    @property
    def folder(self) -> str:
        """The key prefix of the run's own files: manifest, failures, summary."""
        return f"datasets/{self.dataset}/runs/{self.run}/"

    def aside(self) -> Path:
        """A path for a file that is being written."""
        return self.tmp / f"outputs-{os.getpid()}-{next(self._numbers)}"

    def put(self, key: str, body: bytes | Path, content_type: str) -> None:
        """Put a whole file, or bytes, under `key`, a path below `datasets/<dataset>/`; a file is gone afterwards.

        Raises: StorageError.
        """
        full = f"datasets/{self.dataset}/{key}"
        self.bucket.put(full, body, content_type)
        self.keys.append(full)
        if isinstance(body, Path):
            body.unlink(missing_ok=True)


class SpooledFile:
    """A file that grows, then is put under its key. Closed without `put`, it leaves nothing behind."""

    def __init__(self, spool: Spool, key: str, content_type: str) -> None:
        self._spool = spool
        self._key = key
        self._content_type = content_type
        self._path = spool.aside()
        self.file: BinaryIO = self._path.open("xb")

    def put(self) -> None:
        """Put what was written into the bucket. Raises: StorageError."""
        self.file.close()
        self._spool.put(self._key, self._path, self._content_type)

    def close(self) -> None:
        """Drop what was not put."""
        self.file.close()
        with suppress(FileNotFoundError):
            self._path.unlink()
