"""Images with their metadata for training: tar shards in webdataset's layout, and a JSON file for each image.

A shard holds pairs `00000042.jpg`, `00000042.json`: the number is the item's in the listing, so a key is unique in the
run and has no dot, which would end it for webdataset. The tar headers have no time and no owner: the same run gives the
same bytes.
"""

import io
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from pupline.bulk._run_files import RowBatch, RunFile, RunFiles
from pupline.errors import LocalTrouble, StorageError
from pupline.tasks.layout import partition
from pupline.tasks.ports import ObjectStore

_ACCEPTED = frozenset({"stored", "duplicate"})
_QUARANTINE = "quarantine/"
_TAR = "application/x-tar"
_PUTS_AT_ONCE = 8


class ShardWriter:
    """Writes `shards/run=<run>/00000.tar` and on, `size` images in each. missing: images that were gone or changed."""

    def __init__(self, files: RunFiles, size: int) -> None:
        self.missing = 0
        self._files = files
        self._size = size
        self._images = 0
        self._target: RunFile | None = None
        self._tar: tarfile.TarFile | None = None

    def add(self, batch: RowBatch) -> None:
        """Add the batch's images. Raises: StorageError."""
        for image in _accepted_images(batch):
            body = _read_or_none(self._files.bucket, image.key)
            if body is None:
                self.missing += 1
                continue
            if self._images % self._size == 0:
                self.finish()
            tar = self._tar or self._open_tar()
            for extension, content in ((image.file_type, body), ("json", image.line.encode())):
                info = tarfile.TarInfo(f"{image.number:08d}.{extension}")
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
            self._images += 1

    def finish(self) -> None:
        """Put the shard that is not full. Raises: StorageError."""
        if self._tar and self._target:
            self._tar.close()
            self._target.put()
            self._tar = self._target = None

    def close(self) -> None:
        """Drop the shard that was not put."""
        if self._target:
            self._target.close()

    def _open_tar(self) -> tarfile.TarFile:
        folder = partition("shards", self._files.dataset, self._files.run)
        self._target = RunFile(self._files, f"{folder}{self._images // self._size:05d}.tar", _TAR)
        self._tar = tarfile.open(fileobj=self._target.file, mode="w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115
        return self._tar


class SidecarWriter:
    """Writes `sidecars/run=<run>/<image name>.json`: the image's row of metadata.

    The name is that of the record, with its dataset: a duplicate's image may be another dataset's. Where several items
    have the same image, the row is that of the stored one, or else of the first duplicate.
    """

    def __init__(self, files: RunFiles) -> None:
        self._bucket = files.bucket
        self._prefix = partition("sidecars", files.dataset, files.run)
        # Each put waits for the disk: in parallel they wait together.
        self._pool = ThreadPoolExecutor(_PUTS_AT_ONCE, "pupline-sidecar")

    def add(self, batch: RowBatch) -> None:
        """Write the batch's sidecars. Raises: StorageError."""
        lines: dict[str, str] = {}
        for image in _accepted_images(batch):
            key = f"{self._prefix}{image.image_name}.json"
            if image.outcome == "stored" or not (key in lines or _read_or_none(self._bucket, key)):
                lines[key] = image.line
        for _ in self._pool.map(self._put, lines.items()):
            pass

    def finish(self) -> None:
        """All are in the bucket already."""

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(cancel_futures=True)

    def _put(self, sidecar: tuple[str, str]) -> None:
        key, line = sidecar
        self._bucket.put(key, f"{line}\n".encode(), "application/json")


class _AcceptedImage(NamedTuple):
    number: int
    image_name: str
    key: str
    file_type: str
    outcome: str
    line: str


def _accepted_images(batch: RowBatch) -> Iterator[_AcceptedImage]:
    """The accepted images of a batch. A duplicate of an image in quarantine is not accepted."""
    columns = [batch.values(name) for name in ("index", "image_name", "key", "file_type", "outcome")]
    for image in map(_AcceptedImage, *columns, batch.lines):
        if image.outcome in _ACCEPTED and image.key and not image.key.startswith(_QUARANTINE):
            yield image


def _read_or_none(bucket: ObjectStore, key: str) -> bytes | None:
    """The object's bytes as they were put; None where it is gone or was changed. Raises: LocalTrouble."""
    try:
        return bucket.read(key)
    except LocalTrouble:
        raise
    except (KeyError, StorageError):
        return None
