"""The main figures of many records, from the counts of lists: what the page shows while the others are counted."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pupline.backends import Backend
from pupline.console.insights._store import Figures
from pupline.errors import UNACCEPTED_OUTCOMES
from pupline.insights import Selection
from pupline.tasks.pages import Facet, RecordField, RecordQuery

_BUDGET_SECONDS = 1.0
_DAY = 86_400.0
_FIELDS: tuple[RecordField, ...] = ("outcome", "alert", "type", "reason", "breed", "source")
_LATER: Mapping[str, Any] = {
    "alerts_not_sent": 0,
    "alerts_by_reason": {},
    "alert_examples": {},
    "failures": [],
    "hosts": {},
    "coverage": [],
    "shared_images": [],
    "placeholders": [],
    "ingests": [],
    "fields": {},
    "sizes": [],
    "quality": {},
    "bytes_stored": None,
    "bytes_saved": None,
}
"""What a pass over the records has to count."""


def preview(backend: Backend, selection: Selection) -> Figures | None:
    """The figures that are at hand, with `is_preview`; None where that takes long, because no index has them."""
    pages, deadline = backend.pages, time.monotonic() + _BUDGET_SECONDS
    query = RecordQuery(
        since=selection.since,
        until=selection.until,
        dataset=() if selection.dataset is None else (selection.dataset,),
        run=() if selection.run is None else (selection.run,),
    )
    counts: dict[str, dict[str, int]] = {}
    for field in _FIELDS:
        counts[field] = _counts(pages.record_facets(query, field))
        if time.monotonic() > deadline:
            return None
    records = sum(counts["outcome"].values())
    alerts = counts["alert"].get("yes", 0)
    return {
        **_LATER,
        "is_preview": True,
        "records": records,
        "alerts": alerts,
        "alert_frequency": alerts / records if records else 0.0,
        "file_types": counts["type"],
        "outcomes": counts["outcome"],
        "reasons": counts["reason"],
        "breeds": counts["breed"],
        "sources": counts["source"],
        "duplicates": counts["outcome"].get("duplicate", 0),
        "timeline": {"unit": "day", "points": _days(backend, query)},
    }


def _days(backend: Backend, query: RecordQuery) -> Sequence[Mapping[str, Any]]:
    """The days; none where the time does not begin and end with one, which the counts of days cannot tell."""
    since, until = query.since or 0.0, query.until or 0.0
    if since % _DAY or until % _DAY:
        return []
    first = time.strftime("%Y-%m-%d", time.gmtime(since))
    end = time.strftime("%Y-%m-%d", time.gmtime(until)) if until else "9999"
    unaccepted = replace(query, outcome=tuple(sorted(UNACCEPTED_OUTCOMES)))
    records, alerts, others = (
        _counts(backend.pages.record_facets(one, "day")) for one in (query, replace(query, alert=True), unaccepted)
    )
    return [
        {"time": day, "records": count, "alerts": alerts.get(day, 0), "unaccepted": others.get(day, 0), "bytes": 0}
        for day, count in sorted(records.items())
        if first <= day < end
    ]


def _counts(facets: Sequence[Facet]) -> dict[str, int]:
    return {one.value: one.count for one in facets if one.value is not None}
