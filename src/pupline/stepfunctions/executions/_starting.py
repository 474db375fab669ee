"""StartExecution and StartSyncExecution."""

import math
import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pupline.asl import DefinitionError, InvalidExecutionInput, StateMachine
from pupline.errors import ConfigurationError
from pupline.json_values import JSON, dumps
from pupline.local import ApiStart, ExecutionFinished, NameInUse, NoRoom, StartRequest
from pupline.stepfunctions._call import Answer, Call, Parameters
from pupline.stepfunctions._documents import NotJson, read_document
from pupline.stepfunctions._errors import ApiError, invalid
from pupline.stepfunctions._names import check_name
from pupline.stepfunctions._targets import Target, startable
from pupline.stepfunctions.executions._names import execution_arn, journal_name

NAMES_ARE_KEPT_SECONDS = 90 * 24 * 3600.0
"""AWS keeps a closed execution, and with it its name, for 90 days."""

_INCLUDED: dict[str, Any] = {"included": True}
_MEMORY_MB = 64

_COMPILED = 128
"""Definitions that are kept compiled."""


@dataclass(frozen=True, slots=True)
class _Start:
    """An execution that is about to start."""

    target: Target
    arn: str
    name: str
    request: StartRequest


def start_execution(call: Call, parameters: Parameters) -> Answer:
    """StartExecution. Repeated with the same name and input while the execution runs, it gets the same answer."""
    start = _prepared(call, parameters, is_kept=True)
    return {"executionArn": start.arn, "startDate": _started(call, start)}


def start_sync_execution(call: Call, parameters: Parameters) -> Answer:
    """StartSyncExecution: the answer comes when the Express execution has ended."""
    start = _prepared(call, parameters, is_kept=False)
    machine = start.target.machine
    if machine.type != "EXPRESS":
        raise ApiError(
            "StateMachineTypeNotSupported",
            "This operation is not supported by this type of state machine",
        )
    with call.executions.end_of(start.request.name) as end:
        _started(call, start)
        ended = end.result()
    return _result(start, ended, parameters)


def _prepared(call: Call, parameters: Parameters, *, is_kept: bool) -> _Start:
    text, _, case = parameters["stateMachineArn"].partition("#")
    target = startable(call, text)
    name = parameters.get("name") or str(uuid.uuid4())
    check_name(name)
    given = parameters.get("input", "{}")
    value = read_input(given)
    machine = target.machine
    express_id = str(uuid.uuid4()) if machine.type == "EXPRESS" else None
    arn = execution_arn(machine.arn, name, express_id)
    compiled = _machine(target)
    try:
        call.executions.tasks.sources.answers(compiled, case)
    except ConfigurationError as error:
        raise invalid(str(error)) from error
    details = _details(target, parameters, case)
    context, definition = _context(target, arn, name), target.revision.definition
    api = ApiStart(arn, machine.arn, context, given, details, is_kept, definition)
    request = StartRequest(journal_name(arn), value, machine=compiled, api=api)
    return _Start(target, arn, name, request)


def _machine(target: Target) -> StateMachine:
    """The machine, which was checked when it was created: perhaps by an earlier version, which refused less."""
    machine, revision = target.machine, target.revision
    try:
        return _compiled(revision.definition, machine.type, machine.name, revision.role_arn)
    except DefinitionError as error:
        raise ApiError("InvalidDefinition", str(error)) from error


@lru_cache(_COMPILED)
def _compiled(definition: str, machine_type: Any, name: str, role_arn: str) -> StateMachine:
    machine = StateMachine.parse(definition, type=machine_type)
    machine.name, machine.role_arn = name, role_arn
    return machine


def _context(target: Target, arn: str, name: str) -> dict[str, JSON]:
    machine = target.machine
    return {
        "Execution": {"Id": arn, "Name": name, "RoleArn": target.revision.role_arn},
        "StateMachine": {"Id": machine.arn, "Name": machine.name},
    }


def _details(target: Target, parameters: Parameters, case: str) -> dict[str, JSON]:
    """Further members of DescribeExecution, and the revision that runs."""
    machine, revision = target.machine, target.revision
    found: dict[str, JSON] = {
        "stateMachineVersionArn": f"{machine.arn}:{target.version.number}" if target.version else None,
        "stateMachineAliasArn": target.alias.arn if target.alias else None,
        "traceHeader": parameters.get("traceHeader"),
        "testCase": case or None,
        "settings": revision.settings,
        "revisionId": revision.revision_id,
        "updateDate": revision.at,
    }
    return {key: value for key, value in found.items() if value is not None}


def read_input(text: str) -> JSON:
    """The input of an execution. Raises: ApiError (InvalidExecutionInput)."""
    try:
        return read_document(text)
    except NotJson as error:
        raise _bad_input(str(error) if text.strip() else "Invalid execution input.") from error


def _bad_input(reason: str) -> ApiError:
    return ApiError("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{reason}'")


def _started(call: Call, start: _Start) -> float:
    """Start it, or find it running; its start time."""
    try:
        return call.executions.driver.start(start.request, forget_before=call.now - NAMES_ARE_KEPT_SECONDS)
    except NameInUse as error:
        raise ApiError("ExecutionAlreadyExists", f"Execution Already Exists: '{start.arn}'") from error
    except NoRoom as error:
        text = "The maximum number of running executions has been reached"
        raise ApiError("ExecutionLimitExceeded", text) from error
    except InvalidExecutionInput as error:
        raise ApiError(error.code, str(error)) from error


def _result(start: _Start, ended: ExecutionFinished, parameters: Parameters) -> Answer:
    duration = max(ended.stop_time - ended.start_time, 0.0)
    billed = math.ceil(duration * 10) * 100  # AWS bills by 100 ms
    has_data = parameters.get("includedData") != "METADATA_ONLY"
    output = dumps(ended.output) if ended.status == "SUCCEEDED" else None
    data = {
        "input": parameters.get("input", "{}"),
        "inputDetails": _INCLUDED,
        "output": output,
        "outputDetails": None if output is None else _INCLUDED,
    }
    return {
        "executionArn": start.arn,
        "stateMachineArn": start.target.machine.arn,
        "name": start.name,
        "startDate": ended.start_time,
        "stopDate": ended.stop_time,
        "status": ended.status,
        "error": ended.error,
        "cause": ended.cause,
        **(data if has_data else {}),
        "traceHeader": parameters.get("traceHeader"),
        "billingDetails": {"billedMemoryUsedInMB": _MEMORY_MB, "billedDurationInMilliseconds": max(billed, 100)},
    }
