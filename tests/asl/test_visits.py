"""The visits that a history tells of: what tables, graphs and timelines show."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pupline.asl import (
    Execution,
    ExecutionRedriven,
    InvokeTask,
    MapCounts,
    StateMachine,
    StateVisit,
    StateVisits,
    TaskFailed,
    TaskSucceeded,
    Throw,
    execute,
)

CALL: dict[str, Any] = {
    "Type": "Task",
    "Resource": "arn:aws:states:::sqs:sendMessage",
    "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 2}],
    "End": True,
}
WAITS = {"StartAt": "Long", "States": {"Long": {"Type": "Wait", "Seconds": 60, "End": True}}}
FAILS = {
    "StartAt": "Short",
    "States": {"Short": {"Type": "Wait", "Seconds": 5, "Next": "Stop"}, "Stop": {"Type": "Fail", "Error": "Stopped"}},
}
RETRY = [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 3, "MaxAttempts": 1}]


def read(machine: dict[str, Any], given: Any = None, **states: Any) -> StateVisits:
    """The visits of an execution in memory."""
    result = execute(StateMachine.parse(machine), given, states=states, name="visited")
    return StateVisits(result.history, machine)


def shown(visits: StateVisits) -> list[str]:
    """`Both 5 failed > Call[1] 2 succeeded (Busy)` for each visit."""
    return [" ".join(words_of(visit)) for visit in visits]


def words_of(visit: StateVisit) -> Iterator[str]:
    """The words for one visit."""
    if visit.parent is not None:
        yield f"{visit.parent.state}[{visit.index}]>"
    yield visit.state
    yield "-" if visit.seconds is None else f"{visit.seconds:.0f}"
    yield visit.status
    if visit.attempts and visit.kind == "Task":
        yield f"{len(visit.attempts)}x"
    if visit.errors:
        yield f"({' '.join(visit.errors)})"


def test_attempts_and_their_errors() -> None:
    """An attempt is a call; its Retrier's wait is known, and the error of each that failed."""
    machine = {"StartAt": "Call", "States": {"Call": CALL}}
    visits = read(machine, Call=[Throw("Busy"), 1])
    assert shown(visits) == ["Call 2 succeeded 2x (Busy)"]
    first, second = visits.visits[0].attempts
    assert (first.status, first.error, first.wait) == ("failed", "Busy", None)
    assert (second.status, second.output, second.wait, second.resource) == ("succeeded", "1", 2, "sqs:sendMessage")
    failed = read(machine, Call=[Throw("Other", "why")])
    assert shown(failed) == ["Call 0 failed 1x (Other)"]
    assert failed.failure is not None
    assert (failed.failure.error, failed.failure.cause, failed.failure.visit) == ("Other", "why", failed.find(1))


@pytest.mark.parametrize(("error", "caught"), [("Stopped", True), ("Other", False)])
def test_branches(error: str, caught: bool) -> None:
    """A branch that fails stops the others; the Parallel is left by its Catcher, or fails with them."""
    both = {
        "Type": "Parallel",
        "Branches": [WAITS, FAILS],
        "Catch": [{"ErrorEquals": [error], "Next": "Done"}],
        "Next": "Done",
    }
    machine = {"StartAt": "Both", "States": {"Both": both, "Done": {"Type": "Succeed"}}}
    inside = ["Both[0]> Long 5 aborted", "Both[1]> Short 5 succeeded", "Both[1]> Stop 0 failed"]
    visits = read(machine)
    if caught:
        assert shown(visits) == ["Both 5 caught (Stopped)", *inside, "Done 0 succeeded"]
        assert visits.failure is None
    else:
        assert shown(visits) == ["Both 5 failed (Stopped)", *inside]
        assert visits.failure is not None
        assert visits.failure.visit is not None
        assert visits.failure.visit.path == [("Both", 1), ("Stop", None)]


