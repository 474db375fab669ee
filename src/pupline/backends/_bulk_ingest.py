"""BulkIngest on any backend: what it can do, its input, its batches, and with which execution a run continues.

A run's first execution has the run's name. One that ended in a Fail state cannot be redriven with any use; another one,
`<run>-again-<number>`, then does what is missing, since batches that were done answer from their results.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pupline.backends._manifest import Manifest, ManifestLimits
from pupline.backends._redrive import UNSUCCESSFUL
from pupline.bulk import IngestReport, IngestRequest, checked_dataset, checked_source
from pupline.bulk import has_parquet as has_parquet
from pupline.errors import THRESHOLD_EXCEEDED, ConfigurationError
from pupline.json_values import JSON
from pupline.local import IngestCounts
from pupline.sources import ImageSource
from pupline.tasks.layout import dataset_folder, manifest_key
from pupline.tasks.left_out import LeftOut
from pupline.tasks.run_ids import new_run_id

MAX_THREADS = 8
"""Requests of one batch at the same time, as IngestBatch has on AWS by default."""

MAX_ITEMS = 100
"""Items of a batch, all of which are tried again when the batch is."""

MAX_SECONDS = 180
"""Duration of a batch that is paced by a rate; its function begins nothing more after 200 seconds."""

_FAIL_STATES = frozenset({"BatchesMissing", "SummaryFailed"})
"""Errors of executions that have work left and ended in a Fail state."""

_DIRECT_ONLY = {
    "retry_failed": ("--retry-failed", "ingest the run's failures.jsonl, which is a list of URLs"),
    "incremental": ("--incremental", "leave it out"),
    "stop_after_known": ("--stop-after-known", "leave it out"),
    "resume": ("--resume", "repeat the command with the same --run-id"),
    "shard_size": ("--shards", "leave it out"),
    "sidecars": ("--sidecars", "leave it out"),
    "workers": ("--workers", "leave it out"),
    "shard": ("--shard", "leave it out; the batches are spread by Step Functions"),
}
"""Fields of a request that BulkIngest cannot do: their options, and what to do instead."""


def check_options(request: IngestRequest) -> None:
    """Refuse options that BulkIngest does not have, and more images than it takes. Raises: ConfigurationError."""
    if request.count is not None:
        ManifestLimits().check_images("--count", request.count)
    for name, (option, instead) in _DIRECT_ONLY.items():
        if getattr(request, name):
            raise ConfigurationError(f"{option} is for ingests without --workflow; {instead}")


def with_names(request: IngestRequest) -> tuple[IngestRequest, ImageSource]:
    """The request with its run and its dataset named, and its source. Raises: ConfigurationError."""
    check_options(request)
    request = request.anchored()
    source = checked_source(request)
    dataset = checked_dataset(request.dataset or source.dataset)
    return replace(request, run_id=request.run_id or new_run_id(), dataset=dataset), source


@dataclass(frozen=True, slots=True)
class Pace:
    """How a run is spread: batches at the same time, requests at once in each, items in one.

    rate: requests a second to one host by one batch; None for no limit.
    """

    batches: int
    threads: int
    items: int
    rate: float | None

    @classmethod
    def of(cls, request: IngestRequest, source: ImageSource, most_batches: int | None = None) -> "Pace":
        """At most `concurrency` requests in all, and to one host no more than the source and the user allow.

        Batches do not know of each other, so the limits of one host hold for all of them together. most_batches: that
        may run at the same time, None for no limit.
        """
        limits = (request.concurrency, request.host_concurrency, source.limits.image_concurrency)
        most = min(limit for limit in limits if limit is not None)
        threads = min(MAX_THREADS, most)
        batches = max(1, min(most // threads, most_batches or most))
        rates = [rate for rate in (request.rate, source.limits.image_rps) if rate]
        rate = min(rates) / batches if rates else None
        items = MAX_ITEMS if rate is None else max(1, min(MAX_ITEMS, int(rate * MAX_SECONDS)))
        return cls(batches, threads, items, rate)


def execution_input(
    request: IngestRequest, source: ImageSource, manifest: Manifest, most_batches: int | None = None
) -> dict[str, JSON]:
    """BulkIngest's input for a request whose manifest is in the bucket. most_batches: as in `Pace.of`."""
    pace = Pace.of(request, source, most_batches)
    tolerate = 100.0 if request.tolerate is None else float(request.tolerate)
    return {
        "run": request.run_id,
        "dataset": request.dataset,
        "source": source.name,
        "manifest": {"key": manifest_key(str(request.dataset), str(request.run_id))},
        "items": manifest.items,
        "trouble": manifest.trouble,
        "left_out": manifest.left_out.as_json(),
        "columns_dropped": dict(manifest.columns_dropped),
        "batch_size": pace.items,
        "concurrency": pace.batches,
        "rate": pace.rate or 0,
        "requests": pace.threads,
        "heed_robots": request.heed_robots,
        "tolerate": int(tolerate) if tolerate.is_integer() else tolerate,  # it stands in messages
    }


@dataclass(frozen=True, slots=True)
class BulkExecution:
    """The newest execution of a run."""

    name: str
    status: str
    input: Mapping[str, Any]
    error: str | None = None
    cause: str | None = None

    @property
    def ended_in_fail_state(self) -> bool:
        """Whether only another execution can do what is missing."""
        return self.error in _FAIL_STATES

    @property
    def needs_redrive(self) -> bool:
        """Whether it failed where a redrive helps."""
        return self.status in UNSUCCESSFUL and not self.ended_in_fail_state


def name_after(name: str) -> str:
    """The name of the execution that does what the execution of this name left: `r-again-1` after `r`."""
    run_id, _, number = name.rpartition("-again-")
    return f"{run_id}-again-{int(number) + 1}" if run_id and number.isdigit() else f"{name}-again-1"


def report_of(
    request: IngestRequest, execution: BulkExecution, summary: Mapping[str, Any], *, interrupted: bool
) -> IngestReport:
    """The report of a run with this summary.json, or what it would hold by now."""
    outcomes: Counter[str] = Counter(summary.get("outcomes", {}))
    counts = IngestCounts(
        items=int(execution.input.get("items") or 0),
        done=outcomes.total(),
        outcomes=outcomes,
        reasons=Counter(summary.get("reasons", {})),
        alerts=int(summary.get("alerts", 0)),
        bytes=int(summary.get("bytes_stored", 0)),
        verification=Counter({result: int(summary.get(result) or 0) for result in ("verified", "changed", "gone")}),
    )
    return IngestReport(
        run_id=str(request.run_id),
        dataset=str(request.dataset),
        status=execution.status,
        counts=counts,
        interrupted=interrupted,
        tolerance_exceeded=execution.error == THRESHOLD_EXCEEDED == summary.get("error"),
        trouble=execution.input.get("trouble"),
        listed_complete=execution.input.get("trouble") is None,
        left_out=LeftOut.from_json(execution.input.get("left_out")),
        columns_dropped=execution.input.get("columns_dropped") or {},
        folder=dataset_folder(str(request.dataset)),
        error=execution.error,
        cause=execution.cause,
        summary=summary,
    )
