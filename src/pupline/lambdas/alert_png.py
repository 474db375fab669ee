"""The Lambda function AlertPNG."""

from pupline.json_values import JSON
from pupline.lambdas._invocation import logged_invocation, text_at
from pupline.tasks.alert_png import alert_png
from pupline.tasks.task_input import TaskInput, checked_input


def handler(event: TaskInput, context: object) -> dict[str, JSON]:
    """The Lambda entry point."""
    with logged_invocation(handler, context) as facts:
        facts["execution"] = text_at(checked_input(event), "execution")
        answer = alert_png(event)
        facts |= {"image": answer["image"], "outcome": "alerted", "alert_reasons": answer["reasons"]}
        return answer
