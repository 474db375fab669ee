"""Redrive: unsuccessful states run again in the same history; results are kept."""

from typing import Any

import pytest

from pupline.asl import (
    Execution,
    ExecutionAborted,
    ExecutionRedriven,
    InvokeTask,
    ProtocolError,
    StartTimer,
    StateMachine,
    TaskFailed,
    TaskSucceeded,
    TimerFired,
)

NOW = 1_800_000_000.0
TASK = {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:000000000000:function:f", "End": True}


def begin(state: dict[str, Any], given: Any = None, **top: Any) -> Execution:
    """A running execution of a machine with one state, S."""
    machine = StateMachine.parse({"StartAt": "S", "States": {"S": state}, **top})
    return Execution(machine, {} if given is None else given, name="e", now=NOW)


def tasks(execution: Execution) -> list[InvokeTask]:
    """The tasks that are asked for now."""
    return [command for command in execution.commands() if isinstance(command, InvokeTask)]


def kinds(execution: Execution) -> list[str]:
    """The types of all events."""
    return [event["type"] for event in execution.history]


def test_a_failed_task_is_scheduled_again_without_another_entered_event() -> None:
    """The attempt has its own id, its Retriers start from zero, and later states read RedriveCount."""
    state = {
        **TASK,
        "Retry": [{"ErrorEquals": ["E"], "MaxAttempts": 1}],
        "ResultSelector": {"n.$": "$$.Execution.RedriveCount"},
    }
    execution = begin(state)
    execution.receive(TaskFailed("S@1#0", "E"), now=NOW)
    execution.receive(TimerFired("S@1#0/retry"), now=NOW + 1)
    execution.receive(TaskFailed("S@1#1", "E"), now=NOW + 1)
    execution.receive(ExecutionRedriven(), now=NOW + 100)
    assert (execution.status, execution.error, execution.stop_time) == ("RUNNING", None, None)
    execution.receive(TaskFailed("S@1#2", "E"), now=NOW + 100)
    assert not kinds(execution)[-1].startswith("Execution")
    execution.receive(TimerFired("S@1#2/retry"), now=NOW + 101)
    execution.receive(TaskSucceeded("S@1#3", {}), now=NOW + 101)
    assert execution.output == {"n": 1}
    assert kinds(execution).count("TaskStateEntered") == 1
    end = kinds(execution).index("ExecutionFailed")
    assert kinds(execution)[end : end + 3] == ["ExecutionFailed", "ExecutionRedriven", "LambdaFunctionScheduled"]
    assert execution.history[end + 1]["executionRedrivenEventDetails"] == {"redriveCount": 1}


def test_only_the_iterations_that_did_not_succeed_run_again() -> None:
    """Of an inline Map: the failed one, the stopped one and the one that was never started."""
    processor = {"StartAt": "T", "States": {"T": TASK}}
    execution = begin(
        {"Type": "Map", "MaxConcurrency": 3, "ItemProcessor": processor, "End": True}, ["a", "b", "c", "d"]
    )
    first = {task.payload: task.id for task in tasks(execution)}
    execution.receive(TaskSucceeded(first["a"], "A"), now=NOW)
    execution.commands()
    execution.receive(TaskFailed(first["b"], "E"), now=NOW)
    assert execution.status == "FAILED"
    execution.receive(ExecutionRedriven(), now=NOW + 9)
    again = tasks(execution)
    assert [task.payload for task in again] == ["b", "c", "d"]
    for task in again:
        execution.receive(TaskSucceeded(task.id, task.payload.upper()), now=NOW + 9)
    assert execution.output == ["A", "B", "C", "D"]


def test_a_map_run_continues_with_its_counts() -> None:
    """Of a Distributed Map: the children that failed run again in the same Map Run."""
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    processor = {"ProcessorConfig": config, "StartAt": "T", "States": {"T": TASK}}
    execution = begin({"Type": "Map", "ItemProcessor": processor, "End": True}, ["a", "b", "c"])
    first = {task.payload: task.id for task in tasks(execution)}
    execution.receive(TaskSucceeded(first["a"], "A"), now=NOW)
    execution.receive(TaskFailed(first["b"], "E"), now=NOW)
    assert execution.error == "States.ExceedToleratedFailureThreshold"
    counts = execution.map_runs[0].describe()["itemCounts"]
    assert (counts["succeeded"], counts["failed"], counts["aborted"]) == (1, 1, 1)
    execution.receive(ExecutionRedriven(), now=NOW + 9)
    again = tasks(execution)
    assert sorted(task.payload for task in again) == ["b", "c"]
    for task in again:
        execution.receive(TaskSucceeded(task.id, task.payload.upper()), now=NOW + 9)
    assert execution.output == ["A", "B", "C"]
    (run,) = execution.map_runs
    assert (run.status, run.redrive_count) == ("SUCCEEDED", 1)
    counts = run.describe()["itemCounts"]
    assert (counts["total"], counts["succeeded"], counts["failed"], counts["aborted"]) == (3, 3, 0, 0)
    assert "MapRunRedriven" in kinds(execution)


@pytest.mark.parametrize(("kind", "asked"), [("EXPRESS", ["First", "First"]), ("STANDARD", ["Second", "First"])])
def test_express_children_start_from_their_first_state(kind: str, asked: list[str]) -> None:
    """From their first state, with a StartTime of their own; Standard ones go on where they failed."""
    states = {
        "First": {**TASK, "Parameters": {"at": "First", "started.$": "$$.Execution.StartTime"}, "Next": "Second"},
        "Second": {**TASK, "Parameters": {"at": "Second", "started.$": "$$.Execution.StartTime"}},
    }
    del states["First"]["End"]
    config = {"Mode": "DISTRIBUTED", "ExecutionType": kind}
    processor = {"ProcessorConfig": config, "StartAt": "First", "States": states}
    execution = begin({"Type": "Map", "ItemProcessor": processor, "End": True}, ["a", "b"])
    first, _ = tasks(execution)
    execution.receive(TaskSucceeded(first.id, {}), now=NOW)
    execution.receive(TaskFailed(tasks(execution)[0].id, "E"), now=NOW + 1)
    assert execution.error == "States.ExceedToleratedFailureThreshold"
    execution.receive(ExecutionRedriven(), now=NOW + 60)
    again = tasks(execution)
    assert [task.payload["at"] for task in again] == asked
    started = {task.payload["started"] for task in again}
    assert started == {"2027-01-15T08:01:00.000Z" if kind == "EXPRESS" else "2027-01-15T08:00:00.000Z"}
    while waiting := [*again, *tasks(execution)]:
        again = []
        for task in waiting:
            execution.receive(TaskSucceeded(task.id, {}), now=NOW + 61)
    assert execution.status == "SUCCEEDED"
    counts = execution.map_runs[0].describe()["executionCounts"]
    assert (counts["total"], counts["succeeded"], counts["failed"], counts["aborted"]) == (2, 2, 0, 0)


@pytest.mark.parametrize("how", ["ABORTED", "TIMED_OUT"])
def test_stopped_and_timed_out_executions_are_redriven_too(how: str) -> None:
    """The branch that had ended is kept; the machine's own time-out is restarted."""
    branches = [{"StartAt": name, "States": {name: TASK}} for name in ("L", "R")]
    execution = begin({"Type": "Parallel", "Branches": branches, "End": True}, TimeoutSeconds=60)
    left, _ = tasks(execution)
    execution.receive(TaskSucceeded(left.id, "left"), now=NOW + 1)
    execution.receive(ExecutionAborted() if how == "ABORTED" else TimerFired("timeout"), now=NOW + 60)
    assert execution.status == how
    execution.commands()
    execution.receive(ExecutionRedriven(), now=NOW + 100)
    timer, task = execution.commands()
    assert timer == StartTimer("timeout#1", NOW + 160, "execution")
    assert isinstance(task, InvokeTask)
    assert task.state == "R"
    execution.receive(TaskSucceeded(task.id, "right"), now=NOW + 101)
    assert (execution.status, execution.output) == ("SUCCEEDED", ["left", "right"])


def test_only_unsuccessful_executions_can_be_redriven() -> None:
    """A running or a succeeded execution is refused."""
    execution = begin(TASK)
    with pytest.raises(ProtocolError, match="is RUNNING"):
        execution.receive(ExecutionRedriven(), now=NOW)
    execution.receive(TaskSucceeded("S@1#0", 1), now=NOW)
    with pytest.raises(ProtocolError, match="is SUCCEEDED"):
        execution.receive(ExecutionRedriven(), now=NOW)
