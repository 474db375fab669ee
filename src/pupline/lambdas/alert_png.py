"""The Lambda function AlertPNG."""

from pupline.json_values import JSON
from pupline.tasks.alert_png import alert_png
from pupline.tasks.task_input import TaskInput


def handler(event: TaskInput, context: object) -> dict[str, JSON]:  # noqa: ARG001  Lambda calls it with both
    """The Lambda entry point."""
    return alert_png(event)
