"""The paths of an image through the workflow, counted by running its file with stubs for its tasks.

AWS bills a transition for each state that is entered, and for each retry.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pupline.asl import StateMachine, TaskError, execute

FETCH = "FetchAndUploadDogImage"
PUBLISH = "arn:aws:states:::sns:publish"
NOT_FOUND = "NotFound"
"""An error that no Retrier names: the path of an image that is not there."""

RETRY_AFTER_SECONDS = 5
"""Seconds that a server asks to wait."""

_IMAGE = {"status": "success", "uploaded_image": "a.jpg", "file_type": "jpg", "outcome": "stored"}
_PNG = {**_IMAGE, "uploaded_image": "a.png", "file_type": "png"}


@dataclass(frozen=True, slots=True)
class WorkflowPath:
    """One execution's usage: transitions, invocations by function, alerts published.

    waits: seconds in Wait states and before retries.
    """

    transitions: int
    invocations: Mapping[str, int]
    publishes: int
    waits: float = 0.0

    @classmethod
    def counted(cls, workflow: StateMachine, fetch: Callable[[int], Any]) -> "WorkflowPath":
        """The path of an image for which FetchAndUploadDogImage returns, or raises, what `fetch` does.

        fetch: gets the number of the invocation, from 1.
        """
        stubs = _Stubs(fetch)
        result = execute(workflow, {}, tasks=stubs)
        functions = {name: count for name, count in stubs.calls.items() if not name.startswith("arn:")}
        waits = result.history[-1]["timestamp"] - result.history[0]["timestamp"]  # in virtual time, tasks take none
        return cls(transitions_of(result.history), functions, stubs.calls[PUBLISH], waits)


class _Stubs(dict[str, Callable[[Any], Any]]):
    """A stub for each resource that a workflow calls. calls: how often, by the function's name or the resource."""

    def __init__(self, fetch: Callable[[int], Any]) -> None:
        self.calls: Counter[str] = Counter()
        self._fetch = fetch

    def __missing__(self, resource: str) -> Callable[[Any], Any]:
        name = resource.rpartition(":function:")[2].partition(":")[0] if ":function:" in resource else resource

        def stub(_: Any) -> Any:
            self.calls[name] += 1
            return self._fetch(self.calls[name]) if name == FETCH else {"status": "success", "MessageId": "1"}

        return stub


@dataclass(slots=True)
class WorkflowPaths:
    """The paths that an image can take through a workflow, each counted when it is first asked for."""

    workflow: StateMachine
    _failures: dict[str, WorkflowPath] = field(default_factory=dict)
    _fetched: dict[str, WorkflowPath] = field(default_factory=dict)

    @property
    def plain(self) -> WorkflowPath:
        """Of a JPEG."""
        return self._of("plain", lambda _: _IMAGE)

    @property
    def alert(self) -> WorkflowPath:
        """Of a PNG."""
        return self._of("alert", lambda _: _PNG)

    @property
    def rate_limited(self) -> WorkflowPath:
        """Of a JPEG whose server asked once to wait."""

        def fetch(number: int) -> Any:
            if number == 1:
                raise TaskError("RetryAfter", _cause("RetryAfter"))
            return _IMAGE

        return self._of("rate_limited", fetch)

    def failure(self, error: str = NOT_FOUND) -> WorkflowPath:
        """Of an image for which the function raises this error, however often it is tried."""

        def fetch(_: int) -> Any:
            raise TaskError(error, _cause(error))

        if error not in self._failures:
            self._failures[error] = WorkflowPath.counted(self.workflow, fetch)
        return self._failures[error]

    @property
    def lost(self) -> WorkflowPath:
        """Of an image whose execution was throttled until it gave up, without those attempts."""
        path = self.failure()
        return replace(path, invocations={**path.invocations, FETCH: 0})

    def _of(self, name: str, fetch: Callable[[int], Any]) -> WorkflowPath:
        if name not in self._fetched:
            self._fetched[name] = WorkflowPath.counted(self.workflow, fetch)
        return self._fetched[name]


def _cause(error: str) -> str:
    """Lambda's error object, with the seconds that a server asks to wait."""
    return json.dumps({"errorMessage": json.dumps({"retry_after_seconds": RETRY_AFTER_SECONDS}), "errorType": error})


def bulk_transitions(bulk: StateMachine) -> int:
    """Transitions of the parent execution of a run of BulkIngest."""
    batch = {"outcomes": {"stored": 1}, "unfinished": False, "alerting": False}
    summary = {"alerting": False, "tolerance_exceeded": False, "complete": True}
    tasks: dict[str, Callable[[Any], Any]] = {
        "IngestBatch": lambda _: batch,
        "SummariseIngest": lambda _: summary,
        "arn:aws:states:::s3:getObject": lambda _: [{"url": "https://images.example/a.jpg"}],
        "arn:aws:states:::s3:putObject": lambda _: None,
    }
    return transitions_of(execute(bulk, {"dataset": "dogs"}, tasks=tasks).history)


def transitions_of(history: Iterable[Mapping[str, Any]]) -> int:
    """What a Standard execution with this history is billed for: states entered, and attempts beyond the first."""
    kinds = Counter(str(event["type"]) for event in history)
    entered = sum(count for kind, count in kinds.items() if kind.endswith("StateEntered"))
    scheduled = sum(count for kind, count in kinds.items() if kind.endswith("Scheduled"))
    return entered + scheduled - kinds["TaskStateEntered"]
