"""The paths of an image through the workflow, counted by running its file with stubs for its tasks."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pupline.asl import StateMachine, TaskError, execute

PIPELINE_FUNCTIONS = ("FetchAndUploadDogImage", "AlertPNG", "LogToDynamoDB")
_PUBLISH = "arn:aws:states:::sns:publish"


@dataclass(frozen=True, slots=True)
class WorkflowPath:
    """One execution's usage: states entered, invocations by function, alerts published."""

    transitions: int
    invocations: Mapping[str, int]
    publishes: int

    @classmethod
    def counted(cls, workflow: StateMachine, fetch: Callable[[], Any]) -> "WorkflowPath":
        """The path of an image for which FetchAndUploadDogImage returns, or raises, what `fetch` does."""
        calls: Counter[str] = Counter()

        def stub(name: str) -> Callable[[Any], Any]:
            def task(_: Any) -> Any:
                calls[name] += 1
                return fetch() if name == "FetchAndUploadDogImage" else {"status": "success", "MessageId": "1"}

            return task

        result = execute(workflow, {}, tasks={name: stub(name) for name in (*PIPELINE_FUNCTIONS, _PUBLISH)})
        return cls(_states_entered(result.history), {name: calls[name] for name in PIPELINE_FUNCTIONS}, calls[_PUBLISH])


@dataclass(frozen=True, slots=True)
class WorkflowPaths:
    """The three paths that an image can take through the workflow."""

    plain: WorkflowPath
    alert: WorkflowPath
    failure: WorkflowPath

    @classmethod
    def counted(cls, workflow: StateMachine) -> "WorkflowPaths":
        """The paths of a JPEG, of a PNG and of an image that is not found."""
        image = {"status": "success", "uploaded_image": "a.jpg", "file_type": "jpg", "outcome": "stored"}

        def not_found() -> Any:
            raise TaskError("NotFound", '{"errorMessage": "gone", "errorType": "NotFound"}')

        return cls(
            plain=WorkflowPath.counted(workflow, lambda: image),
            alert=WorkflowPath.counted(workflow, lambda: image | {"uploaded_image": "a.png", "file_type": "png"}),
            failure=WorkflowPath.counted(workflow, not_found),
        )


def bulk_transitions(bulk: StateMachine) -> int:
    """States of the parent execution that a run of BulkIngest enters."""
    batch = {"outcomes": {"stored": 1}, "unfinished": False, "alerting": False}
    summary = {"alerting": False, "tolerance_exceeded": False, "complete": True}
    tasks: dict[str, Callable[[Any], Any]] = {
        "IngestBatch": lambda _: batch,
        "SummariseIngest": lambda _: summary,
        "arn:aws:states:::s3:getObject": lambda _: [{"url": "https://images.example/a.jpg"}],
        "arn:aws:states:::s3:putObject": lambda _: None,
    }
    return _states_entered(execute(bulk, {"dataset": "dogs"}, tasks=tasks).history)


def _states_entered(history: Iterable[Mapping[str, Any]]) -> int:
    return sum(1 for event in history if str(event["type"]).endswith("StateEntered"))
