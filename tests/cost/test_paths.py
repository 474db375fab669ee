"""The transitions of each path: those of an execution with the real functions, and of a walk from state to state."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pupline.asl import Result, StateMachine, TaskError, execute
from pupline.cost._paths import PUBLISH, WorkflowPath, WorkflowPaths, bulk_transitions, transitions_of
from pupline.errors import BlockedAddress, NotFound, RetryAfter, ServerError, TaskFailure
from pupline.tasks.alert_png import alert_png
from pupline.tasks.fetch_and_upload_dog_image import fetch_and_upload
from pupline.tasks.log_to_dynamodb import log_to_dynamodb
from tests.cost.cost_world import BULK, PIPELINE, WORKFLOWS
from tests.shared.functions_fakes import PUG, FakeTable, World, picture

URL = f"{PUG}a.jpg"
JPEG, PNG = picture("JPEG"), picture("PNG")


class Clock:
    """A clock that stands still."""

    def now(self) -> float:
        """As the port says."""
        return 1_780_000_000.0


def failing(error: Exception) -> Any:
    """A task that fails."""

    def task(_: Any) -> Any:
        raise error

    return task


def run(machine: StateMachine, given: dict[str, Any], *served: bytes | TaskFailure) -> Result:
    """An execution with the real functions. served: what the source answers, one after the other."""
    world, table = World({URL: list(served)}, picks=[URL]), FakeTable()
    tasks: dict[str, Callable[[Any], Any]] = {
        "FetchAndUploadDogImage": lambda event: fetch_and_upload(event, world.services),
        "AlertPNG": alert_png,
        "LogToDynamoDB": lambda event: log_to_dynamodb(event, table, Clock()),
        PUBLISH: lambda _: {"MessageId": "1"},
    }
    result = execute(machine, given, tasks=tasks, start=time.time())  # of Express executions, functions heed the start
    assert len(table.records) == 1
    return result


PATHS: dict[str, tuple[dict[str, Any], list[bytes | TaskFailure], Callable[[WorkflowPaths], WorkflowPath]]] = {
    "random": ({}, [JPEG], lambda paths: paths.plain),
    "breed": ({"breed": "pug"}, [JPEG], lambda paths: paths.plain),
    "image_url": ({"image_url": URL}, [JPEG], lambda paths: paths.plain),
    "alert": ({}, [PNG], lambda paths: paths.alert),
    "refused": ({}, [BlockedAddress("no")], lambda paths: paths.failure("BlockedAddress")),
    "failed": ({}, [NotFound("gone")], lambda paths: paths.failure()),
    "tried-again": ({}, [ServerError("503")], lambda paths: paths.failure("ServerError")),
    "rate-limited-once": ({}, [RetryAfter("wait", 5), JPEG], lambda paths: paths.rate_limited),
    "rate-limited": ({}, [RetryAfter("wait", 5)], lambda paths: paths.failure("RetryAfter")),
}


@pytest.mark.parametrize("kind", ["standard", "express"])
@pytest.mark.parametrize("name", PATHS)
def test_the_count_is_that_of_an_execution(kind: str, name: str) -> None:
    """With the real functions, an execution of either type has the transitions, invocations and messages counted."""
    given, served, expected = PATHS[name]
    paths: WorkflowPaths = getattr(WORKFLOWS, kind)
    result = run(paths.workflow, given, *served)
    path = expected(paths)
    assert transitions_of(result.history) == path.transitions
    scheduled = sum(1 for event in result.history if event["type"] == "TaskScheduled")
    assert scheduled == sum(path.invocations.values()) + path.publishes


def walk(machine: StateMachine, *choices: str) -> Iterator[str]:
    """The states from StartAt on, by Next alone; at a Choice, the next of `choices`, which are taken in turn."""
    states, turns = machine.definition["States"], iter(choices)
    name = machine.definition["StartAt"]
    while True:
        yield name
        state = states[name]
        if state["Type"] in ("Succeed", "Fail"):
            return
        name = next(turns) if state["Type"] == "Choice" else state["Next"]


@pytest.mark.parametrize("kind", ["standard", "express"])
def test_the_count_is_that_of_a_walk(kind: str) -> None:
    """The definition itself, read state by state, gives the same: four without an alert, seven with one."""
    paths: WorkflowPaths = getattr(WORKFLOWS, kind)
    assert len(list(walk(paths.workflow, "LogToDynamoDB"))) == paths.plain.transitions == 4
    assert len(list(walk(paths.workflow, "PNGContentAlert"))) == paths.alert.transitions == 7
    # A Catch leads from the first state to ImageFailed, and on from there.
    failed = ["FetchAndUploadDogImage", "ImageFailed", "LogFailureToDynamoDB", "FailState"]
    assert paths.failure().transitions == len(failed)


def test_the_parent_of_a_run_is_walked_too() -> None:
    """BulkIngest's own states, each once, without an alert."""
    states = list(walk(BULK, "CheckDigest", "CheckTolerance", "Ingested"))
    assert bulk_transitions(BULK) == len(states) == 7


def test_each_retry_is_a_transition() -> None:
    """As AWS bills it: a state that is tried three times is entered once, and costs three."""
    answers = iter([TaskError("Lambda.TooManyRequestsException"), TaskError("Lambda.ServiceException")])

    def fetch(_: int) -> Any:
        error = next(answers, None)
        if error is not None:
            raise error
        return {"status": "success", "uploaded_image": "a.jpg", "file_type": "jpg", "outcome": "stored"}

    path = WorkflowPath.counted(PIPELINE, fetch)
    assert (path.transitions, path.invocations["FetchAndUploadDogImage"]) == (6, 3)


def test_waiting_is_counted_in_seconds() -> None:
    """Wait states and the time before retries, which an Express execution pays for."""
    assert WORKFLOWS.standard.plain.waits == 0
    assert WORKFLOWS.standard.rate_limited.waits == 5
    assert WORKFLOWS.standard.failure("ServerError").waits > 0
