"""The timeline of an execution: what ran when, and for how long."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from urllib.parse import quote

from pupline.asl import StateVisit, StateVisits
from pupline.console.drawing._markup import Markup, element, join
from pupline.console.drawing.timeline._rows import MOST_ROWS, AttemptFilter, Range, Row, rows_of
from pupline.console.drawing.timeline._scale import TimeScale
from pupline.console.drawing.timeline._svg import CHART, TimelineLook, fold_words, timeline_svg
from pupline.text import duration

__all__ = ["AttemptFilter", "Range", "Timeline", "draw_timeline"]


@dataclass(frozen=True, slots=True)
class Timeline:
    """A drawn timeline. svg and text: for a template, as they are.

    rows: that are shown. left_out: that are asked for and do not fit; a range shows them.
    """

    svg: Markup
    text: Markup
    rows: int
    left_out: int


def _link(visit: StateVisit) -> str:
    return f"?state={quote(visit.state, safe='', errors='replace')}&visit={visit.number}"


def draw_timeline(
    visits: StateVisits,
    now: float,
    shown: Range = Range(),  # noqa: B008 - frozen
    *,
    selected: int | None = None,
    link: Callable[[StateVisit], str] = _link,
    fold_link: Callable[[StateVisit], str] = _link,
) -> Timeline:
    """The timeline of an execution's visits.

    now: epoch seconds, where what still runs ends. selected: the number of the visit that is marked. link: the address
    of a visit. fold_link: of the iterations of a Map that are not shown. Retries are bars of their own with the waits
    between them, and gaps in which no Task runs are compressed.
    """
    found = rows_of(visits, shown)
    rows = list(islice(found, MOST_ROWS))
    left_out = sum(1 for _ in found)
    start, end = _span(visits, rows, now, shown)
    scale = TimeScale(start, end, CHART, _busy(visits, now))
    look = TimelineLook("Timeline of the execution", scale, now, link, fold_link, selected)
    return Timeline(timeline_svg(rows, look), _table(rows, look), len(rows), left_out)


def _span(visits: StateVisits, rows: Sequence[Row], now: float, shown: Range) -> tuple[float, float]:
    """The times at the ends of the axis."""
    ends = [now if row.visit.left is None else row.visit.left for row in rows if row.visit is not None]
    ends += [now if one.ended is None else one.ended for row in rows for one in row.folded]
    start = visits.started if visits.started is not None else now
    end = max(ends, default=visits.last_time or now)
    if shown.since is not None:
        start = max(start, shown.since)
    return start, end if shown.until is None else min(end, shown.until)


def _busy(visits: StateVisits, now: float) -> Iterator[tuple[float, float]]:
    """(start, end) of what works: attempts of Tasks, and Map Runs. Everything else waits, but is seen to be entered."""
    for visit in visits:
        works = visit.map_run is not None
        yield visit.entered, visit.entered if not works else now if visit.left is None else visit.left
        for attempt in visit.attempts if visit.kind == "Task" else ():
            yield attempt.scheduled, now if attempt.ended is None else attempt.ended


def _table(rows: Sequence[Row], look: TimelineLook) -> Markup:
    """The same as a table."""
    head = [
        element("th", {"scope": "col"}, name) for name in ("State", "Status", "After", "Took", "Attempts", "Errors")
    ]
    return element(
        "table",
        {"class": "figure-table"},
        element("caption", {"class": "visually-hidden"}, look.title),
        element("thead", {}, element("tr", {}, join(head))),
        element("tbody", {}, join(_table_row(row, look) for row in rows)),
    )


def _table_row(row: Row, look: TimelineLook) -> Markup:
    visit = row.visit
    if visit is None:
        link = element("a", {"href": look.fold_link(row.folded[0].visit)}, fold_words(row.folded))
        return element("tr", {}, element("th", {"scope": "row"}, link), element("td", {"colspan": "5"}, "-"))
    where = f" in {visit.parent.state} #{visit.index}" if visit.parent is not None else ""
    took = "-" if visit.seconds is None else duration(visit.seconds)
    cells = [
        visit.status,
        duration(visit.entered - look.scale.start),
        took,
        str(len(visit.attempts) or "-"),
        ", ".join(dict.fromkeys(visit.errors)) or "-",
    ]
    name = element("th", {"scope": "row"}, element("a", {"href": look.link(visit)}, visit.state), where or None)
    return element("tr", {}, name, join(element("td", {}, cell) for cell in cells))
