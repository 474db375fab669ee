"""The images of an export, read and checked by threads, and handed over in the order of their samples."""

import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import TypeAlias

from pupline.datasets._objects import BucketObjects, ImageBytes, MissingImage
from pupline.datasets.export._plan import PlannedSample

_IMAGES = "html/"
_THREADS = 8
_AHEAD = 16
"""Images in memory at once: hashing is as fast as the disk with a few, and an object store wants some in flight."""

Prepare: TypeAlias = Callable[[PlannedSample, ImageBytes], ImageBytes | MissingImage]
"""What is done to each image, in a thread."""


def checked_images(
    objects: BucketObjects, samples: Iterable[PlannedSample], prepare: Prepare
) -> Iterator[tuple[PlannedSample, ImageBytes | MissingImage]]:
    """Each sample with its image, whose bytes have their hash, prepared.

    Raises: StorageError where the bucket cannot be read now.
    """

    def one(sample: PlannedSample) -> ImageBytes | MissingImage:
        missing = None
        for key in sample.keys:
            found = objects.image(key, sample.sha256)
            if isinstance(found, ImageBytes):
                return prepare(sample, found)
            missing = missing or found
        return missing or MissingImage("", "gone")

    with ThreadPoolExecutor(_THREADS, "pupline-export") as pool:
        waiting: deque[tuple[PlannedSample, Future[ImageBytes | MissingImage]]] = deque()
        try:
            for sample in samples:
                waiting.append((sample, pool.submit(one, sample)))
                if len(waiting) >= _AHEAD:
                    first, future = waiting.popleft()
                    yield first, future.result()
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
        finally:
            for _, future in waiting:
                future.cancel()


def listed_images(
    objects: BucketObjects, samples: Iterable[PlannedSample]
) -> Iterator[tuple[PlannedSample, ImageBytes | MissingImage]]:
    """Each sample, and whether its object is there, by a listing of the bucket: no image is read.

    For tables and lists of a remote bucket, from which reading each image costs time and money. Raises: StorageError.
    """
    with closing(sqlite3.connect("", isolation_level=None)) as database:
        database.execute("CREATE TABLE present (key TEXT PRIMARY KEY) WITHOUT ROWID")
        database.execute("BEGIN")
        keys = ((key,) for key in objects.keys(_IMAGES))
        database.executemany("INSERT OR IGNORE INTO present VALUES (?)", keys)
        for sample in samples:
            marks = ", ".join("?" * len(sample.keys))
            found = database.execute(f"SELECT 1 FROM present WHERE key IN ({marks})", sample.keys).fetchone()  # noqa: S608
            yield sample, ImageBytes(b"", None) if found else MissingImage(sample.keys[0], "gone")
