"""Images with their metadata for training: tar shards in webdataset's layout, and a JSON file for each image.

The number of a sample in a shard is the item's in the listing. The JSON is the image's training row: its schema is that
of all accepted images of the run, so that shards and sidecars of a run go together.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from pupline.bulk._run_files import RowBatch, RunFile, RunFiles
from pupline.datasets import SHARD_TYPE, SchemaScan, Shard, TrainingSchema, json_line, shard_name
from pupline.errors import ACCEPTED_OUTCOMES, LocalTrouble, StorageError
from pupline.tasks.layout import QUARANTINE, partition
from pupline.tasks.metadata import METADATA_COLUMNS, Columns, position_of
from pupline.tasks.ports import ObjectStore

_PUTS_AT_ONCE = 8


def training_schema(pages: Iterable[Columns]) -> TrainingSchema:
    """The schema of the accepted images' training rows. pages: of all finished items of the run."""
    scan = SchemaScan()
    names = [column.name for column in METADATA_COLUMNS]
    for columns in pages:
        for at in _accepted_positions(columns):
            row: dict[str, Any] = dict(zip(names, (values[at] for values in columns), strict=True))
            scan.add(row | {"extra": json.loads(row["extra"] or "{}")})
    return scan.schema()


class ShardWriter:
    """Writes `shards/run=<run>/00000.tar` and on, `size` images in each. missing: images that were gone or changed."""

    def __init__(self, files: RunFiles, schema: TrainingSchema, size: int) -> None:
        self.missing = 0
        self._files = files
        self._schema = schema
        self._size = size
        self._images = 0
        self._target: RunFile | None = None
        self._shard: Shard | None = None

    def add(self, batch: RowBatch) -> None:
        """Add the batch's images. Raises: StorageError."""
        for image in _accepted_images(batch):
            body = _read_or_none(self._files.bucket, image.key)
            if body is None:
                self.missing += 1
                continue
            if self._images % self._size == 0:
                self.finish()
            shard = self._shard or self._open_shard()
            shard.add(image.number, json.loads(image.line), body)
            self._images += 1

    def finish(self) -> None:
        """Put the shard that is not full. Raises: StorageError."""
        if self._shard and self._target:
            self._shard.close()
            self._target.put()
            self._shard = self._target = None

    def close(self) -> None:
        """Drop the shard that was not put."""
        if self._target:
            self._target.close()

    def _open_shard(self) -> Shard:
        folder = partition("shards", self._files.dataset, self._files.run)
        self._target = RunFile(self._files, f"{folder}{shard_name(self._images // self._size)}", SHARD_TYPE)
        self._shard = Shard(self._target.file, self._schema)
        return self._shard


class SidecarWriter:
    """Writes `sidecars/run=<run>/<image name>.json`: the image's training row.

    The name is that of the record, with its dataset: a duplicate's image may be another dataset's. Where several items
    have the same image, the row is that of the stored one, or else of the first duplicate.
    """

    def __init__(self, files: RunFiles, schema: TrainingSchema) -> None:
        self._bucket = files.bucket
        self._schema = schema
        self._prefix = partition("sidecars", files.dataset, files.run)
        # Each put waits for the disk: in parallel they wait together.
        self._pool = ThreadPoolExecutor(_PUTS_AT_ONCE, "pupline-sidecar")

    def add(self, batch: RowBatch) -> None:
        """Write the batch's sidecars. Raises: StorageError."""
        lines: dict[str, str] = {}
        for image in _accepted_images(batch):
            key = f"{self._prefix}{image.image_name}.json"
            if image.outcome == "stored" or not (key in lines or _read_or_none(self._bucket, key)):
                lines[key] = json_line(self._schema, json.loads(image.line))
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
    outcome: str
    line: str


def _accepted_images(batch: RowBatch) -> Iterator[_AcceptedImage]:
    columns = [batch.values(name) for name in ("index", "image_name", "key", "outcome")]
    images = list(map(_AcceptedImage, *columns, batch.lines))
    yield from (images[at] for at in _accepted_positions(batch.columns))


def _accepted_positions(columns: Columns) -> Sequence[int]:
    """The rows of accepted images. A duplicate of an image in quarantine is not accepted."""
    outcomes, keys = columns[position_of("outcome")], columns[position_of("key")]
    return [
        at
        for at, (outcome, key) in enumerate(zip(outcomes, keys, strict=True))
        if outcome in ACCEPTED_OUTCOMES and key and not key.startswith(QUARANTINE)
    ]


def _read_or_none(bucket: ObjectStore, key: str) -> bytes | None:
    """The object's bytes as they were put; None where it is gone or was changed. Raises: LocalTrouble."""
    try:
        return bucket.read(key)
    except LocalTrouble:
        raise
    except (KeyError, StorageError):
        return None
