"""Executions that start others, tokens that are sent back, and activities, in memory."""

import json
from typing import Any

import pytest

from pupline.asl import Later, NoAnswer, NothingAnswers, StateMachine, TaskError, Throw, execute
from pupline.asl.driver._api import Api
from pupline.errors import ConfigurationError

CHILD = "arn:aws:states:us-east-1:123456789012:stateMachine:Child"
START = "arn:aws:states:::states:startExecution"
SEND = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
ACTIVITY = "arn:aws:states:us-east-1:123456789012:activity:Review"


def parent(resource: str = START, more: Any = None, **parameters: Any) -> StateMachine:
    """A machine whose only state, Start, calls the API with these parameters."""
    state = {"Type": "Task", "Resource": resource, "Parameters": parameters, "End": True, **(more or {})}
    return StateMachine.parse({"StartAt": "Start", "States": {"Start": state}})


def child(*states: dict[str, Any], **top: Any) -> StateMachine:
    """A machine of these states, named A, B and so on."""
    names = [chr(65 + at) for at in range(len(states))]
    found: dict[str, Any] = {}
    for name, following, state in zip(names, [*names[1:], None], states, strict=True):
        ends = state["Type"] in ("Fail", "Succeed")
        found[name] = {**state, **({} if ends else {"Next": following} if following else {"End": True})}
    return StateMachine.parse({"StartAt": "A", "States": found}, **top)


DOUBLE = {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, $.n)"}}
SLOW = {"Type": "Wait", "Seconds": 3600}
FAILS = {"Type": "Fail", "Error": "Boom", "Cause": "no reason"}


