"""Running the workflow's file in memory with stub tasks."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pupline.asl import Result, StateMachine, TaskError, execute

FILE = Path(__file__).parents[2] / "statemachine" / "dog_uploader_pipeline.asl.json"
DEFINITION: dict[str, Any] = json.loads(FILE.read_text())
STATES: dict[str, Any] = DEFINITION["States"]
TOPIC = "arn:aws:states:::sns:publish"

IMAGE: dict[str, Any] = {
    "status": "success",
    "uploaded_image": "a.jpg",
    "image_url": "https://b.example/html/a.jpg",
    "outcome": "stored",
    "file_type": "jpg",
    "extension_agrees": True,
    "alert_reasons": [],
}


@cache
def machine(kind: Literal["STANDARD", "EXPRESS"] = "STANDARD") -> StateMachine:
    """The workflow as template.yaml fills it, with functions by their names: `${AlertPNGArn}` becomes `AlertPNG`."""
    briefly = "TooManyRequestsException" if kind == "EXPRESS" else "None"
    text = FILE.read_text().replace("${BrieflyRetried}", briefly).replace("${aws}", "aws")
    return StateMachine.parse(re.sub(r"\$\{(\w+)Arn\}", r"\1", text), type=kind)


def failure(error: str, message: str = "it happened") -> TaskError:
    """What a function that raised `error` leaves: the name, and Lambda's error JSON."""
    return TaskError(
        error, json.dumps({"errorMessage": message, "errorType": error, "requestId": "1", "stackTrace": []})
    )


def retry_after(seconds: int) -> TaskError:
    """The server asked to come back."""
    return failure("RetryAfter", json.dumps({"message": "busy", "retry_after_seconds": seconds}))


@dataclass
class Stubs:
    """Stub tasks: each gives its answers in turn, the last one again and again; exceptions are raised."""

    fetch: list[Any] = field(default_factory=lambda: [IMAGE])
    alert: list[Any] = field(default_factory=lambda: [{"status": "alert", "message": "m", "image": "a"}])
    publish: list[Any] = field(default_factory=lambda: [{"MessageId": "1"}])
    log: list[Any] = field(default_factory=lambda: [{"status": "success", "logged_item": {}}])
    calls: list[tuple[str, Any]] = field(default_factory=list)

    def run(
        self, given: Any = None, *, name: str = "run-1", kind: Literal["STANDARD", "EXPRESS"] = "STANDARD"
    ) -> Result:
        """Run the workflow on these stubs."""
        tasks = {
            "FetchAndUploadDogImage": self._task("fetch", self.fetch),
            "AlertPNG": self._task("alert", self.alert),
            TOPIC: self._task("publish", self.publish),
            "LogToDynamoDB": self._task("log", self.log),
        }
        return execute(machine(kind), {} if given is None else given, tasks=tasks, name=name)

    def _task(self, label: str, answers: list[Any]) -> Callable[[Any], Any]:
        def task(payload: Any) -> Any:
            self.calls.append((label, payload))
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return task

    def given_to(self, label: str) -> list[Any]:
        """The payloads that this task got."""
        return [payload for called, payload in self.calls if called == label]


def entered(result: Result) -> list[str]:
    """The states entered, in order."""
    return [
        event["stateEnteredEventDetails"]["name"] for event in result.history if event["type"].endswith("StateEntered")
    ]
