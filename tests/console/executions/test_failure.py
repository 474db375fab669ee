"""The failure first: the state, the attempt and the error of executions of every shape."""

from typing import Any

import pytest

from pupline.asl import Execution, ExecutionAborted, StateMachine, StateVisits, TaskError, execute
from pupline.console.executions._failure import Failure, failure_of, latest_failure
from pupline.tasks.ports import ExecutionDetails, ExecutionSummary

BROKEN: dict[str, Any] = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke",
    "Parameters": {"FunctionName": "Broken", "Payload.$": "$"},
    "Retry": [{"ErrorEquals": ["Boom"], "MaxAttempts": 2}],
    "End": True,
}
WORKS: dict[str, Any] = {**BROKEN, "Parameters": {"FunctionName": "Works", "Payload.$": "$"}}


def _machine(**states: Any) -> dict[str, Any]:
    return {"StartAt": next(iter(states)), "States": states}


def _failure(definition: dict[str, Any], given: Any = None) -> Failure | None:
    def broken(_payload: Any) -> Any:
        raise TaskError("Boom", '{"errorMessage": "it broke"}')

    machine = StateMachine.parse(definition)
    result = execute(machine, given or {}, tasks={"Broken": broken, "Works": lambda payload: payload})
    row = ExecutionSummary("e", result.status, None, 0.0, 1.0, result.error, result.cause)
    details = ExecutionDetails(row, definition, given or {}, result.output, result.history)
    return failure_of(details, StateVisits(result.history, definition), None)


def test_an_error_that_nothing_handles_has_its_state_attempt_and_plain_cause() -> None:
    """The last attempt is the one that counts."""
    found = _failure(_machine(Charge=BROKEN))
    assert found is not None
    assert (found.state, found.attempt, found.attempts) == ("Charge", 3, 3)
    assert (found.error, found.told, found.fail_state) == ("Boom", "it broke", None)


def test_a_success_has_no_failure() -> None:
    """There is nothing to put first."""
    assert _failure(_machine(Charge=WORKS)) is None


@pytest.mark.parametrize("error", ["Boom", "Renamed"])
def test_an_error_that_was_caught_on_the_way_to_a_fail_state_comes_first(error: str) -> None:
    """Whatever the Fail state calls it."""
    charge = {**BROKEN, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Note"}]}
    definition = _machine(
        Charge=charge, Note={"Type": "Pass", "Next": "GiveUp"}, GiveUp={"Type": "Fail", "Error": error}
    )
    found = _failure(definition)
    assert found is not None
    assert (found.state, found.attempt, found.error, found.fail_state) == ("Charge", 3, "Boom", "GiveUp")


def test_an_error_caught_long_before_another_fail_state_is_not_blamed() -> None:
    """A Task has succeeded since, and the Fail state says something else."""
    notify = {**BROKEN, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Store"}]}
    store = {**{key: value for key, value in WORKS.items() if key != "End"}, "Next": "GiveUp"}
    found = _failure(_machine(Notify=notify, Store=store, GiveUp={"Type": "Fail", "Error": "TooOld", "Cause": "why"}))
    assert found is not None
    assert (found.state, found.error, found.told, found.fail_state) == ("GiveUp", "TooOld", "why", None)


def test_the_recorded_failure_of_a_task_that_logs_before_it_fails_is_found() -> None:
    """Its error is the one the execution ended with, although a Task succeeded in between."""
    fetch = {**BROKEN, "Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Log"}]}
    log = {**{key: value for key, value in WORKS.items() if key != "End"}, "ResultPath": None, "Next": "GiveUp"}
    fail = {"Type": "Fail", "ErrorPath": "$.error.Error", "CausePath": "$.error.Cause"}
    found = _failure(_machine(Fetch=fetch, Log=log, GiveUp=fail), {"a": 1})
    assert found is not None
    assert (found.state, found.error, found.told, found.fail_state) == ("Fetch", "Boom", "it broke", "GiveUp")


def test_the_state_inside_a_map_is_named_with_its_item() -> None:
    """The Map around it only passes the error on."""
    each = {"Type": "Map", "ItemProcessor": _machine(Charge=BROKEN), "MaxConcurrency": 1, "End": True}
    found = _failure(_machine(Each=each), [1, 2])
    assert found is not None
    assert (found.state, found.item, found.attempt) == ("Charge", 0, 3)


def test_the_state_inside_a_parallel_whose_error_was_caught_is_named() -> None:
    """The Parallel caught it; what failed is inside."""
    both = {
        "Type": "Parallel",
        "Branches": [_machine(Charge=BROKEN)],
        "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "GiveUp"}],
        "End": True,
    }
    found = _failure(_machine(Both=both, GiveUp={"Type": "Fail", "Error": "Boom"}))
    assert found is not None
    assert (found.state, found.attempt, found.fail_state) == ("Charge", 3, "GiveUp")


def test_a_choice_without_a_match_fails_without_attempts() -> None:
    """Only Tasks have attempts."""
    found = _failure(_machine(Pick={"Type": "Choice", "Choices": [{"Variable": "$.x", "IsNull": True, "Next": "Ok"}]},
                              Ok={"Type": "Succeed"}))  # fmt: skip
    assert found is not None
    assert (found.state, found.attempt, found.error) == ("Pick", None, "States.Runtime")


def test_a_timed_out_execution_names_the_state_it_was_in() -> None:
    """And what to do."""
    found = _failure({"TimeoutSeconds": 5, **_machine(Wait={"Type": "Wait", "Seconds": 9, "End": True})})
    assert found is not None
    assert (found.status, found.state) == ("TIMED_OUT", "Wait")
    assert "TimeoutSeconds" in found.advice.meaning


def test_a_running_execution_shows_the_failure_that_it_retries() -> None:
    """The history so far ends after the first failed attempt."""

    def broken(_payload: Any) -> Any:
        raise TaskError("Boom", "it broke")

    definition = _machine(Charge=BROKEN)
    history = execute(StateMachine.parse(definition), {}, tasks={"Broken": broken}).history
    first = next(at for at, event in enumerate(history, 1) if event["type"] == "TaskFailed")
    found = latest_failure(StateVisits(history[:first], definition))
    assert found is not None
    assert (found.status, found.state, found.attempt, found.error) == ("RUNNING", "Charge", 1, "Boom")


def test_a_stopped_execution_names_the_state_that_was_interrupted() -> None:
    """No event of the history says that it failed."""
    machine = StateMachine.parse(_machine(Rest={"Type": "Wait", "Seconds": 9, "End": True}))
    execution = Execution(machine, {}, name="e", now=0.0)
    execution.commands()
    execution.receive(ExecutionAborted("Mine", "enough"), now=1.0)
    row = ExecutionSummary("e", "ABORTED", None, 0.0, 1.0, "Mine", "enough")
    details = ExecutionDetails(row, machine.definition, {}, None, execution.history)
    found = failure_of(details, StateVisits(execution.history, machine.definition), None)
    assert found is not None
    assert (found.state, found.error, found.told) == ("Rest", "Mine", "enough")
