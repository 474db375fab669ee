"""The figures as the page shows them: each row with its share, and a link to its list."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import islice
from typing import Any

from pupline.backends import Backend
from pupline.console.insights._filters import Chosen
from pupline.console.insights._store import Figures
from pupline.console.web import Parameter, with_parameters, without
from pupline.insights import Selection, report_of
from pupline.tasks.figure_rows import FigureRecord
from pupline.tasks.pages import RecordQuery
from pupline.text import timestamp

STACK_DAYS = 7
_STACK_RECORDS = 20_000
_STACK_SECONDS = 20.0
_STACK_RUNS = 50
_TOP = 12


@dataclass(frozen=True, slots=True)
class Row:
    """One figure. share: of the largest, 0 to 1, for its bar. href: its list. example: an image, and its href."""

    name: str
    count: int
    share: float
    href: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Ranking:
    """Figures of one kind, the largest first. total: of all. more: rows left out, with so many together."""

    rows: Sequence[Row]
    total: int
    more: int = 0
    more_count: int = 0


def count_figures(backend: Backend, selection: Selection) -> Figures:
    """The figures of few records, or on a stack of as many as a page may ask for; `covers` says which."""
    if backend.pages.has_offsets:
        return report_of(backend, selection).as_dict()
    cut = _Cut()
    figures = report_of(backend, selection, limit=_STACK_RUNS, look=cut).as_dict()
    return {**figures, "covers": cut.note}


def bounded(backend: Backend, selection: Selection) -> Selection:
    """The selection, on a stack of the last days unless another time, a run or a dataset is chosen."""
    if backend.pages.has_offsets or selection.since is not None or selection.run or selection.dataset:
        return selection
    day = 86_400
    return replace(selection, since=time.time() // day * day - (STACK_DAYS - 1) * day)


def records_of(backend: Backend, selection: Selection) -> int:
    """About how many records are selected: never fewer."""
    if not backend.pages.has_offsets:
        return 0
    query = RecordQuery(since=selection.since, until=selection.until)
    return backend.pages.count_records(query).number


class _Cut:
    """Passes on as many records as a page may wait for."""

    def __init__(self) -> None:
        self.note: str | None = None

    def __call__(self, records: Iterable[FigureRecord]) -> Iterator[FigureRecord]:
        deadline = time.monotonic() + _STACK_SECONDS
        count, last = 0, ""
        for record in islice(records, _STACK_RECORDS):
            yield record
            count, last = count + 1, record.upload_timestamp
            if time.monotonic() > deadline:
                break
        else:
            if count < _STACK_RECORDS:
                return
        self.note = (
            f"These figures cover the first {count:,} records of this time, until {last}. Choose a shorter time."
        )


class Links:
    """Paths to the lists of the records that are counted."""

    def __init__(self, chosen: Chosen) -> None:
        self._kept = list(chosen.kept)

    def audit(self, *more: Parameter) -> str:
        """The audit records with these values too."""
        return with_parameters("/audit", [*self._kept, *more])

    def gallery(self, *more: Parameter) -> str:
        """The images with these values too."""
        return with_parameters("/gallery", [*self._kept, *more])

    def alerts(self, *more: Parameter) -> str:
        """The alerts with these values too."""
        kept = [one for one in self._kept if one[0] != "dataset"]
        return with_parameters("/alerts", [*kept, *more])

    def span(self, point: str, *more: Parameter) -> str:
        """The records of one hour or day of the timeline, with these values too."""
        rest = without(without(self._kept, "since"), "until")
        if len(point) > 10:
            since, until = f"{point}:00:00Z", f"{point}:59:59.999Z"
        else:
            since, until = point, str(date.fromisoformat(point) + timedelta(days=1))
        return with_parameters("/audit", [*rest, ("since", since), ("until", until), *more])


def rankings(figures: Figures, links: Links) -> Mapping[str, Ranking]:
    """The figures that are counts by a value, each with links to its records."""
    accepted = (("outcome", "stored"), ("outcome", "duplicate"))
    return {
        "types": ranking(figures["file_types"], lambda value: links.audit(("type", value))),
        "outcomes": ranking(figures["outcomes"], lambda value: links.audit(("outcome", value))),
        "reasons": ranking(figures["reasons"], lambda value: links.audit(("reason", value))),
        "alert_reasons": ranking(figures["alerts_by_reason"], lambda value: links.alerts(("q", value))),
        "breeds": ranking(figures["breeds"], lambda value: links.gallery(("breed", value))),
        "sources": ranking(figures["sources"], lambda value: links.audit(("source", value))),
        "hosts": ranking(
            {name: host["images"] + host["failed"] for name, host in figures["hosts"].items()},
            lambda value: links.audit(("host", value)) if not value.startswith("(") else None,
        ),
        "fields": _of_fields(figures, links.audit(*accepted)),
        "sizes": Ranking(
            [
                Row(str(one["from_bytes"]), one["images"], _share(one["images"], _most(figures["sizes"])))
                for one in figures["sizes"]
            ],
            sum(one["images"] for one in figures["sizes"]),
        ),
    }


def ranking(counts: Mapping[str, int], href: Any, top: int = _TOP) -> Ranking:
    """The rows of counts by a value. href: the path of a value's list, or None."""
    rows = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    largest = rows[0][1] if rows else 0
    rest = rows[top:]
    return Ranking(
        [Row(name, count, _share(count, largest), href(name)) for name, count in rows[:top]],
        sum(counts.values()),
        len(rest),
        sum(count for _, count in rest),
    )


def _of_fields(figures: Figures, href: str) -> Ranking:
    """Of each field the share of accepted images that know it; the least known first."""
    accepted = figures["outcomes"].get("stored", 0) + figures["outcomes"].get("duplicate", 0)
    rows = [Row(name, count, _share(count, accepted), href) for name, count in figures["fields"].items()]
    return Ranking(sorted(rows, key=lambda row: row.count) if accepted else [], accepted)


def _most(sizes: Sequence[Mapping[str, int]]) -> int:
    return max((one["images"] for one in sizes), default=0)


def _share(count: int, largest: int) -> float:
    return count / largest if largest else 0.0


def span_of(selection: Selection) -> tuple[str | None, str | None]:
    """The times between which records are counted, RFC 3339."""
    since, until = selection.since, selection.until
    return None if since is None else timestamp(max(since, 0.0)), None if until is None else timestamp(max(until, 0.0))
