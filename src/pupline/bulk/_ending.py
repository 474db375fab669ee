"""The end of a run: its digest, its files, and then its status."""

from collections.abc import Callable

from pupline.bulk._alert_rules import alert_rules_of
from pupline.bulk._alerts import RunAlerts
from pupline.bulk._outputs import Outputs, write_outputs
from pupline.bulk._request import IngestRequest
from pupline.bulk._run_stats import RunStats
from pupline.local import AbortRequest, IngestRow, LocalBackend
from pupline.sources import left_out_of, shortfall_of


def end_run(
    backend: LocalBackend,
    row: IngestRow,
    stats: RunStats,
    request: IngestRequest,
    *,
    progress: Callable[[int], None] = lambda _items: None,
    alerted: Callable[[], None] = lambda: None,
) -> Outputs:
    """Publish the digest, write the outputs, then end the run: a process killed in between writes them again.

    stats: with the status that the run ends with. alerted: called when alerts may be in the outbox. Needs the data
    directory's lock. Raises: StorageError.
    """
    RunAlerts(backend, row, alert_rules_of(request)).publish_digest()
    alerted()
    outputs = write_outputs(
        backend,
        row.run_id,
        stats,
        shard_size=request.shard_size,
        sidecars=request.sidecars,
        progress=progress,
    )
    backend.ingests.end(row.ingest_id, stats.status, stats.error, stats.cause)
    return outputs


def abort_run(backend: LocalBackend, row: IngestRow, abort: AbortRequest) -> None:
    """End a run that no process works on. What is done stays. Raises: StorageError."""
    stats = RunStats(
        status="ABORTED",
        error=abort.error,
        cause=abort.cause,
        ended_at=backend.clock.now(),
        trouble=shortfall_of(row.position) if row.listed else None,
        left_out=left_out_of(row.position),
    )
    end_run(backend, row, stats, IngestRequest.from_json(row.settings))
