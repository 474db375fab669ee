"""The Lambda function LogToDynamoDB."""

from pupline.json_values import JSON
from pupline.lambdas._environment import with_execution
from pupline.tasks.log_to_dynamodb import log_to_dynamodb
from pupline.tasks.task_input import TaskInput


def handler(event: TaskInput, context: object) -> dict[str, JSON]:
    """The Lambda entry point."""
    from pupline.lambdas._audit_wiring import SystemClock, audit_table, log_metrics

    answer = log_to_dynamodb(with_execution(event, context), audit_table(), SystemClock())
    log_metrics(answer["logged_item"])
    return answer
