"""GetExecutionHistory."""

from collections.abc import Sequence
from typing import Any

from pupline.stepfunctions._call import Answer, Call, Parameters
from pupline.stepfunctions._pages import page_of
from pupline.stepfunctions.executions._children import find_child
from pupline.stepfunctions.executions._describing import execution_of
from pupline.stepfunctions.executions._names import standard_arn

_DATA = ("input", "output", "parameters", "assignedVariables")
"""Members of an event's details that includeExecutionData=false leaves out."""


def get_execution_history(call: Call, parameters: Parameters) -> Answer:
    """GetExecutionHistory: a page of the events, the oldest first or the newest."""
    arn = parameters["executionArn"]
    region = standard_arn(arn).region
    child = find_child(call, arn)
    if child is not None:
        events, details = child.history, {}
    else:
        found = execution_of(call, arn)
        events, details = call.executions.journal.replay(found).history, found.start.details
    if parameters.get("reverseOrder"):
        events.reverse()

    def read(place: str | None, limit: int) -> Sequence[dict[str, Any]]:
        begin = 0 if place is None else next((at for at, one in enumerate(events, 1) if str(one["id"]) == place), 0)
        return events[begin : begin + limit]

    page, token = page_of("GetExecutionHistory", parameters, read, lambda one: str(one["id"]))
    has_data = parameters.get("includeExecutionData", True)
    shown = [_event(one, region, details, has_data=has_data) for one in page]
    return {"events": shown, "nextToken": token}


def _event(event: dict[str, Any], region: str, started: dict[str, Any], *, has_data: bool) -> dict[str, Any]:
    """An event as the API shows it."""
    key = next((key for key in event if key.endswith("EventDetails")), None)
    if key is None:
        return event
    details = dict(event[key])
    if "region" in details:
        details["region"] = region
    if event["type"] == "ExecutionStarted":
        named = ("stateMachineVersionArn", "stateMachineAliasArn")
        details |= {name: started[name] for name in named if name in started}
    if not has_data:
        hidden = {*_DATA, *(f"{name}Details" for name in _DATA)}
        details = {name: value for name, value in details.items() if name not in hidden}
    return {**event, key: details}
