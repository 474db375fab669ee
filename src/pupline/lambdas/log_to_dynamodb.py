"""The Lambda function LogToDynamoDB."""

from pupline.lambdas._environment import with_execution
from pupline.tasks.events import Event
from pupline.tasks.log_to_dynamodb import log_to_dynamodb
from pupline.tasks.ports import JSON


def handler(event: Event, context: object) -> dict[str, JSON]:
    """The Lambda entry point."""
    from pupline.lambdas._audit_wiring import SystemClock, audit_table, tell_metrics

    answer = log_to_dynamodb(with_execution(event, context), audit_table(), SystemClock())
    tell_metrics(answer["logged_item"])
    return answer
