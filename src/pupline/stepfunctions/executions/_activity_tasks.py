"""GetActivityTask: a worker asks for a task of an activity, and waits up to a minute for one."""

from pupline.json_values import dumps
from pupline.stepfunctions._arns import parse_arn
from pupline.stepfunctions._call import Answer, Call, Parameters
from pupline.stepfunctions._errors import ApiError

_POLL_SECONDS = 60.0


def get_activity_task(call: Call, parameters: Parameters) -> Answer:
    """GetActivityTask. An empty answer says that there was no task within a minute."""
    arn = parameters["activityArn"]
    parse_arn(arn, "activity")
    if call.store.activities.find(arn) is None:
        raise ApiError("ActivityDoesNotExist", f"Activity Does Not Exist: '{arn}'")
    task = call.executions.tasks.activities.take(arn, _POLL_SECONDS)
    if task is None:
        return {}
    return {"taskToken": task.token, "input": dumps(task.input)}
