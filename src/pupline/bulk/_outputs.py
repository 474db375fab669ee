"""What a run leaves for whoever goes on with its images: manifest, failures, metadata, summary, shards and sidecars.

    datasets/<dataset>/runs/<run>/manifest.jsonl  failures.jsonl  summary.json
    datasets/<dataset>/metadata/jsonl/run=<run>/part-00000.jsonl     metadata/parquet/run=<run>/part-00000.parquet
    datasets/<dataset>/shards/run=<run>/00000.tar                    sidecars/run=<run>/<image name>.json

All of it is made from the journal's rows, in one pass, and can be made again: a process that is killed here leaves the
run unfinished, and the next one writes every file anew. The summary is written last: where it is, the rest is.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

from pupline.bulk._metadata import MetadataWriter
from pupline.bulk._run_files import RowBatch, RunFile, RunFiles, text_of
from pupline.bulk._shards import ShardWriter, SidecarWriter
from pupline.errors import FAILING_OUTCOMES, LocalTrouble, StorageError
from pupline.local import FinishedItems, IngestCounts, IngestRow, LocalBackend, finished_items
from pupline.tasks.ingest_summary import IngestSummary, summary_bytes
from pupline.tasks.items import SourceItem
from pupline.tasks.layout import JSON_LINES, failures_key, manifest_key, run_folder, summary_key


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions:
    """What to write beside metadata and manifest. shard_size: images in a tar shard, None for no shards."""

    shard_size: int | None = None
    sidecars: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFigures:
    """What the journal does not know of a run that is about to end.

    status, error: what it is about to be ended with. trouble: why its items are not all that the source has.
    retry_of: the run whose failed items these are. ended_at: seconds since the epoch. finished: items that the process
    which ends the run finished, in `seconds` of time and `cpu_seconds` of all its workers and itself.
    """

    status: str
    error: str | None = None
    trouble: str | None = None
    retry_of: str | None = None
    ended_at: float
    seconds: float
    cpu_seconds: float
    finished: int


@dataclass(frozen=True, slots=True)
class Outputs:
    """What was written. folder: key prefix of the run's own files. keys: of all files. summary: as in summary.json.

    counts: how far the run is, which the summary tells.
    """

    folder: str
    keys: tuple[str, ...]
    summary: Mapping[str, Any]
    counts: IngestCounts


class Writer(Protocol):
    """One kind of output: it sees every finished item once, in the order of the listing."""

    def add(self, batch: RowBatch) -> None:
        """Write these rows. Raises: StorageError."""

    def finish(self) -> None:
        """Put what is not in the bucket yet. Raises: StorageError."""

    def close(self) -> None:
        """Drop what was not put."""


def write_outputs(
    backend: LocalBackend,
    ingest: IngestRow,
    options: OutputOptions,
    figures: RunFigures,
    written: Callable[[int], None] = lambda _items: None,
) -> Outputs:
    """Write all files of a run that is about to end, the summary last.

    written: hears now and then how many items are in them. Needs the data directory's lock. Overwrites what an earlier
    end of the same run left. Raises: StorageError.
    """
    ingest = backend.ingests.get(ingest.run_id)  # its listing may have gone on since the caller read it
    spool = RunFiles.of(backend, ingest.dataset, ingest.run_id)
    counts = backend.ingests.counts(ingest.ingest_id)
    shards = ShardWriter(spool, options.shard_size) if options.shard_size else None
    unfinished = backend.ingests.items(ingest.ingest_id) if counts.done < counts.items else None
    with ExitStack() as stack:
        writers: list[Writer] = [_Manifest(spool, unfinished), _Failures(spool)]
        writers += [MetadataWriter(spool), *([shards] if shards else [])]
        writers += [SidecarWriter(spool)] if options.sidecars else []
        for writer in writers:
            stack.callback(writer.close)
        _write_all(finished_items(backend.database, ingest), writers, written)
    summary = summary_of(ingest, counts, figures) | {"shards_missing": shards.missing if shards else 0}
    return _with_summary(spool, summary, counts)


def _write_all(pages: Iterable[FinishedItems], writers: list[Writer], written: Callable[[int], None]) -> None:
    """One pass over all rows."""
    items = 0
    for page in pages:
        batch = RowBatch.of(page.columns, page.facts)
        for writer in writers:
            writer.add(batch)
        items += len(batch)
        written(items)
    for writer in writers:
        writer.finish()


def _with_summary(spool: RunFiles, summary: dict[str, Any], counts: IngestCounts) -> Outputs:
    key = summary_key(spool.dataset, spool.run)
    summary["files"] = [*spool.keys, key]
    spool.put(key, summary_bytes(summary), "application/json")
    return Outputs(run_folder(spool.dataset, spool.run), tuple(spool.keys), summary, counts)


def summary_of(ingest: IngestRow, counts: IngestCounts, figures: RunFigures | None) -> dict[str, Any]:
    """The JSON object of summary.json, without `files`. figures: None for a run that has not ended.

    `seconds` and what is computed from it are of the process that ended the run.
    """
    return IngestSummary(
        run=ingest.run_id,
        dataset=ingest.dataset,
        source=ingest.source,
        status=figures.status if figures else ingest.status,
        error=figures.error if figures else ingest.error,
        trouble=figures.trouble if figures else None,
        retry_of=figures.retry_of if figures else None,
        began_at=ingest.created_at,
        ended_at=figures.ended_at if figures else ingest.ended_at,
        seconds=figures.seconds if figures else None,
        cpu_seconds=figures.cpu_seconds if figures else None,
        finished=figures.finished if figures else None,
        listed=counts.items,
        listed_complete=ingest.listed and not (figures and figures.trouble),
        total=ingest.total,
        repeated=ingest.repeated,
        known=ingest.known,
        done=counts.done,
        outcomes=counts.outcomes,
        reasons=counts.reasons,
        alerts=counts.alerts,
        bytes_stored=counts.bytes,
    ).as_dict()


def summaries(backend: LocalBackend, dataset: str | None = None) -> Iterator[Mapping[str, Any]]:
    """The summaries of all runs, or of one dataset's, newest first: as in summary.json, or as the journal has it.

    Runs of the state machine BulkIngest are not in these tables: of them the summaries in the bucket tell.
    """
    rows = list(backend.ingests.all(dataset))
    found = [_summary(backend, row) for row in rows]
    found += _of_state_machine(backend, dataset, {row.run_id for row in rows})
    found.sort(key=lambda summary: str(summary.get("began_at") or ""))
    yield from reversed(found)


def _summary(backend: LocalBackend, ingest: IngestRow) -> Mapping[str, Any]:
    written = None
    if ingest.status != "RUNNING":
        written = _written_summary(backend, ingest.dataset, ingest.run_id)
    return written or summary_of(ingest, backend.ingests.counts(ingest.ingest_id), None)


def _of_state_machine(backend: LocalBackend, dataset: str | None, told: set[str]) -> Iterator[Mapping[str, Any]]:
    """Summaries in the bucket of runs that are not told of yet. Looks at folders: a dataset has many more objects."""
    for path in backend.bucket().root.glob(summary_key("*", "*")):
        of_dataset, run = path.parts[-4], path.parts[-2]
        if run not in told and dataset in {None, of_dataset}:
            written = _written_summary(backend, of_dataset, run)
            if written is not None:
                yield written


def _written_summary(backend: LocalBackend, dataset: str, run: str) -> Mapping[str, Any] | None:
    """What the run's summary.json holds; None where somebody removed or changed it."""
    try:
        found = json.loads(backend.bucket().read(summary_key(dataset, run)))
    except LocalTrouble:
        raise
    except (KeyError, ValueError, StorageError):
        return None
    is_ours = isinstance(found, dict) and (found.get("run"), found.get("dataset")) == (run, dataset)
    return found if is_ours else None


class _Manifest:
    """manifest.jsonl: what the source named, an item a line, finished or not; the Distributed Map reads the same.

    items: all of the run, where some have not finished; None where the rows that come tell them all.
    """

    def __init__(self, spool: RunFiles, items: Iterator[tuple[int, SourceItem]] | None) -> None:
        self._target = RunFile(spool, manifest_key(spool.dataset, spool.run), JSON_LINES)
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
    """failures.jsonl: the manifest's lines of the items that gave no image, and why. It is a URL list in itself."""

    def __init__(self, spool: RunFiles) -> None:
        self._target = RunFile(spool, failures_key(spool.dataset, spool.run), JSON_LINES)

    def add(self, batch: RowBatch) -> None:
        failed = [at for at, outcome in enumerate(batch.values("outcome")) if outcome in FAILING_OUTCOMES]
        self._target.file.write(text_of(_failure(batch, at) for at in failed))

    def finish(self) -> None:
        self._target.put()

    def close(self) -> None:
        self._target.close()


def _failure(batch: RowBatch, at: int) -> str:
    return _encode(json.loads(batch.items[at]) | {name: batch.values(name)[at] for name in _WHY})


_WHY = ("outcome", "reason", "error", "cause", "attempts")
_PAGE = 1_000
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
