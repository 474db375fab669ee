"""The Lambda function SummariseIngest."""

from pupline.tasks.events import Event
from pupline.tasks.ports import JSON
from pupline.tasks.summarise_ingest import summarise_ingest


def handler(event: Event, context: object) -> dict[str, JSON]:  # noqa: ARG001 - Lambda gives it
    """The Lambda entry point."""
    from pupline.lambdas._summary_wiring import summary_services

    return summarise_ingest(event, summary_services())
