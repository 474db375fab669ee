"""The Lambda function FetchAndUploadDogImage."""

from pupline.json_values import JSON
from pupline.lambdas._runtime import with_execution
from pupline.tasks.fetch_and_upload_dog_image import fetch_and_upload
from pupline.tasks.task_input import TaskInput


def handler(event: TaskInput, context: object) -> dict[str, JSON]:
    """The Lambda entry point."""
    from pupline.lambdas._fetch_wiring import fetch_services

    return fetch_and_upload(with_execution(event, context), fetch_services())
