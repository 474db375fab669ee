"""Small fakes of the services that conformance cases call; each knows only what the recordings need."""

import uuid
from dataclasses import dataclass
from typing import Any

from pupline.asl import InvokeTask, ReadItems, TaskError, TaskSucceeded, WriteResults


@dataclass(frozen=True)
class Submitted:
    """The first answer of a task that ends later."""

    output: Any


class Services:
    """The services of one case."""

    def __init__(self, case: dict[str, Any]) -> None:
        self.case = case

    def call(self, command: InvokeTask) -> list[tuple[float, Any]]:
        """(seconds from now, answer) of each answer to a service task."""
        if ":lambda:" in command.integration:
            arn = f"arn:aws:lambda:us-east-1:111111111111:function:{command.resource}"
            text = f"Function not found: {arn}:$LATEST (Service: AWSLambda; Status Code: 404; Error Code: "
            text += f"ResourceNotFoundException; Request ID: {uuid.uuid4()}; Proxy: null)"
            return [(0, TaskError("Lambda.ResourceNotFoundException", text))]
        raise NotImplementedError(command.integration)

    def read(self, command: ReadItems) -> list[Any]:
        """The items that an ItemReader finds."""
        raise TaskError("States.ItemReaderFailed", command.resource)

    def write(self, command: WriteResults) -> TaskSucceeded:
        """Take what a Map Run gave."""
        return TaskSucceeded(command.id, None)
