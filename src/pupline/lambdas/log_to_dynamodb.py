"""The Lambda function LogToDynamoDB."""

from pupline.json_values import JSON
from pupline.lambdas._runtime import with_execution
from pupline.tasks.log_to_dynamodb import log_to_dynamodb
from pupline.tasks.task_input import TaskInput


def handler(event: TaskInput, context: object) -> dict[str, JSON]:
    """The Lambda entry point."""
    from pupline.lambdas._audit_wiring import audit_services, log_metrics

    services = audit_services()
    answer = log_to_dynamodb(with_execution(event, context), services.table, services.clock)
    log_metrics(answer["logged_item"], services.metrics_namespace, services.clock.now())
    return answer
