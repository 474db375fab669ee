"""The Lambda function LogToDynamoDB."""

from pupline.json_values import JSON
from pupline.lambdas._audit_wiring import audit_services
from pupline.lambdas._invocation import logged_invocation, made_at_init, text_at
from pupline.lambdas._metrics import record_metrics
from pupline.lambdas._runtime import metrics_namespace, with_execution
from pupline.tasks.log_to_dynamodb import log_to_dynamodb
from pupline.tasks.task_input import TaskInput, object_of


def handler(event: TaskInput, context: object) -> dict[str, JSON]:
    """The Lambda entry point."""
    with logged_invocation(handler, context) as facts:
        given = with_execution(event, context)
        facts["execution"] = text_at(given, "execution")
        services = audit_services()
        answer = log_to_dynamodb(given, services.table, services.clock)
        record = object_of(answer, "logged_item")
        facts |= {"image": record["image_name"], "outcome": record["outcome"], "reason": record["reason"]}
        if namespace := metrics_namespace():
            facts |= record_metrics(record, namespace, services.clock.now())
        return answer


made_at_init(audit_services, "DDB_TABLE")
