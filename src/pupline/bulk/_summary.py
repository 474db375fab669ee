"""The summary of a run: what its summary.json holds, or, while there is none, what the journal knows."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pupline.bulk._run_stats import RunStats
from pupline.errors import LocalTrouble, StorageError
from pupline.files import matching
from pupline.local import IngestCounts, IngestRow, LocalBackend
from pupline.sources import dropped_of, left_out_of
from pupline.tasks.ingest_summary import IngestSummary
from pupline.tasks.layout import summary_key


def summaries(backend: LocalBackend, dataset: str | None = None) -> Iterator[Mapping[str, Any]]:
    """The summaries of all runs, or of one dataset's, newest first.

    Runs of the state machine BulkIngest are not in the tables of ingests: their summaries are in the bucket alone.
    """
    rows = list(backend.ingests.all(dataset))
    found = []
    for row in rows:
        written = written_summary(backend, row.dataset, row.run_id) if row.status != "RUNNING" else None
        found.append(written or summary_of(row, backend.ingests.counts(row.ingest_id)))
    listed = {row.run_id for row in rows}
    # Folders, not keys: a dataset has many more objects.
    for path in matching(backend.bucket().root, summary_key("*", "*")):
        of_dataset, run = path.parts[-4], path.parts[-2]
        if run not in listed and dataset in {None, of_dataset}:
            written = written_summary(backend, of_dataset, run)
            found += [written] if written else []
    found.sort(key=lambda summary: str(summary.get("began_at") or ""))
    yield from reversed(found)


def summary_of(ingest: IngestRow, counts: IngestCounts, stats: RunStats | None = None) -> dict[str, Any]:
    """The JSON object of summary.json, without `files`. stats: of the process that is about to end the run.

    `seconds` and what is computed from it are of the process that ended the run.
    """
    return IngestSummary(
        run=ingest.run_id,
        dataset=ingest.dataset,
        source=ingest.source,
        status=stats.status if stats else ingest.status,
        error=stats.error if stats else ingest.error,
        trouble=stats.trouble if stats else None,
        columns_dropped=dropped_of(ingest.position),
        left_out=stats.left_out if stats else left_out_of(ingest.position),
        retry_of=_retried_run(ingest) if stats else None,
        began_at=ingest.created_at,
        ended_at=stats.ended_at if stats else ingest.ended_at,
        seconds=stats.seconds if stats else None,
        cpu_seconds=stats.cpu_seconds if stats else None,
        finished=stats.finished if stats else None,
        listed=counts.items,
        listed_complete=ingest.listed and not (stats and stats.trouble),
        total=ingest.total,
        repeated=ingest.repeated,
        known=ingest.known,
        shard=_text(ingest.settings.get("shard")),
        other_shards=ingest.other_shards,
        done=counts.done,
        outcomes=counts.outcomes,
        reasons=counts.reasons,
        verification=counts.verification,
        alerts=counts.alerts,
        bytes_stored=counts.bytes,
    ).as_dict()


def _retried_run(ingest: IngestRow) -> str | None:
    return _text(ingest.settings.get("retry_failed"))


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def written_summary(backend: LocalBackend, dataset: str, run: str) -> Mapping[str, Any] | None:
    """What the run's summary.json holds; None where it was removed or changed."""
    try:
        found = json.loads(backend.bucket().read(summary_key(dataset, run)))
    except LocalTrouble:
        raise
    except (KeyError, ValueError, StorageError):
        return None
    is_ours = isinstance(found, dict) and (found.get("run"), found.get("dataset")) == (run, dataset)
    return found if is_ours else None
