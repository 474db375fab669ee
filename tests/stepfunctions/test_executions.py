"""Executions through boto3: started, described, listed, stopped, redriven, looked at."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pupline.local import LocalBackend
from pupline.stepfunctions import ApiServer, ApiSettings, serving
from tests.stepfunctions.api_client import ROLE, create, ended, event_types, start, task

PASS = {"Type": "Pass", "End": True}
LONG_WAIT = {"Type": "Wait", "Seconds": 86_400, "End": True}
PLACE = "tests.stepfunctions.api_functions"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """One server, with functions, for the tests of this file."""
    names = {
        "Double": "double",
        "Fail": "fail",
        "FailOnce": "fail_once",
        "Leave": "leave",
        "Interrupt": "interrupt",
        "Fork": "fork",
    }
    settings = ApiSettings(functions={name: f"{PLACE}:{function}" for name, function in names.items()})
    data: Path = tmp_path_factory.mktemp("api")
    with LocalBackend.open(data, exclusive=True) as backend, serving(backend, ("127.0.0.1", 0), settings) as opened:
        yield opened


def error_of(call: Any) -> tuple[str, str]:
    """(code, message) of the error that a call gets."""
    with pytest.raises(Exception) as caught:  # noqa: PT011 - botocore makes the classes at run time
        call()
    error = caught.value.response["Error"]  # type: ignore[attr-defined]
    return error["Code"], error["Message"]


def test_a_session_from_start_to_history(client: Any) -> None:
    """An execution runs a function and is described, with its history, as on AWS."""
    machine = create(client, "session", Double=task("Double"))
    arn = start(client, machine, {"n": 21}, name="first", traceHeader="Root=1-2-3")
    found = ended(client, arn)
    assert arn == "arn:aws:states:eu-west-1:123456789012:execution:session:first"
    assert (found["status"], found["input"], found["output"]) == ("SUCCEEDED", '{"n": 21}', "42")
    assert (found["traceHeader"], found["redriveCount"]) == ("Root=1-2-3", 0)
    assert found["redriveStatusReason"] == "Execution is SUCCEEDED and cannot be redriven"
    assert event_types(client, arn) == [
        *("ExecutionStarted", "TaskStateEntered", "LambdaFunctionScheduled", "LambdaFunctionStarted"),
        *("LambdaFunctionSucceeded", "TaskStateExited", "ExecutionSucceeded"),
    ]


def test_the_context_object_is_the_executions_own(client: Any) -> None:
    """Names, ARNs and role are those of the API."""
    machine = create(client, "context", P={"Type": "Pass", "Parameters": {"all.$": "$$"}, "End": True})
    found = ended(client, start(client, machine, name="one"))
    context = json.loads(found["output"])["all"]
    assert context["StateMachine"] == {"Id": machine, "Name": "context"}
    assert (context["Execution"]["Id"], context["Execution"]["Name"]) == (found["executionArn"], "one")
    assert context["Execution"]["RoleArn"] == ROLE


def test_two_machines_of_one_definition_have_names_of_their_own(client: Any) -> None:
    """An execution's name is unique in its machine only."""
    state = {"Type": "Pass", "Parameters": {"name.$": "$$.StateMachine.Name"}, "End": True}
    for name in ("twin-a", "twin-b"):
        found = ended(client, start(client, create(client, name, P=state), name="same"))
        assert json.loads(found["output"]) == {"name": name}


def test_a_repeated_start_is_the_same_execution_while_it_runs(client: Any) -> None:
    """Same ARN and start; another input is refused, and so is the same once it has ended."""
    machine = create(client, "idempotent", W=LONG_WAIT)
    first = client.start_execution(stateMachineArn=machine, name="x", input='{"a": 1}')
    again = client.start_execution(stateMachineArn=machine, name="x", input='{"a":1}')
    assert (again["executionArn"], again["startDate"]) == (first["executionArn"], first["startDate"])
    exists = ("ExecutionAlreadyExists", f"Execution Already Exists: '{first['executionArn']}'")
    assert error_of(lambda: client.start_execution(stateMachineArn=machine, name="x", input="{}")) == exists
    client.stop_execution(executionArn=first["executionArn"])
    assert error_of(lambda: client.start_execution(stateMachineArn=machine, name="x", input='{"a": 1}')) == exists


