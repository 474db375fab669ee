"""SummariseIngest: the figures of a whole run, from the results that its batches left in the bucket.

It reads one small object for each round of each batch, and only those metadata parts that contain failures. It does not
need the output of a ResultWriter, so it also works for a run that was stopped.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from pupline.errors import FAILING_OUTCOMES, THRESHOLD_EXCEEDED, InvalidInput, count_failed
from pupline.json_values import JSON
from pupline.tasks.batch_input import IngestRun, results_prefix
from pupline.tasks.digest import AlertTally
from pupline.tasks.ingest_summary import IngestSummary, summary_bytes, with_files
from pupline.tasks.items import SourceItem
from pupline.tasks.layout import JSON_LINES, failures_key, manifest_key, run_folder, summary_key
from pupline.tasks.left_out import LeftOut
from pupline.tasks.metadata import METADATA_COLUMNS
from pupline.tasks.ports import Clock, ObjectStore
from pupline.tasks.task_input import TaskInput, checked_input, moment_or_none, shown

BATCHES_MISSING = "BatchesMissing"
"""The error of a run with missing results, in its summary and of its execution."""

# The fields of the source's item by their columns in the metadata: `expected_sha256` is the item's `sha256`.
_ITEM_COLUMNS = {
    column.name: column.path.removeprefix("item.") for column in METADATA_COLUMNS if column.path.startswith("item.")
}


def _no_tables(_: IngestRun) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryServices:
    """What the task works with. concurrency: reads at the same time.

    tables: writes the run's metadata as Parquet and returns the keys; Lambda has no library for that.
    """

    store: ObjectStore
    clock: Clock
    concurrency: int = 16
    tables: Callable[[IngestRun], Sequence[str]] = _no_tables


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryRequest:
    """The run to summarise. tolerate: percent of items that may fail. items: in the manifest, None if unknown.

    trouble: why the manifest does not hold all that the source has. left_out: what it has besides.
    columns_dropped: columns of the list, and why they are not kept.
    """

    run: IngestRun
    tolerate: float
    items: int | None
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
        return cls(
            run=IngestRun.from_json(fields),
            tolerate=float(tolerate),
            items=items if isinstance(items, int) and not isinstance(items, bool) and items >= 0 else None,
            began_at=moment_or_none(fields, "started"),
            trouble=trouble if isinstance(trouble, str) else None,
            left_out=LeftOut.from_json(given.get("left_out")),
            columns_dropped=_texts_of(given.get("columns_dropped")),
        )


@dataclass(slots=True)
class RunTotals:
    """The sum of all rounds of a run. failure_parts: keys of the metadata parts that contain failures."""

    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    verification: Counter[str] = field(default_factory=Counter)
    alerts: AlertTally = field(default_factory=AlertTally)
    first_alerts: int = 0
    bytes_stored: int = 0
    failure_parts: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, run: IngestRun, services: SummaryServices) -> "RunTotals":
        """The sum of the results in the bucket. Raises: StorageError."""
        totals = cls()
        for result in map(json.loads, _read_all(services.store.keys(results_prefix(run)), services)):
            totals.outcomes.update(result["outcomes"])
            totals.reasons.update(result["reasons"])
            totals.verification.update(result.get("verification", {}))  # earlier versions did not verify
            totals.alerts.add_all(AlertTally.from_dict(result["alerts"]))
            totals.first_alerts += result["first_alert"] is not None
            totals.bytes_stored += result["bytes"]
            if result["failures"]:
                totals.failure_parts.append(result["part"])
        return totals

    @property
    def done(self) -> int:
        """Items that have ended."""
        return self.outcomes.total()


def summarise_ingest(event: TaskInput, services: SummaryServices) -> dict[str, JSON]:
    """Write failures.jsonl and summary.json of a run, over those of an earlier attempt.

    event: run, dataset, source, `tolerate` (percent), `items` (in the manifest, if known), `started` (RFC 3339), and
    the execution's `input`, whose `trouble` and `left_out` say why the manifest is incomplete.
    Returns: `items`, `done`, `failed`, `outcomes`; `tolerance_exceeded`; `complete`; `alerting`, and then `digest`
    (subject, message, attributes) of all alerts but the first; `folder`, where the files are.
    Raises: InvalidInput, StorageError.
    """
    request = SummaryRequest.from_input(event)
    run = request.run
    totals = RunTotals.read(run, services)
    items, failed = _items(request, totals), count_failed(totals.outcomes)
    exceeded = 100 * failed > request.tolerate * items
    lines = (line for part in _read_all(totals.failure_parts, services) for line in _failure_lines(part))
    services.store.put(failures_key(run.dataset, run.run), "".join(lines).encode("utf-8", "replace"), JSON_LINES)
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
    return answer | {"digest": digest.as_dict()} if digest else answer


def current_summary(event: TaskInput, services: SummaryServices) -> dict[str, Any]:
    """What summary.json would hold now for a run that has not ended. Writes nothing."""
    request = SummaryRequest.from_input(event)
    totals = RunTotals.read(request.run, services)
    return _summary(request, totals, "RUNNING", None, None) | {"files": []}


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


def _read_all(keys: Iterable[str], services: SummaryServices) -> Iterator[bytes]:
    """The objects of these keys, in order. At most `concurrency` are read and held at the same time."""
    remaining = iter(keys)
    with ThreadPoolExecutor(services.concurrency, thread_name_prefix="pupline-summary") as pool:
        while some := list(islice(remaining, services.concurrency)):
            yield from pool.map(services.store.read, some)


def _failure_lines(part: bytes) -> Iterator[str]:
    """A line of failures.jsonl for each failed row: the line of the manifest, and why it failed."""
    for row in map(json.loads, filter(None, part.split(b"\n"))):
        if row["outcome"] in FAILING_OUTCOMES:
            fields = {field: row.get(name) for name, field in _ITEM_COLUMNS.items()}
            item = SourceItem.from_dict({field: value for field, value in fields.items() if value is not None})
            why = {name: row[name] for name in ("outcome", "reason", "error", "cause", "attempts")}
            failure = {"index": row["index"], **item.as_dict(), **why}
            yield json.dumps(failure, ensure_ascii=False, separators=(",", ":")) + "\n"
