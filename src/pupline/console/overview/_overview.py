"""The read model of the overview: what is going on, what went wrong last, and what to look at next."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

from pupline.backends import Backend
from pupline.tasks.pages import (
    AlertItem,
    AlertQuery,
    Count,
    DeliveryStatus,
    ExecutionItem,
    ExecutionQuery,
    Pages,
    RecordItem,
    RecordQuery,
)
from pupline.tasks.ports import RunSummary

UNSUCCESSFUL = ("FAILED", "TIMED_OUT", "ABORTED")
UNDELIVERED: tuple[DeliveryStatus, ...] = ("pending", "failed")

_STATUSES = ("RUNNING", "SUCCEEDED", *UNSUCCESSFUL)
_FAILURES = 6
_RUNNING = 5
_RUNS = 4
_ALERTS = 4
_IMAGES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """One glance. executions: counts by status. images: records of stored images; quarantined: of files kept apart.

    failures: the latest executions that did not succeed. runs: the newest runs that are not finished. undelivered:
    alerts that still wait, or that were given up, with the newest of them in `alerts`. latest: the newest images.
    """

    executions: Mapping[str, Count]
    images: Count
    quarantined: Count
    undelivered: Count
    failures: tuple[ExecutionItem, ...]
    running: tuple[ExecutionItem, ...]
    runs: tuple[RunSummary, ...]
    alerts: tuple[AlertItem, ...]
    latest: tuple[RecordItem, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing has happened here yet."""
        return not any(count.number for count in self.executions.values()) and not self.latest and not self.runs


def overview_of(backend: Backend) -> Overview:
    """What the backend knows now. Work is bounded: counts stop at their limit, and lists are short."""
    pages = backend.pages
    # One pass for all outcomes is as quick as one for each.
    outcomes = {facet.value: Count(facet.count) for facet in pages.record_facets(RecordQuery(), "outcome")}
    return Overview(
        executions={one: pages.count_executions(ExecutionQuery(status=(one,))) for one in _STATUSES},
        images=outcomes.get("stored", Count(0)),
        quarantined=outcomes.get("quarantined", Count(0)),
        undelivered=pages.count_alerts(AlertQuery(status=UNDELIVERED)),
        failures=_executions(pages, UNSUCCESSFUL, _FAILURES),
        running=_executions(pages, ("RUNNING",), _RUNNING),
        runs=tuple(islice((run for run in islice(backend.runs(), _RUNS) if run.status == "RUNNING"), _RUNS)),
        alerts=pages.alert_page(AlertQuery(status=UNDELIVERED, limit=_ALERTS)).items,
        latest=pages.record_page(RecordQuery(outcome=("stored",), limit=_IMAGES)).items,
    )


def _executions(pages: Pages, statuses: tuple[str, ...], limit: int) -> tuple[ExecutionItem, ...]:
    return pages.execution_page(ExecutionQuery(status=statuses, limit=limit)).items
