"""The timeline of an execution: every attempt where it was, waits short, large Maps folded."""

from itertools import pairwise
from random import Random
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pupline.asl import StateMachine, StateVisits, Throw, execute
from pupline.console.drawing import Range, Timeline, draw_timeline
from pupline.console.drawing.timeline._scale import GAP_WIDTH, TimeScale

SVG = "{http://www.w3.org/2000/svg}"
CALL: dict[str, Any] = {
    "Type": "Task",
    "Resource": "arn:aws:states:::sqs:sendMessage",
    "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 2}],
}


def read(machine: dict[str, Any], given: Any = None, **states: Any) -> StateVisits:
    """The visits of an execution in memory."""
    result = execute(StateMachine.parse(machine), given, states=states, name="e")
    return StateVisits(result.history, machine)


def rows(timeline: Timeline) -> list[str]:
    """What each row says to a screen reader."""
    root = ElementTree.fromstring(str(timeline.svg))  # noqa: S314 - our own text
    return [link.attrib["aria-label"] for link in root.iter(f"{SVG}a")]


def map_of(count: int, failing: int) -> StateVisits:
    """A Map, one iteration of which has an attempt that failed."""
    each = {
        "Type": "Map",
        "ItemProcessor": {"StartAt": "Call", "States": {"Call": {**CALL, "End": True}}},
        "MaxConcurrency": 1,
        "End": True,
    }
    answers: list[Any] = [*range(failing), Throw("Busy"), *range(count - failing)]
    return read({"StartAt": "Each", "States": {"Each": each}}, list(range(count)), Call=answers)


def test_attempts_and_their_waits() -> None:
    """Each attempt is a bar, and between them is the wait of the Retrier."""
    visits = read({"StartAt": "Call", "States": {"Call": {**CALL, "End": True}}}, Call=[Throw("Busy"), 1])
    timeline = draw_timeline(visits, 0)
    assert rows(timeline) == ["Call, Task, succeeded, after 0 ms, took 2.0 s, 2 attempts (1 failed: Busy)"]
    assert "Attempt 1: failed Busy, 0 ms" in str(timeline.svg)
    assert "2.0 s: the Retrier&#39;s wait" in str(timeline.svg)
    assert "<td>Busy</td>" in str(timeline.text)


def test_what_runs_has_an_open_end() -> None:
    """A running state ends now, and says so."""
    machine = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}}
    history = execute(StateMachine.parse(machine), None, name="e").history
    visits = StateVisits(history[:2], machine)
    assert visits.started is not None
    text = str(draw_timeline(visits, visits.started + 5).svg)
    assert "open-end" in text
    assert ">5.0 s…<" in text


def test_a_large_map_is_folded() -> None:
    """A few iterations have rows, the one that failed and those that run before others; the rest is one row."""
    timeline = draw_timeline(map_of(100, failing=60), 0)
    found = rows(timeline)
    assert len(found) == 8
    assert found[-1] == "94 more iterations of Each"
    retried = rows(draw_timeline(map_of(100, failing=60), 0, Range("retried")))
    assert [row.split(",")[0] for row in retried] == ["Each", "Call in Each #60"]


def test_a_range_shows_what_overlaps_it() -> None:
    """Only visits in the range have rows."""
    states = {f"S{n}": {"Type": "Wait", "Seconds": 10, "Next": f"S{n + 1}"} for n in range(5)}
    visits = read({"StartAt": "S0", "States": {**states, "S5": {"Type": "Succeed"}}})
    start = visits.started or 0
    shown = rows(draw_timeline(visits, 0, Range(since=start + 15, until=start + 25)))
    assert [row.split(",")[0] for row in shown] == ["S1", "S2"]


def test_gaps_are_compressed() -> None:
    """A day in which nothing runs takes as little room as an hour, and what runs keeps its proportions."""
    scale = TimeScale(0, 100_000, 600, [(0, 10), (50_000, 50_020), (99_990, 100_000)])
    gaps = [piece for piece in scale.pieces if piece.is_gap]
    assert [(gap.start, gap.end) for gap in gaps] == [(10, 50_000), (50_020, 99_990)]
    assert {round(gap.right - gap.left, 6) for gap in gaps} == {GAP_WIDTH}
    assert scale.x(50_020) - scale.x(50_000) == pytest.approx(2 * (scale.x(10) - scale.x(0)))
    assert scale.x(100_000) == pytest.approx(600)


def test_a_map_run_is_no_gap() -> None:
    """A Distributed Map works in other executions: its time is not compressed."""
    events: list[dict[str, Any]] = [
        {"type": "MapStateEntered", "stateEnteredEventDetails": {"name": "Each"}},
        {"type": "MapStateStarted", "mapStateStartedEventDetails": {"length": 2}},
        {"type": "MapRunStarted", "mapRunStartedEventDetails": {"mapRunArn": "arn"}},
        {"type": "MapRunSucceeded"},
        {"type": "MapStateExited", "stateExitedEventDetails": {"name": "Each"}},
        {"type": "TaskStateEntered", "stateEnteredEventDetails": {"name": "Call"}},
        {"type": "TaskScheduled", "taskScheduledEventDetails": {}},
        {"type": "TaskSucceeded", "taskSucceededEventDetails": {}},
    ]
    times = [0, 0, 0, 500, 500, 500, 500, 510]
    history: list[dict[str, Any]] = [
        {**event, "id": at + 1, "previousEventId": at, "timestamp": float(time)}
        for at, (event, time) in enumerate(zip(events, times, strict=True))
    ]
    text = str(draw_timeline(StateVisits(history), 510).svg)
    assert "gap-line" not in text


@given(st.integers(0, 2**32))
@settings(max_examples=50, deadline=None)
def test_the_axis_never_runs_backwards(seed: int) -> None:
    """For any times, a later time is not left of an earlier one, and ticks keep their distance."""
    random = Random(seed)
    start = random.choice([0.0, 1_800_000_000.0])
    end = start + random.choice([0.0, 0.001, 1.5, 3600.0, 10**8])
    busy = [(start + random.random() * (end - start), end * random.random()) for _ in range(random.randrange(6))]
    scale = TimeScale(start, end, 600, busy)
    places = [scale.x(start + part / 100 * (end - start)) for part in range(-10, 120)]
    assert places == sorted(places)
    assert places[0] >= 0
    assert places[-1] <= 600.001
    ticks = [x for x, _ in scale.ticks(70)]
    assert all(later - earlier >= 69.999 for earlier, later in pairwise(ticks))


def test_text_from_outside_is_escaped() -> None:
    """Names of states and errors are text."""
    name = "<b>\u202e&"
    visits = read({"StartAt": name, "States": {name: {"Type": "Fail", "Error": "<i>"}}})
    timeline = draw_timeline(visits, 0)
    for text in (str(timeline.svg), str(timeline.text)):
        assert "<b>" not in text
        assert "<i>" not in text
        assert "&lt;b&gt;\\u202e&amp;" in text