def test_many_at_once_start_one_execution(client: Any) -> None:
    """Of 16 simultaneous starts under one name, all get the same answer."""
    machine = create(client, "at-once", W=LONG_WAIT)
    barrier = threading.Barrier(16)

    def begin(_number: int) -> Any:
        barrier.wait()
        found = client.start_execution(stateMachineArn=machine, name="x")
        return found["executionArn"], found["startDate"]

    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(begin, range(16)))) == 1
    assert len(client.list_executions(stateMachineArn=machine)["executions"]) == 1


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        (
            {"input": "{'a"},
            "InvalidExecutionInput",
            "Invalid State Machine Execution Input: 'Unexpected character (''' (code 39)): was expecting double-quote",
        ),
        ({"input": ""}, "InvalidExecutionInput", "Invalid State Machine Execution Input: 'Invalid execution input.'"),
        ({"input": "NaN"}, "InvalidExecutionInput", "Invalid State Machine Execution Input: '"),
        ({"input": "[" * 5000 + "]" * 5000}, "InvalidExecutionInput", "Invalid State Machine Execution Input: '"),
        ({"input": f'"{"x" * 262_144}"'}, "ValidationException", "1 validation error detected: "),
        ({"input": f'"{"é" * 131_072}"'}, "ValidationException", "1 validation error detected: "),
        ({"name": "a b"}, "InvalidName", "Invalid Name: 'a b'"),
        ({"name": "x" * 81}, "ValidationException", "1 validation error detected: "),
    ],
)
def test_what_cannot_start(client: Any, more: dict[str, str], code: str, message: str) -> None:
    """Input that is not JSON or too long, and names with characters that AWS does not allow."""
    machine = create(client, "refusing", P=PASS)
    found = error_of(lambda: client.start_execution(stateMachineArn=machine, **more))
    assert (found[0], found[1].startswith(message)) == (code, True)


def test_half_a_surrogate_pair_is_refused(client: Any) -> None:
    """Raw in a string; escaped in the input, it is a value like any other."""
    machine = create(client, "surrogates", P=PASS)
    raw = error_of(lambda: client.stop_execution(executionArn=machine, cause="\ud800"))
    assert raw[0] == "SerializationException"
    found = ended(client, start(client, machine, "\ud800"))
    assert (found["status"], found["output"]) == ("SUCCEEDED", '"?"')


