"""A timeline as SVG."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from pupline.asl import Attempt, Iteration, StateVisit, VisitStatus
from pupline.console.drawing._markup import Markup, element, join, number, shortened
from pupline.console.drawing._signs import STATUS_CLASSES, status_sign
from pupline.console.drawing.timeline._rows import Row
from pupline.console.drawing.timeline._scale import TimeScale
from pupline.text import duration

LABELS, CHART, END = 250.0, 640.0, 76.0
_ROW, _AXIS = 26.0, 40.0
_TICKS = 78.0
_INDENT, _DEEPEST = 12.0, 6
_NAME_COLUMNS = 30
_LEAST_BAR = 2.5


@dataclass(frozen=True)
class TimelineLook:
    """How a timeline is drawn. now: where a running part ends. selected: the number of the visit that is marked."""

    title: str
    scale: TimeScale
    now: float
    link: Callable[[StateVisit], str]
    fold_link: Callable[[StateVisit], str]
    selected: int | None


def timeline_svg(rows: Sequence[Row], look: TimelineLook) -> Markup:
    """The drawing: a row for each visit, which is a link."""
    height = _AXIS + _ROW * len(rows) + 8
    width = LABELS + CHART + END
    return element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "class": "timeline",
            "role": "group",
            "aria-label": look.title,
            "viewBox": f"0 0 {number(width)} {number(height)}",
            "width": number(width),
            "height": number(height),
        },
        element("g", {"class": "axis", "aria-hidden": "true"}, join(_axis(look.scale, height))),
        join(_row(row, _AXIS + _ROW * at, look) for at, row in enumerate(rows)),
    )


def _axis(scale: TimeScale, height: float) -> Iterator[Markup]:
    for tick, seconds in scale.ticks(_TICKS):
        x = LABELS + tick
        yield element("path", {"d": f"M{number(x)} {number(_AXIS - 22)}V{number(height)}", "class": "tick"})
        text = f"+{duration(seconds).replace('.0 s', ' s')}" if seconds else "0"
        yield element("text", {"x": x, "y": 12, "text-anchor": "middle", "class": "tick-text"}, text)
    for piece in scale.pieces:
        if piece.is_gap:
            left, right = LABELS + piece.left, LABELS + piece.right
            frame = {"x": left, "y": _AXIS - 6, "width": right - left, "height": height - _AXIS + 6}
            words = f"{duration(piece.end - piece.start)} in which no Task ran"
            yield element("rect", {**frame, "class": "gap"}, element("title", {}, words))
            yield element("path", {"d": _zigzag((left + right) / 2, _AXIS - 6, height), "class": "gap-line"})
            place = {"x": (left + right) / 2, "y": _AXIS - 11}
            yield element(
                "text", {**place, "text-anchor": "middle", "class": "gap-text"}, duration(piece.end - piece.start)
            )


def _zigzag(x: float, top: float, bottom: float) -> str:
    steps = max(int((bottom - top) / 8), 1)
    return f"M{number(x)} {number(top)}" + "l3 4l-3 4" * steps


def _row(row: Row, y: float, look: TimelineLook) -> Markup:
    if row.visit is None:
        return _fold(row, y, look)
    visit, depth = row.visit, min(row.depth, _DEEPEST)
    words = describe(visit, look.scale.start)
    classes = f"line {STATUS_CLASSES[visit.status]}{' is-selected' if visit.number == look.selected else ''}"
    attributes = {
        "href": look.link(visit),
        "class": classes,
        "aria-label": words,
        "aria-current": "true" if visit.number == look.selected else None,
    }
    middle = y + _ROW / 2
    end = visit.left if visit.left is not None else look.now
    took = duration(end - visit.entered) + ("…" if visit.left is None else "")
    return element(
        "a",
        attributes,
        element("title", {}, words),
        element("rect", {"x": 0, "y": y, "width": LABELS + CHART + END, "height": _ROW, "class": "line-frame"}),
        status_sign(visit.status, 14 + depth * _INDENT, middle),
        element("g", {"class": "time-bars"}, join(_bars(visit, middle, look))),
        _name(visit, depth, middle),
        element("text", {"x": LABELS + CHART + 14, "y": middle + 4, "class": "took"}, took),
    )


def _name(visit: StateVisit, depth: int, middle: float) -> Markup:
    columns = _NAME_COLUMNS - depth * 2
    index = f" #{visit.index}" if visit.index is not None else ""
    text = shortened(visit.state, max(columns - len(index), 6)) + index
    return element("text", {"x": 28 + depth * _INDENT, "y": middle + 4, "class": "line-name"}, text)


# ---- bars


def _bar(
    look: TimelineLook, times: tuple[float, float], middle: float, height: float, classes: str, words: str
) -> Markup:
    left, right = (look.scale.x(time) for time in times)
    width = max(right - left, _LEAST_BAR)
    left = min(left, CHART - width)
    frame = {"x": LABELS + left, "y": middle - height / 2, "width": width, "height": height, "rx": min(height / 2, 3)}
    return element("rect", {**frame, "class": f"time-bar {classes}"}, element("title", {}, words))


def _bars(visit: StateVisit, middle: float, look: TimelineLook) -> Iterator[Markup]:
    end = visit.left if visit.left is not None else look.now
    if visit.kind == "Task" and visit.attempts:
        yield from _attempts(visit.attempts, middle, look)
    elif visit.kind in ("Map", "Parallel"):
        classes = f"is-around {STATUS_CLASSES[visit.status]}"
        yield _bar(look, (visit.entered, end), middle, 6, classes, duration(end - visit.entered))
    else:
        classes = f"is-passing {STATUS_CLASSES[visit.status]}"
        yield _bar(look, (visit.entered, end), middle, 10, classes, f"{visit.kind}, {duration(end - visit.entered)}")
    if visit.left is None:
        x = LABELS + look.scale.x(look.now)
        path = f"M{number(x + 2)} {number(middle - 5)}l5 5l-5 5"
        yield element("path", {"d": path, "class": "open-end is-running"})


def _attempts(attempts: Sequence[Attempt], middle: float, look: TimelineLook) -> Iterator[Markup]:
    before: Attempt | None = None
    for at, attempt in enumerate(attempts, 1):
        if before is not None and before.ended is not None:
            start, end = LABELS + look.scale.x(before.ended), LABELS + look.scale.x(attempt.scheduled)
            line = {"d": f"M{number(start)} {number(middle)}H{number(end)}", "class": "wait-line"}
            kind = "redriven" if attempt.redriven else "the Retrier's wait"
            words = f"{duration(attempt.scheduled - before.ended)}: {kind}"
            yield element("path", line, element("title", {}, words))
        ended = attempt.ended if attempt.ended is not None else look.now
        error = f" {attempt.error}" if attempt.error else ""
        words = f"Attempt {at}: {attempt.status}{error}, {duration(ended - attempt.scheduled)}"
        classes = STATUS_CLASSES[attempt.status]
        yield _bar(look, (attempt.scheduled, ended), middle, 14, classes, words)
        if attempt.status in ("failed", "timed out"):
            x = LABELS + look.scale.x(ended)
            yield element(
                "path", {"d": f"M{number(x - 2)} {number(middle - 7)}h4v14h-4", "class": "failed-end is-failed"}
            )
        before = attempt


def _fold(row: Row, y: float, look: TimelineLook) -> Markup:
    """The iterations that have no rows of their own, as one bar for each status."""
    visit = row.folded[0].visit
    words = f"{fold_words(row.folded)} of {visit.state}"
    middle = y + _ROW / 2
    bars: list[Markup] = []
    for status in _statuses(row.folded):
        found = [one for one in row.folded if one.status == status]
        start = min(one.started for one in found)
        end = max(one.ended if one.ended is not None else look.now for one in found)
        classes = f"is-around {STATUS_CLASSES[status]}"
        bars.append(_bar(look, (start, end), middle, 6, classes, f"{len(found):,} {status}"))
    return element(
        "a",
        {"href": look.fold_link(visit), "class": "line is-fold", "aria-label": words},
        element("title", {}, words),
        element("rect", {"x": 0, "y": y, "width": LABELS + CHART + END, "height": _ROW, "class": "line-frame"}),
        element(
            "text",
            {"x": 28 + min(row.depth, _DEEPEST) * _INDENT, "y": middle + 4, "class": "fold-name"},
            fold_words(row.folded),
        ),
        element("g", {"class": "time-bars"}, join(bars)),
    )


# ---- words


def _statuses(iterations: Sequence[Iteration]) -> list[VisitStatus]:
    return list(dict.fromkeys(one.status for one in iterations))


def fold_words(iterations: Sequence[Iteration]) -> str:
    """`9,990 more iterations`, with those that did not succeed."""
    bad = sum(one.status in ("failed", "timed out") for one in iterations)
    more = f"{len(iterations):,} more iteration{'' if len(iterations) == 1 else 's'}"
    return more + (f", {bad:,} failed" if bad else "")


def describe(visit: StateVisit, start: float) -> str:
    """A visit in words: `Fetch, Task, succeeded, after 1.2 s, took 3 s, 2 attempts (1 failed: Busy)`."""
    where = f" in {visit.parent.state} #{visit.index}" if visit.parent is not None else ""
    parts = [
        f"{visit.state}{where}",
        visit.kind,
        visit.status,
        f"after {duration(visit.entered - start)}",
    ]
    if visit.seconds is not None:
        parts.append(f"took {duration(visit.seconds)}")
    if len(visit.attempts) > 1 or visit.errors:
        errors = ", ".join(dict.fromkeys(visit.errors))
        failed = f" ({len(visit.errors)} failed: {errors})" if visit.errors else ""
        parts.append(f"{len(visit.attempts)} attempt{'' if len(visit.attempts) == 1 else 's'}{failed}")
    return ", ".join(parts)
