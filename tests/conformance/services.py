"""The services that conformance cases call.

What a service answered is taken from the recording: these cases then show what the engine makes of the answer. Objects
that a Distributed Map reads are those that the case put into its bucket.
"""

import json
from dataclasses import dataclass
from typing import Any

from pupline.asl import InvokeTask, ItemReaderError, ReadItems, TaskError, TaskSucceeded, WriteResults, parse_items

#: The corpus's number of the account that a role is assumed in.
OTHER_ACCOUNT = "222222222222"


#: Stands for the ARN that the corpus calls `activity_arn`.
ACTIVITY_ARN = "arn:aws:states:us-east-1:111111111111:activity:corpus"


@dataclass(frozen=True)
class Started:
    """A worker has taken the task of an activity."""

    worker_name: str


@dataclass(frozen=True)
class Submitted:
    """The first answer of a task that ends later."""

    output: Any


class Services:
    """The services of one case."""

    def __init__(self, case: dict[str, Any]) -> None:
        self.events = case["expected"].get("events") or []
        self.objects = {
            (call["kwargs"]["Bucket"], call["kwargs"]["Key"]): call["kwargs"]["Body"].encode()
            for call in case.get("setup") or []
            if call["operation"] == "put_object" and isinstance(call["kwargs"]["Body"], str)
        }
        self.used: set[int] = set()
        #: What the comparer has to know by the recording's names: tokens made here, and the other account.
        self.names = {OTHER_ACCOUNT: "<secondary_test_aws_account_id>", ACTIVITY_ARN: "activity_arn"}

    def call(self, command: InvokeTask) -> list[tuple[float, Any]]:
        """(seconds from now, answer) of each answer to a service task; none when the recorded one timed out."""
        if command.resource == ACTIVITY_ARN:
            return self._activity()
        action = command.integration.rpartition(":states:::")[2]
        scheduled = next(
            event
            for event in self.events
            if event["type"] == "TaskScheduled" and event["id"] not in self.used and _named(event, action)
        )
        self.used.add(scheduled["id"])
        names = dict(_differences(scheduled["taskScheduledEventDetails"]["parameters"], command.payload))
        self.names |= {actual: recorded for recorded, actual in names.items() if actual == command.task_token}
        return self._answers(scheduled["id"], names)

    def _activity(self) -> list[tuple[float, Any]]:
        """What the recorded worker did; the failure of a task whose activity was deleted."""
        recorded = {event["type"]: event for event in self.events}
        if "ActivityScheduled" not in recorded:
            return [(0, TaskError("States.Runtime", f"The activity {ACTIVITY_ARN} does not exist."))]
        worker = Started(recorded["ActivityStarted"]["activityStartedEventDetails"]["workerName"])
        if "ActivityFailed" in recorded:
            failed = recorded["ActivityFailed"]["activityFailedEventDetails"]
            return [(0, Submitted(None)), (0, worker), (0, TaskError(failed["error"], _text(failed["cause"])))]
        output = recorded["ActivitySucceeded"]["activitySucceededEventDetails"]["output"]
        return [(0, Submitted(None)), (0, worker), (0, output)]

    def _answers(self, last: int, names: dict[str, str]) -> list[tuple[float, Any]]:
        answers: list[tuple[float, Any]] = []
        while (event := next((each for each in self.events if each["previousEventId"] == last), None)) is not None:
            last = event["id"]
            details = _renamed(event.get(f"t{event['type'][1:]}EventDetails") or {}, names)
            if event["type"] == "TaskSubmitted":
                answers.append((0, Submitted(details["output"])))
            elif event["type"] == "TaskSucceeded":
                return [*answers, (0, details["output"])]
            elif event["type"] == "TaskFailed":
                return [*answers, (0, TaskError(details["error"], _text(details.get("cause"))))]
            elif event["type"] != "TaskStarted":
                break
        return answers

    def read(self, command: ReadItems) -> list[Any]:
        """The items that an ItemReader finds."""
        body = self.objects.get((command.arguments["Bucket"], command.arguments["Key"]))
        if body is None:
            raise TaskError("States.ItemReaderFailed", f"no object {command.arguments}")
        try:
            return parse_items(body, command.reader_config)
        except ItemReaderError as error:
            raise TaskError("States.ItemReaderFailed", str(error)) from error

    def write(self, command: WriteResults) -> TaskSucceeded:
        """Accept the results of a Map Run."""
        assert "manifest.json" in command.files
        return TaskSucceeded(command.id, None)


def _named(event: dict[str, Any], action: str) -> bool:
    details = event["taskScheduledEventDetails"]
    return action == f"{details['resourceType']}:{details['resource']}"


def _differences(recorded: Any, actual: Any) -> list[tuple[str, str]]:
    """(text in the recording, text here) of names that differ in every run, such as tokens."""
    if isinstance(recorded, dict) and isinstance(actual, dict):
        return [pair for key in recorded for pair in _differences(recorded[key], actual.get(key))]
    if isinstance(recorded, list) and isinstance(actual, list):
        return [pair for one, other in zip(recorded, actual, strict=False) for pair in _differences(one, other)]
    same_kind = isinstance(recorded, str) and isinstance(actual, str)
    return [(recorded, actual)] if same_kind and recorded != actual else []


def _renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {key: _renamed(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_renamed(item, names) for item in value]
    if isinstance(value, str):
        for recorded, actual in names.items():
            value = value.replace(recorded, actual)
    return value


def _text(cause: Any) -> str | None:
    return cause if cause is None or isinstance(cause, str) else json.dumps(cause, separators=(",", ":"))
