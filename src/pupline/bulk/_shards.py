"""Images with their metadata for training: tar shards as webdataset reads them, and JSON files beside the images.

A shard holds pairs `00000042.jpg`, `00000042.json`: the number is the item's in the listing, so a key is unique in the
run and has no dot, at which webdataset would end it. The tar headers hold no time and no owner: the same run gives the
same bytes.
"""

import io
import tarfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from pupline.bulk._run_files import RowBatch, RunFile, RunFiles
from pupline.errors import LocalTrouble, StorageError
from pupline.tasks.layout import partition

KEPT = frozenset({"stored", "duplicate"})
"""Outcomes whose object is among the accepted images."""

_QUARANTINE = "quarantine/"
_TAR = "application/x-tar"
_PUTS_AT_ONCE = 8


class ShardWriter:
    """Writes `shards/run=<run>/00000.tar` and on, `size` images in each. missing: images that were gone or changed."""

    def __init__(self, spool: RunFiles, size: int) -> None:
        self.missing = 0
        self._run_files = spool
        self._size = size
        self._images = 0
        self._shard: _Shard | None = None

    def add(self, batch: RowBatch) -> None:
        """Add the batch's images. Raises: StorageError."""
        for image in kept_images(batch):
            self._add(image)

    def finish(self) -> None:
        """Put the shard that is not full. Raises: StorageError."""
        if self._shard:
            self._shard.put()
            self._shard = None

    def close(self) -> None:
        """Drop the shard that was not put."""
        if self._shard:
            self._shard.close()

    def _add(self, image: "KeptImage") -> None:
        body = self._body(image.key)
        if body is None:
            self.missing += 1
            return
        if self._images % self._size == 0:
            self.finish()
            self._shard = _Shard(self._run_files, self._images // self._size)
        assert self._shard is not None  # noqa: S101 - the first image opened one
        self._shard.add(image, body)
        self._images += 1

    def _body(self, key: str) -> bytes | None:
        """The bytes that were recorded, and no others; None where the object is gone or was changed."""
        try:
            return self._run_files.bucket.read(key)
        except LocalTrouble:
            raise
        except (KeyError, StorageError):
            return None


class SidecarWriter:
    """Writes `sidecars/run=<run>/<image name>.json`: the image's row of metadata.

    The name is that of the record, with its dataset: a duplicate's image may be another dataset's. Where several items
    have the same image, the one that was stored is told, or else the first duplicate.
    """

    def __init__(self, spool: RunFiles) -> None:
        self._bucket = spool.bucket
        self._prefix = partition("sidecars", spool.dataset, spool.run)
        # Each put waits for the disk: side by side they wait together.
        self._pool = ThreadPoolExecutor(_PUTS_AT_ONCE, "pupline-sidecar")

    def add(self, batch: RowBatch) -> None:
        """Write the batch's sidecars. Raises: StorageError."""
        told: dict[str, str] = {}
        for image in kept_images(batch):
            self._tell(told, image)
        for _ in self._pool.map(self._put, told.items()):
            pass

    def finish(self) -> None:
        """All are in the bucket already."""

    def close(self) -> None:
        """End the threads."""
        self._pool.shutdown(cancel_futures=True)

    def _tell(self, told: dict[str, str], image: "KeptImage") -> None:
        key = f"{self._prefix}{image.image_name}.json"
        if image.outcome == "stored" or not (key in told or self._is_there(key)):
            told[key] = image.line

    def _is_there(self, key: str) -> bool:
        try:
            return bool(self._bucket.read(key))
        except LocalTrouble:
            raise
        except (KeyError, StorageError):
            return False

    def _put(self, sidecar: tuple[str, str]) -> None:
        key, line = sidecar
        self._bucket.put(key, f"{line}\n".encode(), "application/json")


@dataclass(frozen=True, slots=True)
class KeptImage:
    """An item whose image is among the accepted ones. line: its row of metadata as JSON."""

    index: int
    image_name: str
    key: str
    file_type: str
    outcome: str
    line: str


def kept_images(batch: RowBatch) -> Iterator[KeptImage]:
    """The accepted images of a batch; a duplicate may be of one in quarantine, which is none."""
    facts = [batch.values(name) for name in ("index", "image_name", "key", "file_type", "outcome")]
    for image in map(KeptImage, *facts, batch.lines):
        if image.outcome in KEPT and image.key and not image.key.startswith(_QUARANTINE):
            yield image


class _Shard:
    """One tar file that grows."""

    def __init__(self, spool: RunFiles, number: int) -> None:
        self._target = RunFile(spool, f"{partition('shards', spool.dataset, spool.run)}{number:05d}.tar", _TAR)
        self._tar = tarfile.open(fileobj=self._target.file, mode="w", format=tarfile.USTAR_FORMAT)  # noqa: SIM115

    def add(self, image: KeptImage, body: bytes) -> None:
        for extension, content in ((image.file_type, body), ("json", image.line.encode())):
            info = tarfile.TarInfo(f"{image.index:08d}.{extension}")
            info.size = len(content)
            self._tar.addfile(info, io.BytesIO(content))

    def put(self) -> None:
        self._tar.close()
        self._target.put()

    def close(self) -> None:
        self._target.close()
