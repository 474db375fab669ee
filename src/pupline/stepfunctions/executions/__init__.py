"""Executions: started, driven, described, listed, stopped, redriven; their Map Runs, tokens and activities."""

from collections.abc import Mapping

from pupline.stepfunctions._call import Operation
from pupline.stepfunctions.executions._activity_tasks import get_activity_task
from pupline.stepfunctions.executions._describing import (
    describe_execution,
    describe_state_machine_for_execution,
    redrive_execution,
    stop_execution,
)
from pupline.stepfunctions.executions._executions import Executions
from pupline.stepfunctions.executions._history import get_execution_history
from pupline.stepfunctions.executions._listing import list_executions, list_map_runs
from pupline.stepfunctions.executions._map_runs import describe_map_run, update_map_run
from pupline.stepfunctions.executions._starting import start_execution, start_sync_execution
from pupline.stepfunctions.executions._tokens import send_task_failure, send_task_heartbeat, send_task_success

__all__ = ["EXECUTION_OPERATIONS", "Executions"]

EXECUTION_OPERATIONS: Mapping[str, Operation] = {
    "StartExecution": start_execution,
    "StartSyncExecution": start_sync_execution,
    "DescribeExecution": describe_execution,
    "DescribeStateMachineForExecution": describe_state_machine_for_execution,
    "ListExecutions": list_executions,
    "StopExecution": stop_execution,
    "RedriveExecution": redrive_execution,
    "GetExecutionHistory": get_execution_history,
    "DescribeMapRun": describe_map_run,
    "ListMapRuns": list_map_runs,
    "UpdateMapRun": update_map_run,
    "SendTaskSuccess": send_task_success,
    "SendTaskFailure": send_task_failure,
    "SendTaskHeartbeat": send_task_heartbeat,
    "GetActivityTask": get_activity_task,
}
"""Operations by their name in the API."""
