"""GetActivityTask: a worker asks for a task of an activity, and waits up to a minute for one."""

import time

from pupline.asl import TaskStarted
from pupline.json_values import dumps
from pupline.local import NotWaiting
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
    deadline = time.monotonic() + _POLL_SECONDS
    while (task := call.executions.tasks.activities.take(arn, deadline - time.monotonic())) is not None:
        taken = TaskStarted(task.command_id, parameters.get("workerName"))
        try:
            call.executions.driver.answer(task.execution, task.command_id, [taken])
        except NotWaiting:  # the execution has ended meanwhile
            continue
        return {"taskToken": task.token, "input": dumps(task.input)}
    return {}
