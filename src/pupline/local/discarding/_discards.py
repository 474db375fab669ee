"""Discards runs, so that a kill at any instant leaves one that the next start finishes.

1. begin    one commit: the runs are in `discarded_runs`, and nothing of them is unfinished any more
2. files    page by page: files are removed, directories synced, and only then the rows of their objects
3. rows     items, journal and settings of each run, in small transactions
4. end      `removed_at` of each run, in one commit

Every step may be repeated. A file is removed before its row: a row without a file means an image that is not here,
which every reader knows; a file without a row would be nobody's.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pupline.local.bucket import LocalBucket, Removal, StoredFile, forget_objects
from pupline.local.database import Database
from pupline.local.discarding._needed import images_of
from pupline.local.tables import RunKind, forget_dataset, run_range
from pupline.tasks.layout import Partitioned, dataset_folder, partition, run_folder
from pupline.tasks.ports import Clock

_ITEMS_AT_ONCE = 5_000
_FILES_AT_ONCE = 1_000
_COLUMNS = ("run_id", "kind", "dataset", "source", "is_dataset", "began_at", "discarded_at", "removed_at")
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM discarded_runs"  # noqa: S608 - the names are ours
_BEGIN = (
    "INSERT INTO discarded_runs (run_id, kind, dataset, source, is_dataset, began_at, discarded_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run_id) DO UPDATE SET is_dataset = max(is_dataset, excluded.is_dataset)"
)
_PARTITIONS: tuple[Partitioned, ...] = ("metadata/jsonl", "metadata/parquet", "shards", "sidecars")
_MEMO = "name >= ? AND name < ? AND instr(substr(name, ?), '-') = 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscardedRun:
    """A run that was, or is to be, discarded. is_dataset: with all of its dataset. Times: seconds since the epoch.

    removed_at: None while something of it may be left.
    """

    run_id: str
    kind: RunKind
    dataset: str | None
    source: str | None
    began_at: float
    is_dataset: bool = False
    discarded_at: float = 0.0
    removed_at: float | None = None


@dataclass(slots=True)
class DiscardCounts:
    """What was removed, or would be. images, outputs: files; kept: images that other runs need; changed: files that
    are not those that were stored, and stay. runs: the names of the runs, once they are removed.
    """

    runs: list[str] = field(default_factory=list)
    images: int = 0
    bytes: int = 0
    outputs: int = 0
    kept: int = 0
    changed: int = 0


class Discards:
    """The discarded runs of a data directory. Methods raise StorageError; those that write need its lock.

    finished: what the last `finish` of this process removed; the first one is at its start, after a kill.
    """

    def __init__(self, database: Database, clock: Clock, bucket: LocalBucket) -> None:
        self._database = database
        self._clock = clock
        self._bucket = bucket
        self.finished = DiscardCounts()

    def all(self) -> Iterator[DiscardedRun]:
        """All discarded runs, in the order in which they were discarded."""
        return map(_discarded, self._database.rows(f"{_SELECT} ORDER BY discarded_at, run_id"))

    def unfinished(self) -> list[DiscardedRun]:
        """Those of which something may be left."""
        return [_discarded(row) for row in self._database.rows(f"{_SELECT} WHERE removed_at IS NULL ORDER BY run_id")]

    def plan(self, runs: Sequence[DiscardedRun]) -> DiscardCounts:
        """What discarding these runs would remove. Changes nothing."""
        counts, ids = DiscardCounts(), [run.run_id for run in runs]
        removed: set[int] = set()
        kept: set[int] = set()
        for run in runs:
            for page in images_of(self._database, self._bucket.name, run.run_id, ids):
                for image in page:
                    if image.is_needed:
                        kept.add(image.file.object_id)
                    elif image.file.object_id not in removed:
                        removed.add(image.file.object_id)
                        counts.bytes += image.file.size_bytes
        counts.images, counts.kept = len(removed), len(kept)
        folders = {folder for run in runs for folder in _folders(run)}
        outputs = {one.key: one.size_bytes for folder in folders for one in self._bucket.below(folder)}
        counts.outputs, counts.bytes = len(outputs), counts.bytes + sum(outputs.values())
        return counts

    def begin(self, runs: Sequence[DiscardedRun]) -> None:
        """Have these runs count as discarded from now on. None of their executions may be RUNNING."""
        now = self._clock.now()

        def work(connection: sqlite3.Connection) -> None:
            for run in runs:
                row = (run.run_id, run.kind, run.dataset, run.source, run.is_dataset, run.began_at, now)
                connection.execute(_BEGIN, row)
                update = "UPDATE ingests SET status = 'FAILED', stopped_at = ? WHERE run_id = ? AND status = 'RUNNING'"
                connection.execute(update, (now, run.run_id))

        self._database.write(work)

    def finish(self, progress: Callable[[int], None] = lambda _images: None) -> DiscardCounts:
        """Remove what is left of all discarded runs. progress: called now and then with the images looked at."""
        runs, folders = self.unfinished(), set[str]()
        counts = DiscardCounts([run.run_id for run in runs])
        looked_at = 0
        for run in runs:
            for page in images_of(self._database, self._bucket.name, run.run_id):
                files = [image.file for image in page if not image.is_needed]
                folders.update(one.path.rpartition("/")[0] for one in files)
                counts.images += self._remove(files, counts)
                counts.kept += sum(image.is_needed for image in page)
                looked_at += len(page)
                progress(looked_at)
        for run in runs:
            for folder in _folders(run):
                folders.add(folder)
                while files := list(self._bucket.below(folder, limit=_FILES_AT_ONCE)):
                    counts.outputs += self._remove(files, counts)
            self._delete_rows(run)
        self._bucket.files.prune_folders(folders)
        ids = json.dumps(counts.runs)
        update = "UPDATE discarded_runs SET removed_at = ? WHERE run_id IN (SELECT value FROM json_each(?))"
        self._database.write(lambda connection: connection.execute(update, (self._clock.now(), ids)))
        self.finished = counts
        return counts

    def _remove(self, files: Sequence[StoredFile], counts: DiscardCounts) -> int:
        """Remove the files, then their rows; how many files were removed."""
        if not files:
            return 0
        removals = self._bucket.files.remove_stored([(one.path, one.size_bytes) for one in files])
        counts.bytes += sum(
            one.size_bytes for one, removal in zip(files, removals, strict=True) if removal is Removal.REMOVED
        )
        counts.changed += removals.count(Removal.CHANGED)
        ids = [one.object_id for one in files]
        self._database.write(lambda connection: forget_objects(connection, ids))
        return removals.count(Removal.REMOVED)

    def _delete_rows(self, run: DiscardedRun) -> None:
        found = self._database.rows("SELECT ingest_id FROM ingests WHERE run_id = ?", (run.run_id,))
        items = "DELETE FROM ingest_items WHERE ingest_id = ? AND item_index < ?"
        for (ingest_id,) in found:
            last = "SELECT coalesce(max(item_index), -1) FROM ingest_items WHERE ingest_id = ?"
            [(count,)] = self._database.rows(last, (ingest_id,))
            for end in range(_ITEMS_AT_ONCE, count + 1 + _ITEMS_AT_ONCE, _ITEMS_AT_ONCE):
                self._delete(items, (ingest_id, end))
        executions = "SELECT execution_id FROM executions WHERE run_id = ?"
        for (execution_id,) in self._database.rows(executions, (run.run_id,)):
            self._delete("DELETE FROM facts WHERE execution_id = ?", (execution_id,))
        self._database.write(lambda connection: _delete_run(connection, run))

    def _delete(self, statement: str, values: tuple[int, ...]) -> None:
        self._database.write(lambda connection: connection.execute(statement, values))


def _delete_run(connection: sqlite3.Connection, run: DiscardedRun) -> None:
    run_id = run.run_id
    low, high, start = run_range(run_id)
    if run.is_dataset and run.dataset is not None:
        forget_dataset(connection, run.dataset)
    connection.execute(f"DELETE FROM memo WHERE {_MEMO}", (low, high, start))  # noqa: S608 - the text is ours
    connection.execute("DELETE FROM executions WHERE run_id = ?", (run_id,))
    connection.execute("DELETE FROM definitions WHERE digest NOT IN (SELECT digest FROM executions)")
    connection.execute("DELETE FROM runs WHERE run_id = ?", (run_id,))
    connection.execute("DELETE FROM ingests WHERE run_id = ?", (run_id,))


def _folders(run: DiscardedRun) -> Sequence[str]:
    """The prefixes of everything that belongs to the run alone, or to its dataset where that is removed."""
    if run.dataset is None:
        return ()
    if run.is_dataset:
        return (dataset_folder(run.dataset),)
    partitions = [partition(kind, run.dataset, run.run_id) for kind in _PARTITIONS]
    return (run_folder(run.dataset, run.run_id), *partitions)


def _discarded(row: tuple[Any, ...]) -> DiscardedRun:
    found = dict(zip(_COLUMNS, row, strict=True))
    return DiscardedRun(**found | {"kind": RunKind(found["kind"]), "is_dataset": bool(found["is_dataset"])})
