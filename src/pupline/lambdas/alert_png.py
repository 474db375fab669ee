"""The Lambda function AlertPNG."""

from pupline.tasks.alert_png import alert_png
from pupline.tasks.events import Event
from pupline.tasks.ports import JSON


def handler(event: Event, context: object) -> dict[str, JSON]:  # noqa: ARG001  Lambda calls it with both
    """The Lambda entry point."""
    return alert_png(event)