def test_a_parallel_that_is_retried() -> None:
    """The attempts of a Parallel show its Retrier's wait; what ran in the first attempt ended with it."""
    both = {"Type": "Parallel", "Branches": [WAITS, FAILS], "Retry": RETRY, "End": True}
    visits = read({"StartAt": "Both", "States": {"Both": both}})
    inside = ["Both[0]> Long 5 aborted", "Both[1]> Short 5 succeeded", "Both[1]> Stop 0 failed"]
    assert shown(visits) == ["Both 13 failed (Stopped Stopped)", *inside, *inside]
    first, second = visits.visits[0].attempts
    assert (first.ended, second.wait) == (first.scheduled + 5, 3)
    assert [iteration.status for iteration in visits.visits[0].iterations.values()] == ["aborted", "failed"]


def test_iterations() -> None:
    """An iteration that fails its Map has failed, also where the Map handles it."""
    processor = {"StartAt": "Call", "States": {"Call": {**CALL, "Retry": []}}}
    each = {
        "Type": "Map",
        "MaxConcurrency": 1,
        "ItemProcessor": processor,
        "Catch": [{"ErrorEquals": ["Busy"], "Next": "Done"}],
        "End": True,
    }
    machine = {"StartAt": "Each", "States": {"Each": each, "Done": {"Type": "Succeed"}}}
    calls = ["Each[0]> Call 0 succeeded 1x", "Each[1]> Call 0 succeeded 1x"]
    assert shown(read(machine, [1, 2], Call=[1, 2])) == ["Each 0 succeeded", *calls]
    visits = read(machine, [1, 2, 3], Call=[1, Throw("Busy")])
    failed = ["Each[0]> Call 0 succeeded 1x", "Each[1]> Call 0 failed 1x (Busy)"]
    assert shown(visits) == ["Each 0 caught (Busy)", *failed, "Done 0 succeeded"]
    counts = visits.visits[0].counts
    assert counts is not None
    assert list(counts.shown()) == [("succeeded", 1), ("failed", 1), ("pending", 1)]


def test_nested_failures() -> None:
    """A failure inside a Map inside a Parallel is attributed to the innermost state, and to all around it."""
    each = {"Type": "Map", "ItemProcessor": {"StartAt": "Call", "States": {"Call": CALL}}, "End": True}
    branch = {"StartAt": "Each", "States": {"Each": each}}
    machine = {
        "StartAt": "Both",
        "States": {"Both": {"Type": "Parallel", "Branches": [WAITS, branch], "End": True}},
    }
    visits = read(machine, [1, 2], Call=[1, Throw("Bad", "why")])
    assert shown(visits) == [
        "Both 0 failed (Bad)",
        "Both[0]> Long 0 aborted",
        "Both[1]> Each 0 failed (Bad)",
        "Each[0]> Call 0 succeeded 1x",
        "Each[1]> Call 0 failed 1x (Bad)",
    ]
    failure = visits.failure
    assert failure is not None
    assert failure.visit is not None
    assert failure.visit.path == [("Both", 1), ("Each", 1), ("Call", None)]
    assert failure.attempt is failure.visit.attempts[-1]


def test_an_expression_that_fails() -> None:
    """EvaluationFailed names the state, and not the state before it, to which its event points."""
    states = {"Before": {"Type": "Pass", "Next": "Bad"}, "Bad": {"Type": "Pass", "Output": "{% $x.y %}", "End": True}}
    visits = read({"QueryLanguage": "JSONata", "StartAt": "Before", "States": states})
    assert shown(visits) == ["Before 0 succeeded", "Bad 0 failed"]
    assert visits.visits[1].error == "States.QueryEvaluationError"
    assert visits.failure is not None
    assert visits.failure.visit is visits.visits[1]


def test_variables() -> None:
    """A state reads what was assigned before it in its thread, and around it; not what its neighbours assign."""
    inner = {"StartAt": "In", "States": {"In": {"Type": "Pass", "Assign": {"b": 2}, "Next": "Last"}}}
    inner["States"]["Last"] = {"Type": "Pass", "End": True}  # type: ignore[index]
    machine = {
        "StartAt": "First",
        "States": {
            "First": {"Type": "Pass", "Assign": {"a": 1}, "Next": "Each"},
            "Each": {"Type": "Map", "ItemProcessor": inner, "Assign": {"c": 3}, "Next": "After"},
            "After": {"Type": "Pass", "End": True},
        },
    }
    visits = read(machine, [1, 2])
    seen = {f"{visit.state}{visit.index or ''}": visits.variables_at(visit) for visit in visits}
    assert seen["First"] == {}
    assert seen["Each"] == seen["In"] == {"a": "1"}
    assert seen["Last"] == seen["Last1"] == {"a": "1", "b": "2"}
    assert seen["After"] == {"a": "1", "c": "3"}


