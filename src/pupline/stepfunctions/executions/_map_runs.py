"""DescribeMapRun and UpdateMapRun."""

from pupline.asl import MapRunUpdated
from pupline.local import ApiExecution
from pupline.stepfunctions._arns import parse_arn
from pupline.stepfunctions._call import Answer, Call, Parameters
from pupline.stepfunctions._errors import ApiError, invalid

_LIMITS = ("maxConcurrency", "toleratedFailureCount", "toleratedFailurePercentage")


def parent_of_map_run(call: Call, arn: str) -> ApiExecution:
    """The execution that the Map Run belongs to. Raises: ApiError: InvalidArn, ResourceNotFound."""
    parse_arn(arn, "mapRun")
    found = call.executions.journal.of_map_run(arn) if call.is_here(arn) else None
    if found is None:
        raise ApiError("ResourceNotFound", f"Resource not found: '{arn}'", members={"resourceName": arn})
    return found


def describe_map_run(call: Call, parameters: Parameters) -> Answer:
    """DescribeMapRun."""
    arn = parameters["mapRunArn"]
    found = parent_of_map_run(call, arn)
    run = next(one for one in call.executions.journal.replay(found).map_runs if one.arn == arn)
    return {**run.describe(), "executionArn": found.start.arn, "redriveDate": run.redrive_time}


def update_map_run(call: Call, parameters: Parameters) -> Answer:
    """UpdateMapRun: the limits of a run that has not ended."""
    arn = parameters["mapRunArn"]
    found = parent_of_map_run(call, arn)
    if not any(name in parameters for name in _LIMITS):
        raise invalid(f"Must provide at least one of {', '.join(_LIMITS)}", "MISSING_REQUIRED_PARAMETER")
    call.executions.driver.update_map_run(found.row.name, MapRunUpdated(arn, *(parameters.get(x) for x in _LIMITS)))
    return {}
