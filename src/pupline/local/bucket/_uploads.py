"""Objects uploaded in parts: each part a file in `<data>/tmp`, which the next process finds empty."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from pupline.local.bucket._files import BucketFiles
from pupline.tasks.ports import NoSuchUpload


@dataclass(slots=True)
class _Upload:
    content_type: str
    parts: dict[int, Path] = field(default_factory=dict)


class Uploads:
    """The uploads of one process into one bucket. Methods raise StorageError, or what they name."""

    def __init__(self, files: BucketFiles) -> None:
        self._files = files
        self._uploads: dict[str, _Upload] = {}

    def start(self, content_type: str) -> str:
        """The name of a new upload."""
        name = uuid4().hex
        self._uploads[name] = _Upload(content_type)
        return name

    def add(self, name: str, number: int, body: bytes) -> Mapping[str, str]:
        """Keep one part, in the place of an earlier one. Raises: NoSuchUpload."""
        parts = self._find(name).parts
        try:
            before, parts[number] = parts.get(number), self._files.write_temporary(body)
        except OSError as err:
            raise self._files.trouble(err) from err
        if before is not None:
            before.unlink(missing_ok=True)
        return {}

    @contextmanager
    def joined(self, name: str, count: int) -> Iterator[tuple[Path, str]]:
        """A file of the first `count` parts, and the content type. Afterwards the upload is gone.

        Raises: NoSuchUpload.
        """
        upload = self._find(name)
        try:
            whole = self._files.write_temporary(b"")
            try:
                with whole.open("wb") as target:
                    for number in range(1, count + 1):
                        with upload.parts[number].open("rb") as source:
                            shutil.copyfileobj(source, target, 1 << 20)
                yield whole, upload.content_type
            finally:
                whole.unlink(missing_ok=True)
        except OSError as err:
            raise self._files.trouble(err) from err
        del self._uploads[name]
        for path in upload.parts.values():
            path.unlink(missing_ok=True)

    def _find(self, name: str) -> _Upload:
        try:
            return self._uploads[name]
        except KeyError as err:
            raise NoSuchUpload(name) from err
