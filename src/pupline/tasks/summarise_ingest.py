"""SummariseIngest: the figures of a whole run, from the results that its batches left in the bucket.

It reads one small object for each round of each batch, in order, with the memory of a few. It does not need the output
of a ResultWriter, so it also works for a run that was stopped. What does not fit into the time of one invocation goes
on in the next, or in the retry of one that was killed: see `summary_progress`.
"""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any

from pupline.errors import THRESHOLD_EXCEEDED, InvalidInput, StorageError, count_failed
from pupline.json_values import JSON
from pupline.tasks.batch_input import IngestRun, results_prefix
from pupline.tasks.failure_lines import failure_lines
from pupline.tasks.ingest_summary import IngestSummary, summary_bytes, with_files
from pupline.tasks.layout import failures_key, manifest_key, run_folder, summary_key
from pupline.tasks.left_out import LeftOut
from pupline.tasks.manifest_lines import count_items, manifest_of
from pupline.tasks.ports import Clock, MultipartStore, NoSuchUpload
from pupline.tasks.round_result import is_result_key, result_of, rows_of
from pupline.tasks.streamed_object import PART_BYTES
from pupline.tasks.summary_progress import RunTotals, SummaryProgress
from pupline.tasks.task_input import TaskInput, checked_input, moment_or_none, shown

BATCHES_MISSING = "BatchesMissing"
"""The error of a run with missing results, in its summary and of its execution."""

_KEEP_SECONDS = 60
"""Between two states that are kept: what an invocation that is killed loses at most."""


def _no_tables(_: IngestRun) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryServices:
    """What the task works with. concurrency: reads at the same time. monotonic: for durations. part_bytes: of the
    parts in which a large failures.jsonl is uploaded.

    tables: writes the run's metadata as Parquet and returns the keys; Lambda has no library for that.
    """

    store: MultipartStore
    clock: Clock
    monotonic: Callable[[], float] = time.monotonic
    concurrency: int = 16
    part_bytes: int = PART_BYTES
    tables: Callable[[IngestRun], Sequence[str]] = _no_tables


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryRequest:
    """The run to summarise. tolerate: percent of items that may fail. items: in the manifest, None if unknown.
    manifest: its key.

    trouble: why the manifest does not hold all that the source has. left_out: what it has besides.
    columns_dropped: columns of the list, and why they are not kept.
    """

    run: IngestRun
    tolerate: float
    items: int | None
    manifest: str
    began_at: float | None
    trouble: str | None = None
    left_out: LeftOut = field(default_factory=LeftOut)
    columns_dropped: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_input(cls, event: object) -> "SummaryRequest":
        """The request in a task's input. Raises: InvalidInput."""
        fields = checked_input(event)
        tolerate, items = fields.get("tolerate", 100), fields.get("items")
        if not isinstance(tolerate, int | float) or isinstance(tolerate, bool) or not 0 <= tolerate <= 100:
            raise InvalidInput(f"tolerate is {shown(tolerate)}; give a percentage, 0 to 100")
        # `trouble` and `left_out` are in the execution's input: `input` or, in earlier versions, the event itself.
        execution_input = fields.get("input", fields)
        given = execution_input if isinstance(execution_input, Mapping) else {}
        trouble = given.get("trouble")
        run = IngestRun.from_json(fields)
        return cls(
            run=run,
            tolerate=float(tolerate),
            items=items if isinstance(items, int) and not isinstance(items, bool) and items >= 0 else None,
            manifest=manifest_of(run, given),
            began_at=moment_or_none(fields, "started"),
            trouble=trouble if isinstance(trouble, str) else None,
            left_out=LeftOut.from_json(given.get("left_out")),
            columns_dropped=_texts_of(given.get("columns_dropped")),
        )


def summarise_ingest(event: TaskInput, services: SummaryServices, seconds: float = math.inf) -> dict[str, JSON]:
    """Write failures.jsonl and summary.json of a run, over those of an earlier attempt.

    event: run, dataset, source, `tolerate` (percent), `items` (in the manifest, if known), `started` (RFC 3339), the
    name of the `execution`, and its `input`, whose `trouble` and `left_out` say why the manifest is incomplete.
    seconds: the time left for this invocation; without `execution`, nothing ends it.
    Returns: `items`, `done`, `failed`, `outcomes`; `tolerance_exceeded`; `complete`, and if not, `left`: the lines of
    the manifest that another Map Run can do; `alerting`, and then `digest` (subject, message, attributes) of all alerts
    but the first; `folder`, where the files are. Where the time was too short, only `more`: True and `done`: the task
    with the same event continues.
    Raises: InvalidInput, StorageError.
    """
    request = SummaryRequest.from_input(event)
    stop_at = services.monotonic() + seconds
    progress = SummaryProgress.found(request.run, services.store, services.part_bytes)
    try:
        return progress.answer or _continue(request, services, progress, stop_at)
    except NoSuchUpload:  # given up after days, or completed by an attempt that got no further
        progress = SummaryProgress(request.run, services.store, services.part_bytes)
        return _continue(request, services, progress, stop_at)


