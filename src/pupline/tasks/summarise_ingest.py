"""SummariseIngest: what became of a whole run, from the results that its batches left in the bucket.

It reads one small object for each round of each batch, and of the metadata only the parts with failures in them. So it
works alike where a ResultWriter wrote something, where it did not, and for a run that was stopped on its way.
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
from pupline.tasks.batch_input import IngestRun, moment_of, results_prefix
from pupline.tasks.digest import AlertTally
from pupline.tasks.items import SourceItem
from pupline.tasks.layout import JSON_LINES, failures_key, manifest_key, run_folder, summary_key
from pupline.tasks.ports import Clock, ObjectStore
from pupline.tasks.task_input import TaskInput, checked_input, shown
from pupline.text import timestamp

BATCHES_MISSING = "BatchesMissing"
"""The error of a run in its summary, if not THRESHOLD_EXCEEDED; the workflow fails with the same one."""


def _no_tables(_: IngestRun) -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryServices:
    """What the function works with. concurrency: reads at once.

    tables: makes Parquet of the run's metadata and gives its keys; in Lambda there are no libraries for that.
    """

    store: ObjectStore
    clock: Clock
    concurrency: int = 16
    tables: Callable[[IngestRun], Sequence[str]] = _no_tables


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryRequest:
    """The run to sum up. tolerate: percent of items that may fail. items: in the manifest, None where nobody said.

    trouble: why the manifest does not hold all that the source has.
    """

    run: IngestRun
    tolerate: float
    items: int | None
    began_at: float | None
    trouble: str | None = None

    @classmethod
    def from_event(cls, event: object) -> "SummaryRequest":
        """The request in the workflow's input. Raises: InvalidInput."""
        fields = checked_input(event)
        tolerate, items = fields.get("tolerate", 100), fields.get("items")
        if not isinstance(tolerate, int | float) or isinstance(tolerate, bool) or not 0 <= tolerate <= 100:
            raise InvalidInput(f"tolerate is {shown(tolerate)}; give a percentage, 0 to 100")
        known = items if isinstance(items, int) and not isinstance(items, bool) and items >= 0 else None
        return cls(
            run=IngestRun.from_json(fields),
            tolerate=float(tolerate),
            items=known,
            began_at=moment_of(fields),
            trouble=_trouble_of(fields),
        )


def _trouble_of(fields: Mapping[str, Any]) -> str | None:
    """As the execution's input has it, which is the event, or its `input`: not every execution was given any."""
    given = fields.get("input", fields)
    trouble = given.get("trouble") if isinstance(given, dict) else None
    return trouble if isinstance(trouble, str) else None


@dataclass(slots=True)
class Totals:
    """All rounds of a run, added up. failing: metadata parts that hold failures."""

    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    alerts: AlertTally = field(default_factory=AlertTally)
    first_alerts: int = 0
    bytes: int = 0
    failing: list[str] = field(default_factory=list)

    def add(self, result: Mapping[str, Any]) -> None:
        """One round's result, as IngestBatch left it."""
        self.outcomes.update(result["outcomes"])
        self.reasons.update(result["reasons"])
        self.alerts.add_all(AlertTally.from_dict(result["alerts"]))
        self.first_alerts += result["first_alert"] is not None
        self.bytes += result["bytes"]
        if result["failures"]:
            self.failing.append(result["part"])

    @property
    def done(self) -> int:
        """Items that have ended."""
        return self.outcomes.total()

    @property
    def failed(self) -> int:
        """Items that gave no image."""
        return count_failed(self.outcomes)


def summarise_ingest(event: TaskInput, services: SummaryServices) -> dict[str, JSON]:
    """Writes failures.jsonl and summary.json of a run, over what an earlier attempt wrote.

    event: run, dataset, source, `tolerate` (percent), `items` (in the manifest, if known), `started` (RFC 3339), and
    the execution's `input`, whose `trouble` tells why the manifest is not all that the source has.
    Gives: `items`, `done`, `failed`, `outcomes`; `tolerance_exceeded`; `alerting`, and then `digest` (subject, message,
    attributes) of all alerts but the first; `folder`, where the files are.
    Raises: InvalidInput, StorageError.
    """
    asked = SummaryRequest.from_event(event)
    totals = _totals(asked, services)
    items = totals.done if asked.items is None else max(asked.items, totals.done)
    exceeded = 100 * totals.failed > asked.tolerate * items
    _write_failures(asked, totals, services)
    error = THRESHOLD_EXCEEDED if exceeded else BATCHES_MISSING if totals.done < items else None
    found = summary(asked, totals, items, error) | _times(asked, services.clock, totals.done)
    key = summary_key(asked.run.dataset, asked.run.run)
    write_summary(with_files(found, services.tables(asked.run)), services.store, key)
    digest = totals.alerts.digest(asked.run.run, asked.run.dataset)
    answer: dict[str, JSON] = {
        "items": items,
        "done": totals.done,
        "failed": totals.failed,
        "outcomes": dict(totals.outcomes),
        "tolerance_exceeded": exceeded,
        "complete": totals.done >= items,
        "alerting": digest is not None,
        "folder": run_folder(asked.run.dataset, asked.run.run),
    }
    return answer | {"digest": digest.as_dict()} if digest else answer


