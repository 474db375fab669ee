"""The charts of the page: records and alerts over time, and the shares of the outcomes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pupline.console.drawing import Chart, Column, Datum, Series, Tone, line_chart, share_chart, stacked_chart
from pupline.console.insights._store import Figures
from pupline.console.insights._view import Links

_MOST_POINTS = 400
_TONES: Mapping[str, Tone] = {
    "stored": "succeeded",
    "duplicate": "neutral",
    "quarantined": "warning",
    "refused": "running",
    "failed": "failed",
}
_NOTHING = {"records": 0, "alerts": 0, "unaccepted": 0, "bytes": 0}


@dataclass(frozen=True, slots=True)
class Charts:
    """throughput, alerts: None for a single point, which has no course."""

    outcomes: Chart
    throughput: Chart | None
    alerts: Chart | None


def charts_of(figures: Figures, links: Links) -> Charts:
    """The charts. Every part leads to its list."""
    outcomes = [
        Datum(name, count, links.audit(("outcome", name)), _TONES.get(name))
        for name, count in figures["outcomes"].items()
    ]
    points = list(_without_gaps(figures["timeline"]["points"], figures["timeline"]["unit"]))
    throughput = alerts = None
    if len(points) > 1:
        columns = [
            Column(
                _label(point["time"]),
                {"accepted": point["records"] - point["unaccepted"], "not accepted": point["unaccepted"]},
                links.span(point["time"]) if point["records"] else None,
            )
            for point in points
        ]
        parts = [Series("accepted", "accent"), Series("not accepted", "failed")]
        throughput = stacked_chart("Records", columns, parts, unit="records")
        course = [
            Datum(_label(point["time"]), point["alerts"], links.span(point["time"], ("alert", "yes")))
            for point in points
        ]
        alerts = line_chart("Alerts", course, unit="alerts")
    return Charts(share_chart("Outcomes", outcomes, unit="records"), throughput, alerts)


def _without_gaps(points: Sequence[Mapping[str, Any]], unit: str) -> Iterator[Mapping[str, Any]]:
    """The points, with those between them at which nothing happened, as far as there are not too many."""
    step = timedelta(hours=1) if unit == "hour" else timedelta(days=1)
    times = [datetime.fromisoformat(point["time"]) for point in points]
    if not times or (times[-1] - times[0]) / step > _MOST_POINTS:
        yield from points
        return
    known = dict(zip(times, points, strict=True))
    at = times[0]
    while at <= times[-1]:
        text = at.isoformat(timespec="hours") if unit == "hour" else at.date().isoformat()
        yield known.get(at) or {"time": text, **_NOTHING}
        at += step


def _label(time: str) -> str:
    """`01-31 12:00` of an hour, `2026-01-31` of a day."""
    return f"{time[5:10]} {time[11:]}:00" if len(time) > 10 else time
