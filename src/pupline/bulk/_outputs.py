"""Files that a run leaves: manifest, failures, metadata, summary, shards and sidecars.

    datasets/<dataset>/runs/<run>/manifest.jsonl  failures.jsonl  summary.json
    datasets/<dataset>/metadata/jsonl/run=<run>/part-00000.jsonl     metadata/parquet/run=<run>/part-00000.parquet
    datasets/<dataset>/shards/run=<run>/00000.tar                    sidecars/run=<run>/<image name>.json

All of them are made from the journal's rows, in the order of the listing, and can be made again. Most are written while
the run goes on, as far as nothing before a row is missing; they are put into the bucket at the end. A process that is
killed leaves the run unfinished, and the next one writes every file again. The summary is written last: where it is,
the rest is.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import compress, islice
from typing import Protocol

from pupline.bulk._metadata import BOTH, LINES_ONLY, PARQUET_ONLY, MetadataWriter
from pupline.bulk._parquet import complete_summary, has_parquet
from pupline.bulk._run_files import RowBatch, RunFile, RunFiles, manifest_line, text_of
from pupline.bulk._run_stats import RunStats
from pupline.bulk._shards import ShardWriter, SidecarWriter, training_schema
from pupline.bulk._summary import summary_of, written_summary
from pupline.errors import FAILING_OUTCOMES
from pupline.local import PAGE_ROWS, FinishedItems, IngestCounts, IngestRow, LocalBackend, finished_items
from pupline.parquet import why_unavailable
from pupline.tasks.ingest_summary import summary_bytes
from pupline.tasks.layout import JSON_LINES, failures_key, manifest_key, summary_key
from pupline.tasks.metadata import Columns, lines_of, position_of

_WHY = ("outcome", "reason", "error", "cause", "attempts")
_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Outputs:
    """The files of a run. keys: of all of them. counts: of the run's items, as in the summary.

    parquet_trouble: why the metadata is there as JSON Lines only.
    """

    keys: tuple[str, ...]
    counts: IngestCounts
    parquet_trouble: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions:
    """shard_size: images in a tar shard; None for no shards. sidecars: a JSON file for each image.

    progress: called now and then with the number of items written.
    """

    shard_size: int | None = None
    sidecars: bool = False
    progress: Callable[[int], None] = lambda _items: None


class Writer(Protocol):
    """One kind of output. It gets every finished item once, in the order of the listing."""

    def add(self, batch: RowBatch) -> None:
        """Write these rows. Raises: StorageError."""

    def finish(self) -> None:
        """Put what is not in the bucket yet. Raises: StorageError."""

    def close(self) -> None:
        """Drop what was not put."""


class RunOutputs:
    """All files of one run, over those of an earlier end of the same run. Needs the data directory's lock.

    Used by one thread at a time. Close it: what was not put is dropped. items: rows written so far.
    """

    def __init__(self, backend: LocalBackend, run_id: str) -> None:
        self._backend = backend
        self._ingest = backend.ingests.get(run_id)
        self._files = RunFiles.of(backend, self._ingest.dataset, run_id)
        self._trouble = why_unavailable()
        self._after = -1
        self.items = 0
        formats = LINES_ONLY if self._trouble else BOTH
        with ExitStack() as stack:
            self._manifest = stack.enter_context(closing(_Manifest(self._files)))
            failures = stack.enter_context(closing(_Failures(self._files)))
            metadata = stack.enter_context(closing(MetadataWriter(self._files, formats=formats)))
            self._writers: list[Writer] = [self._manifest, failures, metadata]
            self._closing = stack.pop_all()

    def advance(self, is_over: Callable[[], bool] = lambda: False) -> None:
        """Write whole pages of items that are done, as far as all items before them are, and until `is_over` says so.

        Their rows do not change any more, except that the digest at the run's end sends all alerts.
        Raises: StorageError, OSError.
        """
        pending = self._backend.ingests.first_pending(self._ingest.ingest_id, self._after)
        if pending is None:
            return
        pages = finished_items(self._backend.database, self._ingest, self._after, pending)
        for page in islice(pages, (pending - self._after - 1) // PAGE_ROWS):
            self._add(FinishedItems(_announced(page.columns), page.facts))
            if is_over():
                return

    def finish(self, stats: RunStats, options: OutputOptions) -> Outputs:
        """Write the rest of a run that is about to end, and put all files, the summary last.

        Raises: StorageError.
        """
        backend, files = self._backend, self._files
        ingest = backend.ingests.get(self._ingest.run_id)
        counts = backend.ingests.counts(ingest.ingest_id)
        if counts.done < counts.items:
            self._manifest.go_on_with(backend.ingests.listed(ingest.ingest_id, self._after))
        if self.items:
            options.progress(self.items)
        for page in finished_items(backend.database, ingest, self._after):
            self._add(page)
            options.progress(self.items)
        for writer in self._writers:
            writer.finish()
        missing = self._write_images(ingest, options) if options.shard_size or options.sidecars else 0
        key = summary_key(ingest.dataset, ingest.run_id)
        summary = summary_of(ingest, counts, stats) | {"shards_missing": missing, "files": [*files.keys, key]}
        summary |= {"parquet_trouble": self._trouble} if self._trouble else {}
        files.put(key, summary_bytes(summary), "application/json")
        return Outputs(tuple(files.keys), counts, self._trouble)

    def close(self) -> None:
        """Drop what was not put. Idempotent."""
        self._closing.close()

    def _add(self, page: FinishedItems) -> None:
        batch = RowBatch.of(page.columns, page.facts)
        for writer in self._writers:
            writer.add(batch)
        self._after = batch.values("index")[-1]
        self.items += len(batch)

    def _write_images(self, ingest: IngestRow, options: OutputOptions) -> int:
        """Write shards and sidecars, whose schema is that of all accepted images; how many images a shard misses."""
        database = self._backend.database
        schema = training_schema(page.columns for page in finished_items(database, ingest))
        with ExitStack() as stack:
            writers: list[Writer] = []
            if options.shard_size:
                shards = ShardWriter(self._files, schema, options.shard_size)
                writers.append(stack.enter_context(closing(shards)))
            if options.sidecars:
                writers.append(stack.enter_context(closing(SidecarWriter(self._files, schema))))
            for page in finished_items(database, ingest):
                batch = RowBatch.of(page.columns, page.facts)
                for writer in writers:
                    writer.add(batch)
            for writer in writers:
                writer.finish()
        return shards.missing if options.shard_size else 0


def write_outputs(backend: LocalBackend, run_id: str, stats: RunStats, options: OutputOptions) -> Outputs:
    """Write all files of a run that is about to end. Needs the data directory's lock. Raises: StorageError."""
    with closing(RunOutputs(backend, run_id)) as outputs:
        return outputs.finish(stats, options)


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
    """manifest.jsonl: what the source listed, an item a line, finished or not; a Distributed Map reads the same."""

    def __init__(self, files: RunFiles) -> None:
        self._target = RunFile(files, manifest_key(files.dataset, files.run), JSON_LINES)
        self._rest: Iterator[tuple[int, str, str | None]] | None = None

    def go_on_with(self, items: Iterator[tuple[int, str, str | None]]) -> None:
        """Write these items at the end, where some have not finished, instead of the batches that come."""
        self._rest = items

    def add(self, batch: RowBatch) -> None:
        if self._rest is None:
            self._target.file.write(text_of(batch.items))

    def finish(self) -> None:
        while page := list(islice(self._rest or (), _PAGE)):
            self._target.file.write(text_of(manifest_line(*item) for item in page))
        self._target.put()

    def close(self) -> None:
        self._target.close()


class _Failures:
    """failures.jsonl: the manifest's lines of the items without an image, and why. It is itself a list of URLs."""

    def __init__(self, files: RunFiles) -> None:
        self._target = RunFile(files, failures_key(files.dataset, files.run), JSON_LINES)

    def add(self, batch: RowBatch) -> None:
        has_failed = [outcome in FAILING_OUTCOMES for outcome in batch.values("outcome")]
        whys = lines_of([list(compress(batch.values(name), has_failed)) for name in _WHY], _WHY)
        items = compress(batch.items, has_failed)
        self._target.file.write(text_of(f"{item[:-1]},{why[1:]}" for item, why in zip(items, whys, strict=True)))

    def finish(self) -> None:
        self._target.put()

    def close(self) -> None:
        self._target.close()


def _announced(columns: Columns) -> Columns:
    """The columns as they are once all alerts have been sent."""
    at = position_of("alert_sent")
    triggered = columns[position_of("alert_triggered")]
    sent = [alerted or known for alerted, known in zip(triggered, columns[at], strict=True)]
    return [*columns[:at], sent, *columns[at + 1 :]]
