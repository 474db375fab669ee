"""SendTaskSuccess, SendTaskFailure and SendTaskHeartbeat: the answers of `.waitForTaskToken` and of activities.

A token holds the execution and the call that waits, so it is as durable as the execution.
"""

import base64
import binascii

from pupline.asl import Fact, TaskFailed, TaskHeartbeat, TaskSucceeded
from pupline.local import NotWaiting
from pupline.stepfunctions._call import Answer, Call, Parameters
from pupline.stepfunctions._documents import NotJson, read_document
from pupline.stepfunctions._errors import ApiError


def send_task_success(call: Call, parameters: Parameters) -> Answer:
    """SendTaskSuccess."""
    name, command_id = _read_token(parameters["taskToken"])
    try:
        output = read_document(parameters["output"])
    except NotJson as error:
        raise ApiError("InvalidOutput", f"Invalid Output: '{error}'") from error
    return _answer(call, name, TaskSucceeded(command_id, output))


def send_task_failure(call: Call, parameters: Parameters) -> Answer:
    """SendTaskFailure."""
    name, command_id = _read_token(parameters["taskToken"])
    return _answer(call, name, TaskFailed(command_id, parameters.get("error", ""), parameters.get("cause")))


def send_task_heartbeat(call: Call, parameters: Parameters) -> Answer:
    """SendTaskHeartbeat."""
    name, command_id = _read_token(parameters["taskToken"])
    return _answer(call, name, TaskHeartbeat(command_id))


def _read_token(token: str) -> tuple[str, str]:
    """The execution's name in the journal, and the command. Raises: ApiError (InvalidToken)."""
    try:
        name, _, command_id = base64.urlsafe_b64decode(token.encode()).decode().partition("\n")
    except (ValueError, binascii.Error) as error:
        raise ApiError("InvalidToken", "Invalid Token: 'Invalid token'") from error
    if not name or not command_id:
        raise ApiError("InvalidToken", "Invalid Token: 'Invalid token'")
    return name, command_id


def _answer(call: Call, name: str, fact: Fact) -> Answer:
    command_id = getattr(fact, "id", "")
    try:
        call.executions.driver.answer(name, command_id, [fact])
    except NotWaiting as error:
        if call.executions.knows(name):
            raise ApiError("TaskTimedOut", "Task Timed Out: 'Provided task does not exist anymore'") from error
        raise ApiError("TaskDoesNotExist", "Task does not exist: 'Provided task does not exist'") from error
    return {}