def current_summary(event: TaskInput, services: SummaryServices) -> dict[str, Any]:
    """What summary.json would hold if the run, which goes on, were summed up now. Writes nothing."""
    asked = SummaryRequest.from_event(event)
    totals = _totals(asked, services)
    items = totals.done if asked.items is None else max(asked.items, totals.done)
    return summary(asked, totals, items, None) | {"status": "RUNNING", "files": []}


def _totals(asked: SummaryRequest, services: SummaryServices) -> Totals:
    totals = Totals()
    for body in _bodies(services.store.keys(results_prefix(asked.run)), services):
        totals.add(json.loads(body))
    return totals


def _bodies(keys: Iterable[str], services: SummaryServices) -> Iterator[bytes]:
    """The objects of these keys, in their order: a few are read at the same time, and no more are held."""
    waiting = iter(keys)
    with ThreadPoolExecutor(services.concurrency, thread_name_prefix="pupline-summary") as pool:
        while some := list(islice(waiting, services.concurrency)):
            yield from pool.map(services.store.read, some)


def _write_failures(asked: SummaryRequest, totals: Totals, services: SummaryServices) -> None:
    lines = (line for part in _bodies(totals.failing, services) for line in _failure_lines(part))
    key = failures_key(asked.run.dataset, asked.run.run)
    services.store.put(key, "".join(lines).encode("utf-8", "replace"), JSON_LINES)


def _failure_lines(part: bytes) -> Iterator[str]:
    """A line of the manifest for each row that failed, and why."""
    for row in map(json.loads, filter(None, part.split(b"\n"))):
        if row["outcome"] in FAILING_OUTCOMES:
            item = SourceItem.from_dict({name: value for name, value in row.items() if name in _OF_THE_SOURCE})
            why = {name: row[name] for name in ("outcome", "reason", "error", "cause", "attempts")}
            found = {"index": row["index"], **item.as_dict(), **why}
            yield json.dumps(found, ensure_ascii=False, separators=(",", ":")) + "\n"


# Of the metadata's columns; the others of those names (width, sha256, ...) tell of the image, and here is none.
_OF_THE_SOURCE = frozenset({"url", "id", "license", "creator", "attribution", "landing", "title", "alt", "labels"})


def write_summary(found: Mapping[str, Any], store: ObjectStore, key: str) -> None:
    """Put a summary as the JSON that people read. Raises: StorageError."""
    body = json.dumps(found, ensure_ascii=False, indent=2).encode("utf-8", "replace") + b"\n"
    store.put(key, body, "application/json")


def summary(asked: SummaryRequest, totals: Totals, items: int, error: str | None) -> dict[str, Any]:
    """summary.json without its times: the names of a run without a workflow; what a workflow cannot know is null."""
    unknown = ("retry_of", "cpu_seconds", "cpu_us_per_image", "total", "repeated", "known")
    return {
        "run": asked.run.run,
        "dataset": asked.run.dataset,
        "source": asked.run.source,
        "status": "FAILED" if error else "SUCCEEDED",
        "error": error,
        "trouble": asked.trouble,
        **dict.fromkeys(unknown),
        "listed": items,
        "listed_complete": asked.trouble is None,
        "done": totals.done,
        "outcomes": _ranked(totals.outcomes),
        "reasons": _ranked(totals.reasons),
        "alerts": totals.alerts.count + totals.first_alerts,
        "bytes_stored": totals.bytes,
        "files": [key(asked.run.dataset, asked.run.run) for key in (manifest_key, failures_key, summary_key)],
    }


def with_files(found: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    """The summary with these keys among its `files`, whose last one it is itself."""
    others = [key for key in found["files"] if key not in keys]
    return {**found, "files": [*others[:-1], *keys, *others[-1:]]}


def _times(asked: SummaryRequest, clock: Clock, done: int) -> dict[str, Any]:
    """When the workflow began and ended, and how fast it was in between; without a beginning, the end alone."""
    now = clock.now()
    began = asked.began_at
    seconds = max(round(now - began, 3), 0.0) if began is not None else None  # a clock may have been set back
    return {
        "began_at": timestamp(began) if began is not None else None,
        "ended_at": timestamp(now),
        "seconds": seconds,
        "finished": done,
        "images_per_second": round(done / seconds, 1) if seconds else None,
    }


def _ranked(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))
