"""TestState."""

import uuid
from concurrent.futures import Future
from typing import Any

from pupline.asl import (
    Fact,
    InvokeTask,
    TaskFailed,
    TaskSucceeded,
    TestStateError,
    TestStateRequest,
    read_resource,
    run_test_state,
)
from pupline.local import Invocation
from pupline.stepfunctions._call import Answer, Call, Parameters
from pupline.stepfunctions._documents import NotJson, read_document
from pupline.stepfunctions._errors import ApiError, invalid

_MOST_SECONDS = 300
"""How long TestState runs. Source: AWS, "Testing a state"."""


def test_state(call: Call, parameters: Parameters) -> Answer:
    """TestState: one state alone. Without a mock, a Task calls what executions here would call."""
    request = TestStateRequest(
        definition=_object(parameters, "definition", "InvalidDefinition") or {},
        input=_document(parameters, "input", "InvalidExecutionInput") if "input" in parameters else {},
        state_name=parameters.get("stateName"),
        inspection_level=parameters.get("inspectionLevel", "INFO"),
        context=_object(parameters, "context", "ValidationException"),
        variables=_object(parameters, "variables", "ValidationException"),
        mock=parameters.get("mock"),
        state_configuration=parameters.get("stateConfiguration", {}),
        role_arn=parameters.get("roleArn"),
        reveal_secrets=parameters.get("revealSecrets", False),
        invoke=lambda command: _invoked(call, command),
    )
    try:
        return run_test_state(request)
    except TestStateError as error:
        raise ApiError(error.code, error.message) from error


def _invoked(call: Call, command: InvokeTask) -> TaskSucceeded | TaskFailed:
    """The end of a Task's call. Raises: ApiError (ValidationException) for one that waits for a worker or a token."""
    resource = read_resource(command.integration)
    if command.task_token is not None or (resource is not None and resource.kind == "activity"):
        text = f"TestState does not wait for a worker or a task token: give state '{command.state}' a mock"
        raise invalid(text)
    ended: Future[TaskSucceeded | TaskFailed] = Future()

    def answer(fact: Fact) -> None:
        if isinstance(fact, TaskSucceeded | TaskFailed) and not ended.done():
            ended.set_result(fact)

    invocation = Invocation(f"{call.account}:{call.region}:TestState:{uuid.uuid4()}", command.id)
    call.executions.tasks.invoke(command, invocation, answer)
    seconds = min(command.timeout_seconds or _MOST_SECONDS, _MOST_SECONDS)
    try:
        return ended.result(seconds)
    except TimeoutError:
        call.executions.tasks.cancel(invocation.execution, command)
        return TaskFailed(command.id, "States.Timeout", None)


def _document(parameters: Parameters, name: str, code: str) -> Any:
    try:
        return read_document(parameters[name])
    except NotJson as error:
        raise ApiError(code, f"The {name} must be valid JSON: {error}") from error


def _object(parameters: Parameters, name: str, code: str) -> dict[str, Any] | None:
    if name not in parameters:
        return None
    value = _document(parameters, name, code)
    if not isinstance(value, dict):
        raise invalid(f"The {name} must be a JSON object")
    return value
