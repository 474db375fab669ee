"""The end of a run: its digest, its files, and then its status."""

from collections.abc import Callable
from contextlib import closing

from pupline.bulk._alert_rules import alert_rules_of
from pupline.bulk._alerts import RunAlerts
from pupline.bulk._outputs import OutputOptions, Outputs, RunOutputs
from pupline.bulk._request import IngestRequest
from pupline.bulk._run_stats import RunStats
from pupline.local import AbortRequest, IngestRow, LocalBackend
from pupline.sources import left_out_of, shortfall_of


def end_run(
    alerts: RunAlerts,
    stats: RunStats,
    request: IngestRequest,
    run_outputs: RunOutputs,
    *,
    progress: Callable[[int], None] = lambda _items: None,
    alerted: Callable[[], None] = lambda: None,
) -> Outputs:
    """Publish the digest, write the outputs, then end the run: a process killed in between writes them again.

    alerts: of the run. stats: with the status that it ends with. run_outputs: as far as they are written. alerted:
    called when alerts may be in the outbox. Needs the data directory's lock. Raises: StorageError.
    """
    alerts.publish_digest()
    alerted()
    options = OutputOptions(shard_size=request.shard_size, sidecars=request.sidecars, progress=progress)
    outputs = run_outputs.finish(stats, options)
    alerts.backend.ingests.end(alerts.row.ingest_id, stats.status, stats.error, stats.cause)
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
    request = IngestRequest.from_json(row.settings)
    with closing(RunOutputs(backend, row.run_id)) as outputs:
        end_run(RunAlerts(backend, row, alert_rules_of(request)), stats, request, outputs)