def test_every_beginning_of_a_history_can_be_read() -> None:
    """A running execution has no exits yet: what is open runs, with all that is around it."""
    each = {"Type": "Map", "MaxConcurrency": 1, "ItemProcessor": FAILS, "Retry": RETRY, "End": True}
    machine = {"StartAt": "Each", "States": {"Each": each}}
    history = execute(StateMachine.parse(machine), [1, 2], name="prefix").history
    for length in range(len(history)):
        visits = StateVisits(history[:length], machine)
        assert visits.failure is None
        for visit in visits:
            assert visit.parent is None or visit.status != "running" or visit.parent.status == "running"
    assert StateVisits(history, machine).failure is not None


_OF_EVENTS = (
    "PassStateEntered PassStateExited MapStateEntered MapStateStarted MapIterationStarted MapIterationFailed"
    " MapIterationAborted MapIterationSucceeded MapStateFailed MapStateExited ParallelStateEntered"
    " ParallelStateStarted ParallelStateFailed ParallelStateExited TaskStateEntered TaskScheduled TaskFailed"
    " TaskSucceeded TaskTimedOut TaskStateAborted TaskStateExited FailStateEntered EvaluationFailed"
    " MapRunStarted MapRunFailed MapRunRedriven ExecutionRedriven ExecutionFailed ExecutionAborted"
    " ExecutionTimedOut ExecutionSucceeded Unheard"
)
_EVENTS = st.lists(
    st.tuples(st.sampled_from(_OF_EVENTS.split(" ")), st.integers(0, 8), st.sampled_from("ABC"), st.integers(0, 3)),
    max_size=60,
)


@pytest.mark.slow
@given(_EVENTS)
@settings(max_examples=50, deadline=None)
def test_no_order_of_events_is_a_problem(rows: list[tuple[str, int, str, int]]) -> None:
    """Events that no engine would write in this order are read without an error, each visit once."""
    events = []
    for number, (kind, back, name, index) in enumerate(rows, 1):
        details = {"name": name, "index": index, "state": name, "length": 4, "error": "E", "mapRunArn": "arn"}
        key = "stateEnteredEventDetails" if kind.endswith("Entered") else "stateExitedEventDetails"
        events.append(
            {"id": number, "previousEventId": max(number - 1 - back, 0), "type": kind, "timestamp": float(number)}
            | {key: details}
        )
    visits = StateVisits(events)
    assert len(visits) == sum(kind.endswith("Entered") for kind, *_ in rows)
    for visit in visits:
        assert (visit.left is None) == (visit.status == "running")


def test_redrive() -> None:
    """A redrive continues the visits that it interrupted: they are not entered again, and get another attempt."""
    task = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:000000000000:function:f", "End": True}
    state = {"Type": "Map", "MaxConcurrency": 3, "ItemProcessor": {"StartAt": "T", "States": {"T": task}}, "End": True}
    machine = {"StartAt": "S", "States": {"S": state}}
    execution = Execution(StateMachine.parse(machine), ["a", "b", "c", "d"], name="e", now=0)
    first = {call.payload: call.id for call in tasks_of(execution)}
    execution.receive(TaskSucceeded(first["a"], "A"), now=1)
    execution.receive(TaskFailed(first["b"], "E"), now=2)
    stopped = StateVisits(execution.history, machine)
    assert [visit.status for visit in stopped] == ["failed", "succeeded", "failed", "aborted", "aborted"]
    execution.receive(ExecutionRedriven(), now=9)
    running = StateVisits(execution.history, machine)
    assert [visit.status for visit in running] == ["running", "succeeded", "running", "running", "running"]
    assert running.failure is None
    for call in tasks_of(execution):
        execution.receive(TaskSucceeded(call.id, call.payload.upper()), now=10)
    visits = StateVisits(execution.history, machine)
    assert [visit.status for visit in visits] == ["succeeded"] * 5
    assert [(attempt.status, attempt.redriven) for attempt in visits.visits[2].attempts] == [
        ("failed", False),
        ("succeeded", True),
    ]
    counts = visits.visits[0].counts
    assert counts is not None
    assert list(counts.shown()) == [("succeeded", 4)]


