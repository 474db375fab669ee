"""Functions in a pool: what comes in, what goes out, and what a failure looks like."""

import errno
import json
import threading
from concurrent.futures import Future
from typing import Any
from unittest import mock

import pytest

from pupline.asl import InvokeTask, TaskFailed, TaskSucceeded, function_name
from pupline.errors import LocalTrouble, RetryAfter
from pupline.local import Invocation, LambdaRuntime
from pupline.local.journal._lambda_runtime import LambdaHandler

ARN = "arn:aws:lambda:us-east-1:000000000000:function:Dog"


def call(
    function: LambdaHandler, payload: Any = None, resource: str = ARN
) -> TaskSucceeded | TaskFailed | LocalTrouble:
    """The answer of a runtime that has this one function."""
    runtime = LambdaRuntime({"Dog": function}, concurrency=1)
    answer: Future[TaskSucceeded | TaskFailed | LocalTrouble] = Future()
    task = InvokeTask("Dog@1#0", "Dog", resource, payload)
    runtime.invoke(task, Invocation("run-00001", "Dog@1#0", {"source": "sample"}), answer.set_result)
    found = answer.result(10)
    runtime.close()
    return found


@pytest.mark.parametrize("resource", ["Dog", ARN, f"{ARN}:live"])
def test_a_function_is_found_by_name_or_arn(resource: str) -> None:
    """The name, the ARN and the ARN with a qualifier are the same function."""
    assert function_name(resource) == "Dog"
    assert call(lambda event, _invocation: event, 7, resource) == TaskSucceeded("Dog@1#0", 7)


def test_a_function_is_told_who_calls() -> None:
    """The execution, the idempotency key, the run's settings, and a request id that stays the same."""
    seen: list[Invocation] = []

    def function(_event: Any, invocation: Invocation) -> None:
        seen.append(invocation)

    for _ in range(2):
        call(function)
    assert (seen[0].execution, seen[0].command_id, seen[0].settings) == ("run-00001", "Dog@1#0", {"source": "sample"})
    assert seen[0].request_id == seen[1].request_id


def test_an_exception_is_an_error_name_and_lambdas_json() -> None:
    """The class name is the Error; the Cause is what Lambda's runtime reports, with the function's frames."""

    def function(_event: Any, _invocation: Invocation) -> None:
        raise RetryAfter("busy", 7)

    failed = call(function)
    assert isinstance(failed, TaskFailed)
    assert failed.error == "RetryAfter"
    cause = json.loads(failed.cause or "")
    assert (cause["errorType"], json.loads(cause["errorMessage"])) == (
        "RetryAfter",
        {"message": "busy", "retry_after_seconds": 7},
    )
    assert 'raise RetryAfter("busy", 7)' in cause["stackTrace"][-1]


def test_leaving_the_process_is_a_failure_of_the_function_alone() -> None:
    """`sys.exit` in a function does not end pupline."""

    def function(_event: Any, _invocation: Invocation) -> None:
        raise SystemExit(3)

    failed = call(function)
    assert isinstance(failed, TaskFailed)
    assert failed.error == "SystemExit"


def test_an_unknown_function_is_named_with_those_there_are() -> None:
    """The Cause says what was asked for and what there is."""
    failed = call(lambda event, _invocation: event, None, "Cat")
    assert isinstance(failed, TaskFailed)
    assert failed.error == "Lambda.ResourceNotFoundException"
    assert failed.cause == "Function not found: Cat; the functions of this machine: Dog"


@pytest.mark.parametrize("output", [object(), {"a": {1, 2}}, float("nan")])
def test_what_is_no_json_is_a_marshal_error(output: Any) -> None:
    """A function that returns something else fails as in Lambda."""
    failed = call(lambda _event, _invocation: output)
    assert isinstance(failed, TaskFailed)
    assert failed.error == "Runtime.MarshalError"


def test_event_and_output_are_copies() -> None:
    """A function that changes its event, or later its output, changes nothing that the engine holds."""
    event: Any = {"n": [1]}
    kept: Any = {"pair": (1, 2)}

    def function(given: Any, _invocation: Invocation) -> Any:
        given["n"].append(2)
        return kept

    answer = call(function, event)
    assert event == {"n": [1]}
    assert answer == TaskSucceeded("Dog@1#0", {"pair": [1, 2]})


@pytest.mark.parametrize(
    "error",
    [
        LocalTrouble("no room"),
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EMFILE, "Too many open files"),
        MemoryError(),
        SystemError("error return without exception set"),
        RuntimeError("can't start new thread"),
    ],
    ids=lambda error: f"{type(error).__name__}-{error}",
)
def test_local_trouble_is_not_the_functions_failure(error: Exception) -> None:
    """Nothing that a state machine could catch and record: the trouble itself is the answer."""

    def function(_event: Any, _invocation: Invocation) -> None:
        raise error

    assert isinstance(call(function), LocalTrouble)


def test_a_pool_without_threads_is_local_trouble() -> None:
    """Where the system starts no thread for a call, the caller is told so."""
    with (
        mock.patch.object(threading.Thread, "start", side_effect=RuntimeError("can't start new thread")),
        pytest.raises(LocalTrouble, match="the system starts no further thread"),
    ):
        call(lambda event, _invocation: event)
