"""An export in a bucket, below a prefix: whole objects, and the manifest last.

The order of writes is that of a directory: the manifest with all objects that may be made; the objects; the removal of
those that are no longer wanted; the manifest of what is there.
"""

import hashlib
import tempfile
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Self

from pupline.datasets._objects import BucketObjects, ImageBytes
from pupline.datasets.export._manifest import ExportFiles, ExportHeader
from pupline.errors import ConfigurationError
from pupline.images import content_type_of
from pupline.local import LocalBucket
from pupline.parquet import MEDIA_TYPE
from pupline.tasks.layout import JSON_LINES
from pupline.tasks.ports import ErasableStore

_MANIFEST = ".pupline-export/manifest.jsonl"
_THREADS = 8
_DELETED_AT_ONCE = 1000
_CONTENT_TYPES = {".jsonl": JSON_LINES, ".csv": "text/csv", ".parquet": MEDIA_TYPE, ".tar": "application/x-tar"}


class ExportPrefix:
    """Implements `ExportTarget` below a prefix of a bucket. location: of the prefix, for people."""

    def __init__(self, store: ErasableStore, prefix: str, header: ExportHeader, location: str) -> None:
        self.added = 0
        self.location = location
        self._store = store
        self._prefix = prefix.rstrip("/") + "/"
        self._header = header
        self._files = ExportFiles()
        self._opened = ExitStack()
        self._putting: deque[Future[str]] = deque()

    def __enter__(self) -> Self:
        self._opened.callback(self._files.close)
        try:
            if isinstance(self._store, LocalBucket):  # moves files from there
                self._tmp = self._store.files.tmp
                self._tmp.mkdir(exist_ok=True)
            else:
                self._tmp = Path(self._opened.enter_context(tempfile.TemporaryDirectory(prefix="pupline-export-")))
            self._pool = ThreadPoolExecutor(_THREADS, "pupline-put")
            self._opened.callback(self._pool.shutdown, cancel_futures=True)
            self._load()
        except BaseException:
            self._opened.close()
            raise
        return self

    def __exit__(self, *_error: object) -> None:
        self._opened.close()

    def begin(self, paths: Iterable[str]) -> None:
        """Announce all objects that may be made. Raises: StorageError."""
        self._files.plan(paths)
        self._put_manifest(complete=False)

    def place(self, path: str, image: ImageBytes) -> None:
        """Put an image, unless an earlier export did. Raises: ConfigurationError, StorageError."""
        digest = hashlib.sha256(image.body).hexdigest()
        is_there = self._files.is_present(path)
        if is_there and not self._files.is_old(path):
            raise self._taken(path)
        if not is_there or self._files.old_sha256(path) != digest:
            file_type = path.rpartition(".")[2]
            key = f"{self._prefix}{path}"
            self._putting.append(self._pool.submit(self._store.put, key, image.body, content_type_of(file_type, None)))
            self.added += 1
            while len(self._putting) > 2 * _THREADS:
                self._putting.popleft().result()
        self._files.placed(path, digest)

    @contextmanager
    def file(self, path: str) -> Iterator[BinaryIO]:
        """A file to write, which is put when the block ends without an error. Raises: as `place` does."""
        if self._files.is_present(path) and not self._files.is_old(path):
            raise self._taken(path)
        content_type = _CONTENT_TYPES[Path(path.rpartition("/")[2]).suffix]
        with self._put_when_written(path, content_type) as file:
            yield file
            self._wait()
        self._files.placed(path)

    def finish(self) -> int:
        """Delete what earlier exports made and this one does not have; the number of objects. Raises: StorageError."""
        self._wait()
        removed, stale = 0, self._files.stale()
        while keys := [f"{self._prefix}{path}" for path in islice(stale, _DELETED_AT_ONCE)]:
            removed += self._store.delete(keys)
        self._put_manifest(complete=True)
        return removed

    def _wait(self) -> None:
        while self._putting:
            self._putting.popleft().result()

    def _load(self) -> None:
        self._files.note_present(key.removeprefix(self._prefix) for key in self._store.keys(self._prefix))
        if self._files.is_present(_MANIFEST):
            lines = BucketObjects(self._store).lines(f"{self._prefix}{_MANIFEST}")
            self._files.load(lines, f"{self.location}/{_MANIFEST}", self._header)

    def _put_manifest(self, *, complete: bool) -> None:
        with self._put_when_written(_MANIFEST, JSON_LINES) as file:
            file.writelines(self._files.lines(self._header, complete=complete))

    @contextmanager
    def _put_when_written(self, path: str, content_type: str) -> Iterator[BinaryIO]:
        with tempfile.NamedTemporaryFile(dir=self._tmp, delete=False) as file:
            temporary = Path(file.name)
            try:
                yield file  # type: ignore[misc]  # the wrapper of a binary file
                file.close()
                self._store.put(f"{self._prefix}{path}", temporary, content_type)
            finally:
                temporary.unlink(missing_ok=True)

    def _taken(self, path: str) -> ConfigurationError:
        return ConfigurationError(
            f"{self.location}/{path} is not an object of an export; choose another place with --to"
        )