def tasks_of(execution: Execution) -> list[InvokeTask]:
    """The Tasks that are asked for now."""
    return [command for command in execution.commands() if isinstance(command, InvokeTask)]


def one_call(resource: str, **ends: str) -> StateVisits:
    """The visits of a history with one call. ends: the outputs by the type of their events."""
    service, _, action = resource.partition(":")
    events: list[dict[str, Any]] = [
        {"type": "TaskStateEntered", "stateEnteredEventDetails": {"name": "Call", "input": "{}"}},
        {"type": "TaskScheduled", "taskScheduledEventDetails": {"resourceType": service, "resource": action}},
        *({"type": kind, f"{kind}EventDetails": {"output": text}} for kind, text in ends.items()),
    ]
    return StateVisits(in_order(events))


def in_order(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Events, each following the one before it."""
    return [{**event, "id": n + 1, "previousEventId": n, "timestamp": 1.0} for n, event in enumerate(events)]


def test_log_lines() -> None:
    """The end of a function's log is in the answer that asked for it; what is no log is no lines."""
    text = base64.b64encode(b"START\nready\n").decode()
    visits = one_call("lambda:invoke", TaskSucceeded=json.dumps({"LogResult": text, "Payload": 1}))
    assert visits.visits[0].attempts[0].log_lines == ["START", "ready"]
    for output in ('{"LogResult": "?"}', '{"LogResult": 5}', '"LogResult"', '{"LogResult": '):
        assert one_call("lambda:invoke", TaskSucceeded=output).visits[0].attempts[0].log_lines == []


def test_nested_executions() -> None:
    """A Task that starts an execution knows it as soon as the call is answered."""
    arn = "arn:aws:states:us-east-1:000000000000:execution:Inner:one"
    started = json.dumps({"ExecutionArn": arn})
    assert one_call("states:startExecution", TaskSucceeded=started).visits[0].attempts[0].nested_execution == arn
    waiting = one_call("states:startExecution.sync:2", TaskSubmitted=started)
    assert waiting.visits[0].attempts[0].nested_execution == arn
    assert one_call("lambda:invoke", TaskSucceeded=started).visits[0].attempts[0].nested_execution is None


def test_counts_of_a_map_run() -> None:
    """A Distributed Map has the counts of its Map Run, where the backend knows them."""
    events: list[dict[str, Any]] = [
        {"type": "MapStateEntered", "stateEnteredEventDetails": {"name": "Each"}},
        {"type": "MapStateStarted", "mapStateStartedEventDetails": {"length": 5}},
        {"type": "MapRunStarted", "mapRunStartedEventDetails": {"mapRunArn": "arn:run"}},
    ]
    history = in_order(events)
    counts = {"total": 5, "pending": 1, "running": 2, "succeeded": 1, "failed": 0, "timedOut": 1, "aborted": 0}
    visits = StateVisits(history, {}, [{"mapRunArn": "arn:run", "itemCounts": counts}])
    assert visits.visits[0].counts == MapCounts(total=5, pending=1, running=2, succeeded=1, timed_out=1)
    assert StateVisits(history).visits[0].counts is None


def test_depth_is_bounded() -> None:
    """A history with thousands of Parallels inside one another, which no definition can have, is read as well."""
    inner: list[dict[str, Any]] = []
    for number in range(1000):
        inner.append({"type": "ParallelStateEntered", "stateEnteredEventDetails": {"name": f"P{number}"}})
        inner.append({"type": "ParallelStateStarted"})
    visits = StateVisits(in_order([*inner, {"type": "ExecutionFailed", "executionFailedEventDetails": {"error": "E"}}]))
    assert len(visits) == 1000
    assert {visit.left for visit in visits} == {1.0}