def current_summary(event: TaskInput, services: SummaryServices) -> dict[str, Any]:
    """What summary.json would hold now for a run that has not ended. Writes nothing."""
    request = SummaryRequest.from_input(event)
    totals = RunTotals()
    for _, result in _results(request.run, services):
        totals.add(result)
    return _summary(request, totals, "RUNNING", None, None) | {"files": []}


def _continue(
    request: SummaryRequest, services: SummaryServices, progress: SummaryProgress, stop_at: float
) -> dict[str, JSON]:
    """The task's answer, from where the summary is."""
    keep_at = services.monotonic() + _KEEP_SECONDS
    before = progress.after
    for key, result in _results(request.run, services, progress.after):
        progress.totals.add(result)
        progress.failures.write(_failures_of(result, services).encode("utf-8", "replace"))
        progress.after = key
        now = services.monotonic()
        if progress.can_be_kept and now >= min(stop_at, keep_at):
            progress.keep()
            keep_at = now + _KEEP_SECONDS
            if now >= stop_at:
                return {"more": True, "done": progress.totals.done}
    progress.failures.flush()
    if progress.is_kept and progress.after != before:
        # Of a large run also what follows takes a while: joining the parts, counting a manifest.
        progress.keep()
        return {"more": True, "done": progress.totals.done}
    progress.failures.close()
    answer = _write_summary(request, services, progress.totals)
    progress.end(answer)
    return answer


def _write_summary(request: SummaryRequest, services: SummaryServices, totals: RunTotals) -> dict[str, JSON]:
    """The task's answer, once summary.json is written."""
    run, listed = request.run, None
    if request.items is None or totals.done < request.items:
        listed = count_items(services.store, request.manifest)
    if request.items is None:
        request = replace(request, items=listed)
    items, failed = _items(request, totals), count_failed(totals.outcomes)
    exceeded = 100 * failed > request.tolerate * items
    error = THRESHOLD_EXCEEDED if exceeded else BATCHES_MISSING if totals.done < items else None
    summary = _summary(request, totals, "FAILED" if error else "SUCCEEDED", error, services.clock.now())
    keys = [key(run.dataset, run.run) for key in (manifest_key, failures_key, summary_key)]
    summary = with_files(summary | {"files": keys}, services.tables(run))
    services.store.put(keys[-1], summary_bytes(summary), "application/json")
    digest = totals.alerts.digest(run.run, run.dataset)
    answer: dict[str, JSON] = {
        "items": items,
        "done": totals.done,
        "failed": failed,
        "outcomes": dict(totals.outcomes),
        "tolerance_exceeded": exceeded,
        "complete": totals.done >= items,
        "alerting": digest is not None,
        "folder": run_folder(run.dataset, run.run),
    }
    if totals.done < items:
        answer["left"] = max(0, (items if listed is None else listed) - totals.done)
    return answer | {"digest": digest.as_dict()} if digest else answer


def _texts_of(value: JSON) -> dict[str, str]:
    """The texts in an object from outside, by name."""
    fields = value.items() if isinstance(value, dict) else ()
    return {name: text for name, text in fields if isinstance(text, str)}


def _items(request: SummaryRequest, totals: RunTotals) -> int:
    return totals.done if request.items is None else max(request.items, totals.done)


def _summary(
    request: SummaryRequest, totals: RunTotals, status: str, error: str | None, ended_at: float | None
) -> dict[str, Any]:
    seconds = None
    if request.began_at is not None and ended_at is not None:
        seconds = max(round(ended_at - request.began_at, 3), 0.0)  # a clock may have been set back
    return IngestSummary(
        run=request.run.run,
        dataset=request.run.dataset,
        source=request.run.source,
        status=status,
        error=error,
        trouble=request.trouble,
        left_out=request.left_out,
        columns_dropped=request.columns_dropped,
        began_at=request.began_at,
        ended_at=ended_at,
        seconds=seconds,
        finished=None if ended_at is None else totals.done,
        listed=_items(request, totals),
        listed_complete=request.trouble is None,
        done=totals.done,
        outcomes=totals.outcomes,
        reasons=totals.reasons,
        verification=totals.verification,
        alerts=totals.alerts.count + totals.first_alerts,
        bytes_stored=totals.bytes_stored,
    ).as_dict()


def _results(run: IngestRun, services: SummaryServices, after: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """The results of the run's rounds with keys after `after`, in order. At most `concurrency` are read and held at the
    same time. Raises: StorageError.
    """
    remaining = filter(is_result_key, services.store.keys(results_prefix(run), after))
    with ThreadPoolExecutor(services.concurrency, thread_name_prefix="pupline-summary") as pool:
        while some := list(islice(remaining, services.concurrency)):
            for key, body in zip(some, pool.map(partial(_read, services), some), strict=True):
                yield key, result_of(body, key)


def _read(services: SummaryServices, key: str) -> bytes:
    try:
        return services.store.read(key)
    except KeyError as err:
        raise StorageError(f"{key} was deleted while it was to be read") from err


def _failures_of(result: Mapping[str, Any], services: SummaryServices) -> str:
    """The lines of a round in failures.jsonl; results of earlier versions do not have them."""
    lines: str | None = result.get("failure_lines")
    if lines is None:
        part = result["part"]
        lines = failure_lines(rows_of(_read(services, part), part)) if result["failures"] else ""
    return lines
