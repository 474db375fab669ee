"""DescribeExecution, DescribeStateMachineForExecution, StopExecution and RedriveExecution."""

from typing import Any

from pupline.asl import ChildExecution, definition_digest
from pupline.errors import NoSuchName
from pupline.json_values import dumps, loads
from pupline.local import ApiExecution, NoRoom, NotRedrivable
from pupline.stepfunctions._call import Answer, Call, Parameters
from pupline.stepfunctions._errors import ApiError
from pupline.stepfunctions._revisions import describe_revision
from pupline.stepfunctions.executions._children import find_child
from pupline.stepfunctions.executions._names import journal_name, no_execution, standard_arn
from pupline.stepfunctions.store import Revision

REDRIVABLE_SECONDS = 14 * 24 * 3600.0
"""AWS redrives for 14 days after the end."""

_EXPIRED = "Execution redrivable period exceeded"
_INCLUDED: dict[str, Any] = {"included": True}


def execution_of(call: Call, arn: str) -> ApiExecution:
    """The Standard execution with this ARN. Raises: ApiError: InvalidArn, ExecutionDoesNotExist."""
    standard_arn(arn)
    found = call.executions.journal.find(arn) if call.is_here(arn) else None
    if found is None:
        raise no_execution(arn)
    return found


def describe_execution(call: Call, parameters: Parameters) -> Answer:
    """DescribeExecution, of child executions too."""
    arn, has_data = parameters["executionArn"], parameters.get("includedData") != "METADATA_ONLY"
    standard_arn(arn)
    child = find_child(call, arn)
    if child is not None:
        return _child(child, has_data=has_data)
    found = execution_of(call, arn)
    row, start = found.row, found.start
    refusal = redrive_refusal(found, call.now)
    output = None if row.output is None else dumps(loads(row.output))
    return {
        **execution_summary(found),
        **(_data(row.input, output) if has_data else {}),
        "error": row.error,
        "cause": row.cause,
        "traceHeader": start.details.get("traceHeader"),
        "redriveStatus": "REDRIVABLE" if refusal is None else "NOT_REDRIVABLE",
        "redriveStatusReason": refusal,
    }


def execution_summary(found: ApiExecution) -> Answer:
    """What ListExecutions and DescribeExecution have in common."""
    row, start = found.row, found.start
    return {
        "executionArn": start.arn,
        "stateMachineArn": start.machine_arn,
        "name": row.name.rpartition(":")[2],
        "status": row.status,
        "startDate": row.start_time,
        "stopDate": row.stop_time,
        "stateMachineVersionArn": start.details.get("stateMachineVersionArn"),
        "stateMachineAliasArn": start.details.get("stateMachineAliasArn"),
        "redriveCount": found.redrive_count,
        "redriveDate": found.redrive_time,
    }


def child_summary(child: ChildExecution) -> Answer:
    """What ListExecutions and DescribeExecution have in common for a child execution of a Map Run."""
    return {
        "executionArn": child.arn,
        "stateMachineArn": child.state_machine_arn,
        "name": child.name,
        "status": child.status,
        "startDate": child.start_time,
        "stopDate": child.stop_time,
        "mapRunArn": child.map_run_arn,
        "redriveCount": 0,
    }


def _child(child: ChildExecution, *, has_data: bool) -> Answer:
    output = dumps(child.output) if child.status == "SUCCEEDED" else None
    return {
        **child_summary(child),
        **(_data(dumps(child.input), output) if has_data else {}),
        "error": child.error,
        "cause": child.cause,
        "redriveStatus": "NOT_REDRIVABLE" if child.status in ("RUNNING", "SUCCEEDED") else "REDRIVABLE_BY_MAP_RUN",
        "redriveStatusReason": (
            f"Execution is {child.status} and cannot be redriven" if child.status in ("RUNNING", "SUCCEEDED") else None
        ),
    }


def _data(given: str, output: str | None) -> Answer:
    return {
        "input": given,
        "inputDetails": _INCLUDED,
        "output": output,
        "outputDetails": None if output is None else _INCLUDED,
    }


def redrive_refusal(found: ApiExecution, now: float) -> str | None:
    """Why the execution cannot be redriven, in AWS's words; None when it can.

    Whether its history has room is only known when it is rebuilt.
    """
    row = found.row
    if row.status in ("RUNNING", "SUCCEEDED"):
        return f"Execution is {row.status} and cannot be redriven"
    return _EXPIRED if row.stop_time is not None and now - row.stop_time > REDRIVABLE_SECONDS else None


def describe_state_machine_for_execution(call: Call, parameters: Parameters) -> Answer:
    """DescribeStateMachineForExecution: the definition that the execution runs, whatever was updated since."""
    arn = parameters["executionArn"]
    standard_arn(arn)
    child = find_child(call, arn)
    if child is not None:
        found = call.executions.journal.of_map_run(child.map_run_arn)
        assert found is not None  # noqa: S101 - the child was found in it
        label = child.state_machine_arn.rpartition("/")[2]
        more: Answer = {"stateMachineArn": child.state_machine_arn, "mapRunArn": child.map_run_arn, "label": label}
    else:
        found, more = execution_of(call, arn), {}
    details: dict[str, Any] = found.start.details
    context: dict[str, Any] = found.start.context
    revision = Revision(
        _definition(call, found),
        context["Execution"]["RoleArn"],
        details.get("settings", {}),
        details.get("revisionId"),
        details["updateDate"],
    )
    return {
        "stateMachineArn": found.start.machine_arn,
        "name": context["StateMachine"]["Name"],
        "updateDate": revision.at,
        **describe_revision(revision, parameters),
        **more,
    }


def _definition(call: Call, found: ApiExecution) -> str:
    """The text of the definition that the execution runs, as it was given where that is still known."""
    machine = call.store.machines.find(found.start.machine_arn)
    if machine is not None:
        for text in call.store.machines.definitions(machine, found.start.details.get("revisionId")):
            if definition_digest(loads(text), machine.type) == found.row.digest:
                return text
    return call.executions.journal.definition(found)


def stop_execution(call: Call, parameters: Parameters) -> Answer:
    """StopExecution. An execution that has ended stays as it is."""
    arn = parameters["executionArn"]
    execution_of(call, arn)
    try:
        stopped = call.executions.driver.stop(journal_name(arn), parameters.get("error"), parameters.get("cause"))
    except NoSuchName as error:
        raise no_execution(arn) from error
    return {"stopDate": stopped}


def redrive_execution(call: Call, parameters: Parameters) -> Answer:
    """RedriveExecution. Repeated with the same clientToken while the execution runs, it gets the same answer."""
    arn, token = parameters["executionArn"], parameters.get("clientToken")
    found = execution_of(call, arn)
    repeated = call.executions.redrives.get((arn, token)) if token else None
    if repeated is not None and found.row.status == "RUNNING":
        return {"redriveDate": repeated}
    refusal = redrive_refusal(found, call.now)
    if refusal is not None:
        raise _not_redrivable(arn, refusal)
    try:
        redriven = call.executions.driver.redrive(journal_name(arn))
    except NotRedrivable as error:
        raise _not_redrivable(arn, str(error)) from error
    except NoRoom as error:
        text = "The maximum number of running executions has been reached"
        raise ApiError("ExecutionLimitExceeded", text) from error
    if token:
        call.executions.note_redrive(arn, token, redriven)
    return {"redriveDate": redriven}


def _not_redrivable(arn: str, reason: str) -> ApiError:
    return ApiError("ExecutionNotRedrivable", f"Execution Not Redrivable: '{arn}': {reason}")
