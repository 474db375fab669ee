"""The Lambda function IngestBatch."""

from typing import Any

from pupline.errors import InvalidInput
from pupline.json_values import JSON
from pupline.tasks.ingest_batch import ingest_batch
from pupline.tasks.task_input import TaskInput, checked_input


def handler(event: TaskInput, context: Any) -> dict[str, JSON]:
    """The Lambda entry point."""
    from pupline.lambdas._ingest_wiring import batch_services

    if not isinstance(checked_input(event).get("batch"), dict):
        raise InvalidInput("the event has no batch; BulkIngest's child executions give one")
    return ingest_batch(event, batch_services(), context.get_remaining_time_in_millis() / 1000 - 45)
