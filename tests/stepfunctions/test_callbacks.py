"""Answers from outside: task tokens, workers of activities, nested executions."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pupline.local import LocalBackend
from pupline.stepfunctions import ApiServer, ApiSettings, serving
from tests.stepfunctions import api_functions
from tests.stepfunctions.api_client import create, described_when, ended, event_types, start
from tests.stepfunctions.test_executions import PLACE, error_of

PASS = {"Type": "Pass", "Result": {"of": "child"}, "End": True}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """One server, with a function that keeps its tokens."""
    settings = ApiSettings(functions={"Keep": f"{PLACE}:keep_token"})
    data: Path = tmp_path_factory.mktemp("api")
    with LocalBackend.open(data, exclusive=True) as backend, serving(backend, ("127.0.0.1", 0), settings) as opened:
        yield opened


def waiting(client: Any, name: str, **fields: Any) -> tuple[str, str]:
    """(execution, token) of a machine that waits for its token."""
    arguments = {"FunctionName": "Keep", "Payload": {"token.$": "$$.Task.Token"}}
    resource = "arn:aws:states:::lambda:invoke.waitForTaskToken"
    state = {"Type": "Task", "Resource": resource, "Parameters": arguments, "End": True, **fields}
    before = len(api_functions.TOKENS)
    arn = start(client, create(client, name, T=state))
    described_when(client, arn, lambda _found: len(api_functions.TOKENS) > before)
    return arn, api_functions.TOKENS[before]


def test_a_token_ends_its_task(client: Any) -> None:
    """With the output; a second answer is too late."""
    arn, token = waiting(client, "token")
    client.send_task_heartbeat(taskToken=token)
    client.send_task_success(taskToken=token, output='{"done": true}')
    assert json.loads(ended(client, arn)["output"]) == {"done": True}
    types = event_types(client, arn)
    assert types[2:6] == ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]
    late = error_of(lambda: client.send_task_success(taskToken=token, output="1"))
    assert late == ("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'")


def test_a_token_fails_its_task(client: Any) -> None:
    """With error and cause."""
    arn, token = waiting(client, "token-failing")
    client.send_task_failure(taskToken=token, error="Mine", cause="because")
    found = ended(client, arn)
    assert (found["status"], found["error"], found["cause"]) == ("FAILED", "Mine", "because")


def test_what_is_not_an_answer(client: Any) -> None:
    """Output that is not JSON, and tokens that are none."""
    _, token = waiting(client, "token-odd")
    assert error_of(lambda: client.send_task_success(taskToken=token, output="{"))[0] == "InvalidOutput"
    assert error_of(lambda: client.send_task_success(taskToken="no token", output="1"))[0] == "InvalidToken"
    unknown = "MTIzOnI6TTpub25lClRAMSMw"  # 123:r:M:none, T@1#0
    assert error_of(lambda: client.send_task_heartbeat(taskToken=unknown))[0] == "TaskDoesNotExist"


@pytest.mark.slow  # a second is the shortest heartbeat
def test_a_missed_heartbeat_times_out(client: Any) -> None:
    """As a Task of AWS."""
    arn, _ = waiting(client, "heartbeat", HeartbeatSeconds=1)
    assert ended(client, arn)["error"] == "States.Timeout"


def test_a_worker_takes_the_task_of_an_activity(client: Any) -> None:
    """It polls, gets token and input, and answers; the history has its name."""
    activity = client.create_activity(name="review")["activityArn"]
    got: list[Any] = []

    def work() -> None:
        task = client.get_activity_task(activityArn=activity, workerName="w1")
        got.append(json.loads(task["input"]))
        client.send_task_success(taskToken=task["taskToken"], output='"reviewed"')

    worker = threading.Thread(target=work)
    worker.start()
    machine = create(client, "activity", A={"Type": "Task", "Resource": activity, "End": True})
    arn = start(client, machine, {"page": 7})
    found = ended(client, arn)
    worker.join(5)
    assert (found["output"], got) == ('"reviewed"', [{"page": 7}])
    events = {event["type"]: event for event in client.get_execution_history(executionArn=arn)["events"]}
    assert events["ActivityScheduled"]["activityScheduledEventDetails"]["resource"] == activity
    assert events["ActivityStarted"]["activityStartedEventDetails"] == {"workerName": "w1"}


def test_an_unknown_activity(client: Any) -> None:
    """A worker is told so, and the Task fails."""
    missing = "arn:aws:states:eu-west-1:123456789012:activity:none"
    poll = error_of(lambda: client.get_activity_task(activityArn=missing))
    assert poll == ("ActivityDoesNotExist", f"Activity Does Not Exist: '{missing}'")
    found = ended(
        client, start(client, create(client, "no-activity", A={"Type": "Task", "Resource": missing, "End": True}))
    )
    assert (found["error"], missing in found["cause"]) == ("States.Runtime", True)


@pytest.mark.parametrize(("pattern", "output"), [(".sync", '{"of":"child"}'), (".sync:2", {"of": "child"})])
def test_a_nested_execution_is_waited_for(client: Any, pattern: str, output: Any) -> None:
    """Its output is JSON text with `.sync`, and JSON with `.sync:2`."""
    name = f"nested{len(pattern)}"
    child = create(client, f"{name}-child", P=PASS)
    state = {
        "Type": "Task",
        "Resource": f"arn:aws:states:::states:startExecution{pattern}",
        "Parameters": {"StateMachineArn": child, "Input": {"a": 1}, "Name": "the-child"},
        "End": True,
    }
    found = ended(client, start(client, create(client, name, N=state)))
    result = json.loads(found["output"])
    assert (result["Output"], result["Name"], result["Status"]) == (output, "the-child", "SUCCEEDED")
    assert result["ExecutionArn"] == f"{child.replace(':stateMachine:', ':execution:')}:the-child"


def test_a_nested_execution_that_fails(client: Any) -> None:
    """The Task fails with States.TaskFailed and the child's description."""
    child = create(client, "failing-child", F={"Type": "Fail", "Error": "E", "Cause": "C"})
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": child},
        "End": True,
    }
    found = ended(client, start(client, create(client, "failing-parent", N=state)))
    cause = json.loads(found["cause"])
    assert (found["error"], cause["Error"], cause["Cause"]) == ("States.TaskFailed", "E", "C")


def test_a_stopped_execution_stops_its_nested_one(client: Any) -> None:
    """Nobody waits for it any more."""
    child = create(client, "waiting-child", W={"Type": "Wait", "Seconds": 86_400, "End": True})
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": child, "Name": "n"},
        "End": True,
    }
    arn = start(client, create(client, "stopping-parent", N=state))
    nested = f"{child.replace(':stateMachine:', ':execution:')}:n"
    described_when(client, arn, lambda _found: "TaskSubmitted" in event_types(client, arn))
    client.stop_execution(executionArn=arn)
    assert ended(client, nested)["status"] == "ABORTED"


def test_calls_of_the_api_by_a_task(client: Any) -> None:
    """`aws-sdk:sfn` is answered by the server itself; errors have the names of AWS's SDK."""
    child = create(client, "described", P=PASS)
    state = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:sfn:describeStateMachine", "End": True}
    machine = create(client, "sdk", D={**state, "Parameters": {"StateMachineArn.$": "$.arn"}})
    found = ended(client, start(client, machine, {"arn": child}))
    assert json.loads(found["output"])["Name"] == "described"
    found = ended(client, start(client, machine, {"arn": f"{child}s"}))
    assert found["error"] == "Sfn.StateMachineDoesNotExistException"
