"""Files that a run leaves: manifest, failures, metadata, summary, shards and sidecars.

    datasets/<dataset>/runs/<run>/manifest.jsonl  failures.jsonl  summary.json
    datasets/<dataset>/metadata/jsonl/run=<run>/part-00000.jsonl     metadata/parquet/run=<run>/part-00000.parquet
    datasets/<dataset>/shards/run=<run>/00000.tar                    sidecars/run=<run>/<image name>.json

All of them are made from the journal's rows, in one pass, and can be made again: a process that is killed here leaves
the run unfinished, and the next one writes every file again. The summary is written last: where it is, the rest is.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from pupline.bulk._metadata import BOTH, LINES_ONLY, PARQUET_ONLY, MetadataWriter
from pupline.bulk._parquet import complete_summary, has_parquet
from pupline.bulk._run_files import RowBatch, RunFile, RunFiles, text_of
from pupline.bulk._run_stats import RunStats
from pupline.bulk._shards import ShardWriter, SidecarWriter, training_schema
from pupline.bulk._summary import summary_of, written_summary
from pupline.errors import FAILING_OUTCOMES
from pupline.local import IngestCounts, LocalBackend, finished_items
from pupline.parquet import why_unavailable
from pupline.tasks.ingest_summary import summary_bytes
from pupline.tasks.items import SourceItem
from pupline.tasks.layout import JSON_LINES, failures_key, manifest_key, summary_key

_WHY = ("outcome", "reason", "error", "cause", "attempts")
_PAGE = 1_000
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Outputs:
    """The files of a run. keys: of all of them. counts: of the run's items, as in the summary.

    parquet_trouble: why the metadata is there as JSON Lines only.
    """

    keys: tuple[str, ...]
    counts: IngestCounts
    parquet_trouble: str | None = None


class Writer(Protocol):
    """One kind of output. It gets every finished item once, in the order of the listing."""

    def add(self, batch: RowBatch) -> None:
        """Write these rows. Raises: StorageError."""

    def finish(self) -> None:
        """Put what is not in the bucket yet. Raises: StorageError."""

    def close(self) -> None:
        """Drop what was not put."""


def write_outputs(
    backend: LocalBackend,
    run_id: str,
    stats: RunStats,
    *,
    shard_size: int | None = None,
    sidecars: bool = False,
    progress: Callable[[int], None] = lambda _items: None,
) -> Outputs:
    """Write all files of a run that is about to end, the summary last, over those of an earlier end of the same run.

    shard_size: images in a tar shard; None for no shards. progress: called now and then with the number of items
    written. Needs the data directory's lock. Raises: StorageError.
    """
    ingest = backend.ingests.get(run_id)
    files = RunFiles.of(backend, ingest.dataset, run_id)
    counts = backend.ingests.counts(ingest.ingest_id)
    schema = None
    if shard_size or sidecars:
        schema = training_schema(page.columns for page in finished_items(backend.database, ingest))
    shards = ShardWriter(files, schema, shard_size) if schema and shard_size else None
    unfinished = backend.ingests.items(ingest.ingest_id) if counts.done < counts.items else None
    trouble = why_unavailable()
    metadata = MetadataWriter(files, formats=BOTH if trouble is None else LINES_ONLY)
    with ExitStack() as stack:
        writers: list[Writer] = [_Manifest(files, unfinished), _Failures(files), metadata]
        writers += [shards] if shards else []
        writers += [SidecarWriter(files, schema)] if schema and sidecars else []
        for writer in writers:
            stack.callback(writer.close)
        items = 0
        for page in finished_items(backend.database, ingest):
            batch = RowBatch.of(page.columns, page.facts)
            for writer in writers:
                writer.add(batch)
            items += len(batch)
            progress(items)
        for writer in writers:
            writer.finish()
    key = summary_key(ingest.dataset, run_id)
    missing = shards.missing if shards else 0
    summary = summary_of(ingest, counts, stats) | {"shards_missing": missing, "files": [*files.keys, key]}
    summary |= {"parquet_trouble": trouble} if trouble else {}
    files.put(key, summary_bytes(summary), "application/json")
    return Outputs(tuple(files.keys), counts, trouble)


def add_parquet(backend: LocalBackend, run_id: str) -> str | None:
    """Write the Parquet of a run that ended without it; why it is still missing, or None.

    Needs the data directory's lock. Raises: StorageError.
    """
    ingest = backend.ingests.get(run_id)
    summary = written_summary(backend, ingest.dataset, run_id)
    if summary is None or has_parquet(summary):
        return None
    files = RunFiles.of(backend, ingest.dataset, run_id)

    def write() -> list[str]:
        with closing(MetadataWriter(files, formats=PARQUET_ONLY)) as writer:
            for page in finished_items(backend.database, ingest):
                writer.add(RowBatch.of(page.columns, page.facts))
            writer.finish()
        return list(files.keys)

    return complete_summary(summary, files, write)[1]


class _Manifest:
    """manifest.jsonl: what the source listed, an item a line, finished or not; a Distributed Map reads the same.

    items: all of the run, where some have not finished; None where the rows added are all of them.
    """

    def __init__(self, files: RunFiles, items: Iterator[tuple[int, SourceItem]] | None) -> None:
        self._target = RunFile(files, manifest_key(files.dataset, files.run), JSON_LINES)
        self._items = items

    def add(self, batch: RowBatch) -> None:
        if self._items is None:
            self._target.file.write(text_of(batch.items))

    def finish(self) -> None:
        while page := list(islice(self._items or (), _PAGE)):
            self._target.file.write(text_of(_encode({"index": index, **item.as_dict()}) for index, item in page))
        self._target.put()

    def close(self) -> None:
        self._target.close()


class _Failures:
    """failures.jsonl: the manifest's lines of the items without an image, and why. It is itself a list of URLs."""

    def __init__(self, files: RunFiles) -> None:
        self._target = RunFile(files, failures_key(files.dataset, files.run), JSON_LINES)

    def add(self, batch: RowBatch) -> None:
        for at, outcome in enumerate(batch.values("outcome")):
            if outcome in FAILING_OUTCOMES:
                why = {name: batch.values(name)[at] for name in _WHY}
                self._target.file.write(text_of([_encode(json.loads(batch.items[at]) | why)]))

    def finish(self) -> None:
        self._target.put()

    def close(self) -> None:
        self._target.close()
