"""The Lambda function SummariseIngest."""

from pupline.json_values import JSON
from pupline.tasks.summarise_ingest import summarise_ingest
from pupline.tasks.task_input import TaskInput


def handler(event: TaskInput, context: object) -> dict[str, JSON]:  # noqa: ARG001 - Lambda gives it
    """The Lambda entry point."""
    from pupline.lambdas._summary_wiring import summary_services

    return summarise_ingest(event, summary_services())