def test_an_unknown_execution(client: Any) -> None:
    """Every operation says so, and an ARN of another kind is invalid."""
    arn = "arn:aws:states:eu-west-1:123456789012:execution:none:none"
    for call in (
        *(client.describe_execution, client.stop_execution, client.get_execution_history, client.redrive_execution),
        *(client.describe_state_machine_for_execution, client.list_map_runs),
    ):
        missing = ("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
        assert error_of(lambda call=call: call(executionArn=arn)) == missing
        assert error_of(lambda call=call: call(executionArn="arn:aws:sqs:a:1:b"))[0] == "InvalidArn"


def test_versions_and_aliases_run_what_they_name(client: Any) -> None:
    """The definition of the version, and its ARN in DescribeExecution, ListExecutions and the history."""
    state = {"Type": "Pass", "Result": 1, "End": True}
    machine = create(client, "versions", P=state)
    version = client.publish_state_machine_version(stateMachineArn=machine)["stateMachineVersionArn"]
    alias = client.create_state_machine_alias(
        name="live", routingConfiguration=[{"stateMachineVersionArn": version, "weight": 100}]
    )["stateMachineAliasArn"]
    changed = {"StartAt": "P", "States": {"P": {"Type": "Pass", "Result": 2, "End": True}}}
    client.update_state_machine(stateMachineArn=machine, definition=json.dumps(changed))
    found = ended(client, start(client, alias))
    assert (found["output"], found["stateMachineVersionArn"], found["stateMachineAliasArn"]) == ("1", version, alias)
    assert ended(client, start(client, machine))["output"] == "2"
    listed = client.list_executions(stateMachineArn=alias)["executions"]
    assert [one["executionArn"] for one in listed] == [found["executionArn"]]
    (first, *_) = client.get_execution_history(executionArn=found["executionArn"])["events"]
    assert first["executionStartedEventDetails"]["stateMachineAliasArn"] == alias
    definition = client.describe_state_machine_for_execution(executionArn=found["executionArn"])["definition"]
    assert definition == json.dumps({"StartAt": "P", "States": {"P": state}})


def test_executions_are_listed_in_pages(client: Any) -> None:
    """The newest first, filtered by status; a token is good for its own request only."""
    machine = create(client, "listed", W=LONG_WAIT)
    arns = [start(client, machine, name=f"n{number}") for number in range(5)]
    client.stop_execution(executionArn=arns[1])
    pages = client.get_paginator("list_executions").paginate(stateMachineArn=machine, PaginationConfig={"PageSize": 2})
    assert [[one["name"] for one in page["executions"]] for page in pages] == [["n4", "n3"], ["n2", "n1"], ["n0"]]
    aborted = client.list_executions(stateMachineArn=machine, statusFilter="ABORTED")["executions"]
    assert [one["name"] for one in aborted] == ["n1"]
    token = client.list_executions(stateMachineArn=machine, maxResults=1)["nextToken"]
    other = {"stateMachineArn": machine, "statusFilter": "RUNNING", "nextToken": token}
    assert error_of(lambda: client.list_executions(**other))[0] == "InvalidToken"
    assert error_of(client.list_executions)[0] == "ValidationException"


def test_a_stopped_execution_is_aborted(client: Any) -> None:
    """With error and cause; stopping it again changes nothing."""
    machine = create(client, "stopped", W=LONG_WAIT)
    arn = start(client, machine)
    when = client.stop_execution(executionArn=arn, error="Enough", cause="it was")["stopDate"]
    found = client.describe_execution(executionArn=arn)
    assert (found["status"], found["error"], found["cause"]) == ("ABORTED", "Enough", "it was")
    assert client.stop_execution(executionArn=arn, error="Other")["stopDate"] == when == found["stopDate"]
    assert client.describe_execution(executionArn=arn)["error"] == "Enough"
    assert event_types(client, arn)[-1] == "ExecutionAborted"


def test_a_history_in_pages_and_backwards_and_without_data(client: Any) -> None:
    """All events once, in either order; includeExecutionData leaves the data out."""
    machine = create(client, "paged", A={"Type": "Pass", "Next": "B"}, B=PASS)
    arn = ended(client, start(client, machine))["executionArn"]
    paginator = client.get_paginator("get_execution_history")
    for reverse, ids in ((False, [1, 2, 3, 4, 5, 6]), (True, [6, 5, 4, 3, 2, 1])):
        pages = paginator.paginate(executionArn=arn, reverseOrder=reverse, PaginationConfig={"PageSize": 4})
        assert [event["id"] for page in pages for event in page["events"]] == ids
    events = client.get_execution_history(executionArn=arn, includeExecutionData=False)["events"]
    assert events[1]["stateEnteredEventDetails"] == {"name": "A"}


def test_a_failed_execution_is_redriven(client: Any) -> None:
    """It continues at the failed state, in the same history; a repeated clientToken gets the same answer."""
    machine = create(client, "redriven", A={"Type": "Pass", "Next": "F"}, F=task("FailOnce"))
    arn = start(client, machine, {"id": "redriven"})
    found = ended(client, arn)
    assert (found["status"], found["error"], found["redriveStatus"]) == ("FAILED", "ValueError", "REDRIVABLE")
    when = client.redrive_execution(executionArn=arn, clientToken="t")["redriveDate"]
    found = ended(client, arn)
    assert (found["status"], found["output"], found["redriveCount"], found["redriveDate"]) == (
        "SUCCEEDED",
        "2",
        1,
        when,
    )
    assert event_types(client, arn).count("ExecutionRedriven") == 1
    assert error_of(lambda: client.redrive_execution(executionArn=arn))[0] == "ExecutionNotRedrivable"
    listed = client.list_executions(stateMachineArn=machine, redriveFilter="REDRIVEN")["executions"]
    assert [one["executionArn"] for one in listed] == [arn]
    assert client.list_executions(stateMachineArn=machine, redriveFilter="NOT_REDRIVEN")["executions"] == []


def test_an_express_execution_answers_at_once(client: Any) -> None:
    """StartSyncExecution has the result and what would be billed; a Standard machine refuses it."""
    machine = create(client, "sync", type="EXPRESS", Double=task("Double"))
    found = client.start_sync_execution(stateMachineArn=machine, input='{"n": 1}', name="s")
    assert (found["status"], found["output"], found["name"]) == ("SUCCEEDED", "2", "s")
    assert found["executionArn"].startswith("arn:aws:states:eu-west-1:123456789012:express:sync:s:")
    assert found["billingDetails"] == {"billedMemoryUsedInMB": 64, "billedDurationInMilliseconds": 100}
    failing = create(client, "sync-failing", type="EXPRESS", F=task("Fail"))
    found = client.start_sync_execution(stateMachineArn=failing, input="7")
    assert (found["status"], found["error"], "output" in found) == ("FAILED", "ValueError", False)
    standard = create(client, "not-sync", P=PASS)
    refused = error_of(lambda: client.start_sync_execution(stateMachineArn=standard))
    assert refused == ("StateMachineTypeNotSupported", "This operation is not supported by this type of state machine")


def test_express_executions_are_not_looked_at(client: Any) -> None:
    """As on AWS: they have neither a description nor a list."""
    machine = create(client, "express", type="EXPRESS", P=PASS)
    arn = start(client, machine)
    assert error_of(lambda: client.describe_execution(executionArn=arn))[0] == "InvalidArn"
    assert error_of(lambda: client.get_execution_history(executionArn=arn))[0] == "InvalidArn"
    listed = error_of(lambda: client.list_executions(stateMachineArn=machine))
    assert listed[0] == "StateMachineTypeNotSupported"


def test_nothing_answers(client: Any) -> None:
    """The execution starts and its Task fails; the cause names the state and the ways to answer it."""
    message = {"QueueUrl": "https://sqs/1/q", "MessageBody": "hello"}
    queue = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "Parameters": message, "End": True}
    found = ended(client, start(client, create(client, "unanswered", Send=queue)))
    assert (found["status"], found["error"]) == ("FAILED", "Pupline.NothingAnswers")
    for part in ("'Send'", "--function 'Send=", "--mocks", "SQS_ENDPOINT"):
        assert part in found["cause"]
    found = ended(client, start(client, create(client, "no-function", F=task("Missing"))))
    assert found["error"] == "Lambda.ResourceNotFoundException"
    assert "--function Missing=module:callable" in found["cause"]


@pytest.mark.parametrize(("function", "error"), [("Leave", "SystemExit"), ("Interrupt", "KeyboardInterrupt")])
def test_a_function_that_would_end_the_program_fails_its_task(client: Any, function: str, error: str) -> None:
    """Its thread must not die with the task unanswered: the execution would run forever."""
    machine = create(client, f"of-{function}", F=task(function))
    assert ended(client, start(client, machine))["error"] == error


def test_a_child_that_a_function_forks_ends_with_the_function(client: Any) -> None:
    """It would answer a second time, and hold the port and the data directory after the server's end."""
    machine = create(client, "forks", F=task("Fork"))
    assert ended(client, start(client, machine))["output"] == "0"
