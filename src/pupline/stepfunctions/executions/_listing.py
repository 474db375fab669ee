"""ListExecutions, and ListMapRuns."""

from collections.abc import Sequence
from typing import Any

from pupline.asl import ChildExecution
from pupline.local import ApiExecution, ExecutionFilter
from pupline.stepfunctions._call import Answer, Call, Parameters
from pupline.stepfunctions._errors import ApiError, invalid
from pupline.stepfunctions._pages import number_of, page_of
from pupline.stepfunctions._targets import resolve
from pupline.stepfunctions.executions._children import children_of
from pupline.stepfunctions.executions._describing import child_summary, execution_of, execution_summary
from pupline.stepfunctions.executions._map_runs import parent_of_map_run

_NOT_OF_EXPRESS = ApiError(
    "StateMachineTypeNotSupported", "This operation is not supported by this type of state machine"
)


def list_executions(call: Call, parameters: Parameters) -> Answer:
    """ListExecutions: of a state machine, a version or an alias, or the children of a Map Run; the newest first."""
    if ("stateMachineArn" in parameters) == ("mapRunArn" in parameters):
        raise invalid("Must provide exactly one of 'stateMachineArn' or 'mapRunArn'")
    if "mapRunArn" in parameters:
        return _children(call, parameters)
    return _executions(call, parameters)


def _executions(call: Call, parameters: Parameters) -> Answer:
    if parameters.get("statusFilter") == "PENDING_REDRIVE":
        raise invalid("The PENDING_REDRIVE status filter needs a 'mapRunArn'")
    target = resolve(call, parameters["stateMachineArn"])
    if target.machine.type == "EXPRESS":
        raise _NOT_OF_EXPRESS
    redriven = parameters.get("redriveFilter")
    details = None
    if target.alias is not None:
        details = {"stateMachineAliasArn": target.alias.arn}
    elif target.version is not None:
        details = {"stateMachineVersionArn": f"{target.machine.arn}:{target.version.number}"}

    def read(place: str | None, limit: int) -> list[ApiExecution]:
        return call.executions.journal.list(
            ExecutionFilter(
                target.machine.arn,
                parameters.get("statusFilter"),
                None if redriven is None else redriven == "REDRIVEN",
                details,
                None if place is None else number_of(place),
            ),
            limit,
        )

    found, token = page_of("ListExecutions", parameters, read, lambda one: str(one.row.execution_id))
    return {"executions": [execution_summary(one) for one in found], "nextToken": token}


def _children(call: Call, parameters: Parameters) -> Answer:
    arn = parameters["mapRunArn"]
    parent_of_map_run(call, arn)
    status = parameters.get("statusFilter")
    children = [one for one in children_of(call, arn) if status in (None, one.status)]
    children.reverse()
    if parameters.get("redriveFilter") == "REDRIVEN":
        children = []

    def read(place: str | None, limit: int) -> Sequence[ChildExecution]:
        rest = children if place is None else [one for one in children if one.index < number_of(place)]
        return rest[:limit]

    found, token = page_of("ListExecutions", parameters, read, lambda one: str(one.index))
    return {"executions": [{**child_summary(one), "itemCount": one.item_count} for one in found], "nextToken": token}


def list_map_runs(call: Call, parameters: Parameters) -> Answer:
    """ListMapRuns of an execution, the newest first."""
    arn = parameters["executionArn"]
    found = execution_of(call, arn)
    runs = list(enumerate(call.executions.journal.replay(found).map_runs))
    runs.reverse()

    def read(place: str | None, limit: int) -> Sequence[tuple[int, Any]]:
        return [one for one in runs if place is None or one[0] < number_of(place)][:limit]

    page, token = page_of("ListMapRuns", parameters, read, lambda one: str(one[0]))
    items = [
        {
            "executionArn": arn,
            "mapRunArn": run.arn,
            "stateMachineArn": f"{found.start.machine_arn}/{run.label}",
            "startDate": run.start_time,
            "stopDate": run.stop_time,
        }
        for _, run in page
    ]
    return {"mapRuns": items, "nextToken": token}