def event(history: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    """The details of the first event of a type."""
    found = next(each for each in history if each["type"] == kind)
    details: dict[str, Any] = found[f"{kind[0].lower()}{kind[1:]}EventDetails"]
    return details


def test_sync_2_gives_the_childs_description_with_json() -> None:
    """The keys are AWS's, in alphabetical order; the parent waits as long as the child runs."""
    result = execute(
        parent(f"{START}.sync:2", StateMachineArn=CHILD, Input={"n.$": "$.n"}, Name="one"),
        {"n": 21},
        machines={CHILD: child(SLOW, DOUBLE)},
        start=0,
    )
    execution = "arn:aws:states:us-east-1:123456789012:execution:Child:one"
    assert list(result.output.items()) == [
        ("ExecutionArn", execution),
        ("Input", {"n": 21}),
        ("InputDetails", {"Included": True}),
        ("Name", "one"),
        ("Output", {"n": 42}),
        ("OutputDetails", {"Included": True}),
        ("RedriveCount", 0),
        ("RedriveStatus", "NOT_REDRIVABLE"),
        ("RedriveStatusReason", "Execution is SUCCEEDED and cannot be redriven"),
        ("StartDate", 0),
        ("StateMachineArn", CHILD),
        ("Status", "SUCCEEDED"),
        ("StopDate", 3_600_000),
    ]
    submitted = json.loads(event(result.history, "TaskSubmitted")["output"])
    assert list(submitted) == ["ExecutionArn", "SdkHttpMetadata", "SdkResponseMetadata", "StartDate"]
    assert (submitted["ExecutionArn"], submitted["StartDate"]) == (execution, 0)
    assert [(each.execution.name, each.output) for each in result.nested] == [("one", {"n": 42})]


def test_sync_gives_json_as_text() -> None:
    """As `.sync:2`, but Input and Output are text; a child without Input has `{}`."""
    result = execute(parent(f"{START}.sync", StateMachineArn=CHILD, Input=None), {}, machines={"Child": child(SLOW)})
    assert (result.output["Input"], result.output["Output"]) == ("{}", "{}")


@pytest.mark.parametrize("pattern", [".sync", ".sync:2"])
def test_a_child_that_fails_fails_the_task_with_its_description(pattern: str) -> None:
    """The error is States.TaskFailed whatever the child's own; Input is text in both patterns."""
    machines = {CHILD: child(FAILS)}
    result = execute(
        parent(f"{START}{pattern}", StateMachineArn=CHILD, Input={"k": 1}, Name="one"), {}, machines=machines, start=0
    )
    cause = (
        '{"Cause":"no reason","Error":"Boom",'
        '"ExecutionArn":"arn:aws:states:us-east-1:123456789012:execution:Child:one",'
        '"Input":"{\\"k\\":1}","InputDetails":{"Included":true},"Name":"one","RedriveCount":0,'
        '"RedriveStatus":"REDRIVABLE","StartDate":0,"StateMachineArn":"' + CHILD + '","Status":"FAILED","StopDate":0}'
    )
    assert (result.error, result.cause) == ("States.TaskFailed", cause)
    assert event(result.history, "TaskFailed")["cause"] == cause


def test_a_child_that_is_not_waited_for_still_runs() -> None:
    """The parent goes on at once; the child ends later, in its own time."""
    result = execute(parent(StateMachineArn=CHILD), {}, machines={CHILD: child(SLOW)}, start=0)
    assert result.execution.stop_time == 0
    assert [(each.status, each.execution.stop_time) for each in result.nested] == [("SUCCEEDED", 3600)]
    assert list(result.output) == ["ExecutionArn", "SdkHttpMetadata", "SdkResponseMetadata", "StartDate"]


def test_the_sdk_integration_has_dates_of_its_own() -> None:
    """Its response is the API's, with dates in ISO 8601 and nothing around it."""
    called = "arn:aws:states:::aws-sdk:sfn:startExecution"
    result = execute(parent(called, StateMachineArn=CHILD, Name="x"), {}, machines={CHILD: child(SLOW)}, start=0)
    arn = "arn:aws:states:us-east-1:123456789012:execution:Child:x"
    assert result.output == {"ExecutionArn": arn, "StartDate": "1970-01-01T00:00:00.000Z"}


def test_a_synchronous_express_child() -> None:
    """Its failure is not the task's: StartSyncExecution succeeds with the status. A Standard machine is refused."""
    called = "arn:aws:states:::aws-sdk:sfn:startSyncExecution"
    machines = {CHILD: child({"Type": "Wait", "Seconds": 1}, FAILS, type="EXPRESS"), "Standard": child(DOUBLE)}
    result = execute(parent(called, StateMachineArn=CHILD, Input={}), {}, machines=machines, start=0)
    assert (result.output["Status"], result.output["Error"], result.output["Input"]) == ("FAILED", "Boom", "{}")
    assert result.output["BillingDetails"] == {"BilledDurationInMilliseconds": 1000, "BilledMemoryUsedInMB": 64}
    assert result.output["StopDate"] == "1970-01-01T00:00:01.000Z"
    refused = execute(parent(called, StateMachineArn="Standard"), {}, machines=machines)
    assert refused.error == "Sfn.StateMachineTypeNotSupportedException"


@pytest.mark.parametrize(
    ("resource", "kind", "error", "cause"),
    [
        (
            START,
            "TaskFailed",
            "StepFunctions.StateMachineDoesNotExistException",
            "Error Code: StateMachineDoesNotExist",
        ),
        (f"{START}.sync:2", "TaskSubmitFailed", "StepFunctions.StateMachineDoesNotExistException", "Proxy: null)"),
        (
            "arn:aws:states:::aws-sdk:sfn:startExecution",
            "TaskFailed",
            "Sfn.StateMachineDoesNotExistException",
            "(Service: Sfn, Status Code: 400, Request ID:",
        ),
    ],
)
def test_an_unknown_machine_fails_the_task(resource: str, kind: str, error: str, cause: str) -> None:
    """The error's name and text are those of the integration."""
    unknown = f"{CHILD}Unknown"
    result = execute(parent(resource, StateMachineArn=unknown), {}, machines={CHILD: child(DOUBLE)})
    assert result.error == error
    assert str(result.cause).startswith(f"State Machine Does Not Exist: '{unknown}' (")
    assert cause in str(result.cause)
    assert event(result.history, kind)["error"] == error


@pytest.mark.parametrize(
    ("parameters", "error", "cause"),
    [
        ({"Name": "a b"}, "InvalidName", "Invalid Name: 'a b' ("),
        ({"Input": "not json"}, "InvalidExecutionInput", "Input: 'Unrecognized token 'not': was expecting (JSON"),
        ({"Input": "[NaN]"}, "InvalidExecutionInput", "a number that is not JSON"),
    ],
)
def test_a_request_that_the_api_refuses_fails_the_task(parameters: dict[str, str], error: str, cause: str) -> None:
    """In AWS's words, without any of Python's."""
    result = execute(parent(StateMachineArn=CHILD, **parameters), {}, machines={CHILD: child(DOUBLE)})
    assert (result.status, result.error) == ("FAILED", f"StepFunctions.{error}Exception")
    assert cause in str(result.cause)
    assert "Expecting value" not in str(result.cause)


def test_a_child_is_stopped_with_its_task() -> None:
    """A time-out of the parent's task, or the parent's end, aborts the child that it waits for."""
    sync = parent(f"{START}.sync", {"TimeoutSeconds": 10}, StateMachineArn=CHILD)
    result = execute(sync, {}, machines={CHILD: child(SLOW)}, start=0)
    assert (result.status, result.error, result.execution.stop_time) == ("FAILED", "States.Timeout", 10)
    assert [(each.status, each.execution.stop_time) for each in result.nested] == [("ABORTED", 10)]


def test_a_bug_is_not_an_answer_of_the_api(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Catch must not handle it."""

    def broken(*_given: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Api, "_start_execution", broken)
    with pytest.raises(ZeroDivisionError):
        execute(parent(StateMachineArn=CHILD), {}, machines={CHILD: child(SLOW)})


def test_a_name_is_used_once() -> None:
    """The same request to an execution that runs finds it; any other with its name fails."""
    start = {"Type": "Task", "Resource": START, "Parameters": {"StateMachineArn": CHILD, "Name": "n", "Input.$": "$"}}
    again = {**start, "Parameters": {"StateMachineArn": CHILD, "Name": "n", "Input": {"other": 1}}}
    keeps = {"ResultPath": None}
    twice = child({**start, **keeps}, {**start, **keeps}, {**again, **keeps})
    result = execute(twice, {}, machines={CHILD: child(SLOW)})
    assert result.error == "StepFunctions.ExecutionAlreadyExistsException"
    assert len(result.nested) == 1


@pytest.mark.slow
def test_machines_may_start_others_but_not_forever() -> None:
    """A grandchild runs; a machine that starts itself ends in an error that says so."""
    machines = {CHILD: parent(f"{START}.sync:2", StateMachineArn="Grandchild"), "Grandchild": child(SLOW)}
    result = execute(parent(f"{START}.sync:2", StateMachineArn=CHILD), {}, machines=machines)
    assert (result.status, len(result.nested)) == ("SUCCEEDED", 2)
    for resource in (START, f"{START}.sync"):
        own = parent(resource, **{"StateMachineArn.$": "$$.StateMachine.Id"})
        with pytest.raises(ConfigurationError, match="too many executions: more than 100 start one another"):
            execute(own, {}, machines={})


def test_what_nothing_answers_in_a_child_is_refused_too() -> None:
    """Before the start, and with the child's state; an answer by state reaches the children."""
    asks = child({"Type": "Task", "Resource": SEND, "Parameters": {"QueueUrl": "q", "MessageBody.$": "$$.Task.Token"}})
    sync = parent(f"{START}.sync:2", StateMachineArn=CHILD)
    with pytest.raises(NothingAnswers, match="'A': give it an answer as A or"):
        execute(sync, {}, machines={CHILD: asks})
    assert execute(sync, {}, machines={CHILD: asks}, states={"A": "sent back"}).output["Output"] == "sent back"


def test_without_machines_a_start_is_a_task_like_any_other() -> None:
    """It can be given an answer, by its state or its resource; with machines too."""
    starts = parent(StateMachineArn=CHILD)
    assert execute(starts, {}, states={"Start": {"ExecutionArn": "x"}}).output == {"ExecutionArn": "x"}
    assert execute(starts, {}, tasks={START: lambda _: 1}, machines={CHILD: child(SLOW)}).nested == ()
    with pytest.raises(KeyError):
        execute(starts, {})


# ---- tokens and activities


def sends(operation: str, **parameters: Any) -> dict[str, Any]:
    """A Task that sends back the token in its input."""
    arguments = {"TaskToken.$": "$.token", **parameters}
    return {"Type": "Task", "Resource": f"arn:aws:states:::aws-sdk:sfn:{operation}", "Parameters": arguments}


def test_a_child_sends_the_token_back() -> None:
    """`startExecution.waitForTaskToken` waits for the token and not for the child, whose end may come later."""
    waits = parent(f"{START}.waitForTaskToken", StateMachineArn=CHILD, Input={"token.$": "$$.Task.Token"})
    done = child(sends("sendTaskSuccess", Output={"approved": True}), SLOW)
    result = execute(waits, {}, machines={CHILD: done}, start=0)
    assert (result.output, result.execution.stop_time) == ({"approved": True}, 0)
    assert [each.execution.stop_time for each in result.nested] == [3600]
    refuses = child(sends("sendTaskFailure", Error="Rejected", Cause="too late"))
    result = execute(waits, {}, machines={CHILD: refuses})
    assert (result.error, result.cause) == ("Rejected", "too late")


def test_a_heartbeat_from_a_child_keeps_the_task_alive() -> None:
    """A heartbeat restarts the time-out; without one the task times out."""
    more = {"HeartbeatSeconds": 5000}
    waits = parent(f"{START}.waitForTaskToken", more, StateMachineArn=CHILD, Input={"token.$": "$$.Task.Token"})
    beats = {**sends("sendTaskHeartbeat"), "ResultPath": None}
    last = sends("sendTaskSuccess", Output={})
    assert execute(waits, {}, machines={CHILD: child(SLOW, beats, SLOW, last)}).status == "SUCCEEDED"
    late = execute(waits, {}, machines={CHILD: child(SLOW, SLOW, last)})
    assert (late.error, late.nested[0].error) == ("States.Timeout", "Sfn.TaskTimedOutException")


def test_an_unknown_token_fails_the_sender() -> None:
    """The error is the SDK integration's."""
    result = execute(child(sends("sendTaskSuccess", Output={})), {"token": "made up"}, machines={})
    assert result.error == "Sfn.InvalidTokenException"
    assert str(result.cause).startswith("Invalid Token: 'Invalid token' (Service: Sfn,")


def activity(**more: Any) -> StateMachine:
    """A machine with an activity."""
    return StateMachine.parse(
        {"StartAt": "A", "States": {"A": {"Type": "Task", "Resource": ACTIVITY, **more, "End": True}}}
    )


def test_an_activity_is_answered_by_a_callable() -> None:
    """It gets the input, and the token if it asks for it; the history is that of a worker's task."""
    result = execute(activity(), {"n": 1}, tasks={ACTIVITY: lambda event, task_token: [event, bool(task_token)]})
    assert result.output == [{"n": 1}, True]
    kinds = [each["type"] for each in result.history]
    assert kinds[1:-1] == [
        "TaskStateEntered",
        "ActivityScheduled",
        "ActivityStarted",
        "ActivitySucceeded",
        "TaskStateExited",
    ]
    assert event(result.history, "ActivityScheduled") == {
        "resource": ACTIVITY,
        "input": '{"n":1}',
        "inputDetails": {"truncated": False},
    }


def test_an_activity_fails_and_times_out() -> None:
    """A worker's failure is ActivityFailed; the time-outs count from ActivityStarted."""

    def refuse(_: Any) -> None:
        raise TaskError("Refused", "busy")

    result = execute(activity(), {}, states={"A": refuse})
    assert event(result.history, "ActivityFailed") == {"error": "Refused", "cause": "busy"}
    timed = activity(TimeoutSeconds=60, HeartbeatSeconds=20)
    result = execute(timed, {}, states={"A": Later(100, NoAnswer(), heartbeat_every=15)}, start=0)
    assert (result.error, result.execution.stop_time) == ("States.Timeout", 60)
    assert event(result.history, "ActivityTimedOut") == {"error": "States.Timeout"}
    assert event(result.history, "ActivityScheduled")["heartbeatInSeconds"] == 20
    caught = activity(Retry=[{"ErrorEquals": ["Busy"]}])
    assert execute(caught, {}, states={"A": [Throw("Busy"), "second"]}).output == "second"


# ---- questions about a result


def test_the_path_the_events_and_the_failing_state() -> None:
    """The path has all states in the order of their entries; a failure is found in the innermost state."""
    sent = {"QueueUrl": "q", "MessageBody": "m"}
    pay = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": sent, "End": True}
    both = [
        {"StartAt": "Rest", "States": {"Rest": {**SLOW, "End": True}}},
        {"StartAt": "Stop", "States": {"Stop": FAILS}},
    ]
    machine = StateMachine.parse(
        {
            "StartAt": "Begin",
            "States": {
                "Begin": {"Type": "Pass", "Next": "Each"},
                "Each": {"Type": "Map", "Iterator": {"StartAt": "Pay", "States": {"Pay": pay}}, "Next": "Both"},
                "Both": {"Type": "Parallel", "Branches": both, "End": True},
            },
        }
    )
    result = execute(machine, [1, 2], states={"Pay": 1})
    assert result.path == ["Begin", "Each", "Pay", "Pay", "Both", "Rest", "Stop"]
    assert result.failing_state == "Stop"
    assert [each["type"] for each in result.events_of("Both")] == [
        "ParallelStateEntered",
        "ParallelStateStarted",
        "ParallelStateFailed",
    ]
    kinds = [each["type"] for each in result.events_of("Each")]
    assert kinds[:2] + kinds[-2:] == ["MapStateEntered", "MapStateStarted", "MapStateSucceeded", "MapStateExited"]
    assert len(result.events_of("Pay")) == 2 * len(("Entered", "Scheduled", "Started", "Succeeded", "Exited"))
    failed = execute(machine, [1, 2], states={"Pay": [1, Throw("Refused")]})
    assert (failed.failing_state, failed.error) == ("Pay", "Refused")
    assert execute(child(DOUBLE), {"n": 1}).failing_state is None


def test_a_token_may_be_sent_back_by_another_than_the_tasks_answer() -> None:
    """What was still to come of the answer, heartbeats included, is then forgotten."""
    token = {"QueueUrl": "q", "MessageBody": {"token.$": "$$.Task.Token"}}
    waits = {"Type": "Task", "Resource": SEND, "Parameters": token, "HeartbeatSeconds": 50, "End": True}
    others = {
        "Rest": {"Type": "Wait", "Seconds": 30, "Next": "Ask"},
        "Ask": {"Type": "Task", "Resource": ACTIVITY, "Next": "Send"},
        "Send": {**sends("sendTaskSuccess", Output={"by": "other"}), "End": True},
    }
    branches = [{"StartAt": "Wait", "States": {"Wait": waits}}, {"StartAt": "Rest", "States": others}]
    both = {"Type": "Parallel", "Branches": branches, "End": True}
    machine = StateMachine.parse({"StartAt": "Both", "States": {"Both": both}})
    tokens: list[str] = []

    def keep(event: Any) -> Later:
        tokens.append(event["MessageBody"]["token"])
        return Later(200, "late", heartbeat_every=20)

    answers = {"Wait": keep, "Ask": lambda _: {"token": tokens[0]}}
    result = execute(machine, {}, states=answers, machines={}, start=0)
    assert (result.status, result.output[0], result.execution.stop_time) == ("SUCCEEDED", {"by": "other"}, 30)
