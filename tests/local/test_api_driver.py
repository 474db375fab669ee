"""Executions of the API in the driver: durable, answered after the commit, apart from those of runs."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pupline.asl import InvokeTask, ItemsRead, ProtocolError, StateMachine, TaskSucceeded
from pupline.errors import StorageError
from pupline.local import (
    ApiDriver,
    ApiExecution,
    ApiJournal,
    ApiStart,
    Driver,
    DriverSettings,
    LocalBackend,
    NameInUse,
    NoRoom,
    NotRedrivable,
    NotWaiting,
    StartRequest,
    SystemClock,
)
from tests.local.local_fakes import InlineRuntime, machine, task

HANG = InlineRuntime.HANG
WAITING = machine({"Wait": {"Type": "Wait", "Seconds": 86_400, "End": True}})


def request(name: str, of: StateMachine, given: Any = None) -> StartRequest:
    """A request of the API."""
    api = ApiStart(f"arn:{name}", "arn:machine", {"Execution": {"Name": name}}, "{}", {}, definition="{}")
    return StartRequest(name, {} if given is None else given, machine=of, api=api)


@contextmanager
def driving(
    data: Path, functions: dict[str, Callable[..., Any]], **more: Any
) -> Iterator[tuple[ApiDriver, ApiJournal]]:
    """A driver in a thread of its own, which ends as if the process had been killed."""
    with LocalBackend.open(data, exclusive=True) as backend:
        settings = DriverSettings(
            machine=None,
            runtime=InlineRuntime(functions),
            topic=None,
            clock=SystemClock(),
            of_api=True,
            grace_seconds=0,
            **more,
        )
        driver: Driver = backend.driver(settings)
        thread = threading.Thread(target=driver.drive, kwargs={"until_stopped": True})
        thread.start()
        try:
            yield ApiDriver(driver, backend.journal), ApiJournal(backend.database)
        finally:
            driver.stop_starting()
            thread.join()


def test_of_two_starts_in_one_turn_one_has_the_name(tmp_path: Path) -> None:
    """Also before anything is committed: another input under the name of an execution is refused."""
    with LocalBackend.open(tmp_path, exclusive=True) as backend:
        settings = DriverSettings(
            machine=None,
            runtime=InlineRuntime({}),
            topic=None,
            clock=SystemClock(),
            of_api=True,
            grace_seconds=0,
        )
        driver = backend.driver(settings)
        api = ApiDriver(driver, backend.journal)
        with ThreadPoolExecutor(2) as pool:
            starts = [pool.submit(api.start, request("a", WAITING, {"n": number})) for number in range(2)]
            while driver._inbox.qsize() < 2:
                time.sleep(0.001)
            thread = threading.Thread(target=driver.drive, kwargs={"until_stopped": True})
            thread.start()
            failures = [start.exception() for start in starts]
        driver.stop_starting()
        thread.join()
        assert sorted(type(one).__name__ for one in failures) == ["NameInUse", "NoneType"]
        assert len(backend.database.rows("SELECT name FROM executions")) == 1


def test_an_express_execution_begins_again(tmp_path: Path) -> None:
    """It was acknowledged, so it is not lost; its facts are not journalled, so all of it runs again."""
    calls: list[str] = []
    states = {"One": task("One", Next="Two"), "Two": task("Two")}
    express = StateMachine.parse({"StartAt": "One", "States": states}, type="EXPRESS")

    def one(_event: Any, _invocation: Any) -> None:
        calls.append("one")

    with driving(tmp_path, {"One": one, "Two": lambda *_: HANG}) as (api, _):
        api.start(request("x", express))
    ended = threading.Event()
    with driving(tmp_path, {"One": one, "Two": lambda *_: ended.set()}) as (_, journal):
        assert ended.wait(10)
        while journal.count_running("arn:machine"):
            threading.Event().wait(0.01)
    assert calls == ["one", "one"]


def test_a_run_leaves_executions_of_the_api_alone(tmp_path: Path) -> None:
    """And the API those of a run: neither could call the other's functions."""
    with driving(tmp_path, {}) as (api, _):
        api.start(request("of-api", WAITING))
    with LocalBackend.open(tmp_path, exclusive=True) as backend:
        settings = DriverSettings(
            machine=machine({"Done": {"Type": "Succeed"}}),
            runtime=InlineRuntime({}),
            topic=backend.topic,
            clock=SystemClock(),
        )
        assert backend.driver(settings).drive([StartRequest("of-run", {})]).finished == {"SUCCEEDED": 1}
        assert backend.journal.get("of-api").status == "RUNNING"
        assert backend.journal.count_unfinished() == 0
        assert backend.driver(settings).drive([StartRequest("of-api", {})]).refused == 1


def test_a_name_is_free_again_after_a_while(tmp_path: Path) -> None:
    """Not before; the execution that had it is forgotten then."""
    with driving(tmp_path, {}) as (api, journal):
        api.start(request("x", WAITING))
        stopped = api.stop("x", None, None)
        with pytest.raises(NameInUse):
            api.start(request("x", WAITING), forget_before=stopped)
        api.start(request("x", WAITING), forget_before=stopped + 1)
        (found,) = [one.row.status for one in [journal.find("arn:x")] if one]
        assert found == "RUNNING"


def test_what_is_refused_changes_nothing(tmp_path: Path) -> None:
    """More executions than there is room for, a redrive of one that runs, an answer that nobody waits for."""
    with driving(tmp_path, {}, concurrency=1) as (api, journal):
        api.start(request("x", WAITING))
        with pytest.raises(NoRoom):
            api.start(request("y", WAITING))
        with pytest.raises(NotRedrivable, match="Execution is RUNNING and cannot be redriven"):
            api.redrive("x")
        with pytest.raises(NotWaiting):
            api.answer("x", "Wait@1#0", [])
        assert journal.find("arn:y") is None


def test_no_request_waits_for_a_driver_that_has_ended(tmp_path: Path) -> None:
    """It is told so."""
    with driving(tmp_path, {}) as (api, _):
        pass
    with pytest.raises(StorageError, match="no longer driven"):
        api.start(request("x", WAITING))


def test_one_execution_that_breaks_the_engine_costs_itself(tmp_path: Path) -> None:
    """The others go on after a restart; it stays as it is, and can be stopped."""
    hanging = machine({"Wait": {"Type": "Wait", "Seconds": 1, "End": True}})
    with LocalBackend.open(tmp_path, exclusive=True) as backend:
        settings = DriverSettings(
            machine=None, runtime=_Broken(), topic=None, clock=SystemClock(), of_api=True, wait_scale=0.01
        )
        driver = backend.driver(settings)
        api, journal = ApiDriver(driver, backend.journal), ApiJournal(backend.database)
        ends: list[BaseException] = []

        def drive() -> None:
            for _ in range(2):
                try:
                    driver.drive(until_stopped=True)
                except ProtocolError as error:
                    ends.append(error)

        thread = threading.Thread(target=drive)
        thread.start()
        api.start(request("broken", machine({"T": task("T")})))
        while not ends:
            threading.Event().wait(0.01)
        api.start(request("sound", hanging))
        while (found := journal.find("arn:sound")) and found.row.status == "RUNNING":
            threading.Event().wait(0.01)
        api.stop("broken", "Broken", None)
        broken = journal.find("arn:broken")
        driver.stop_starting()
        thread.join()
        assert broken is not None
        assert (broken.row.status, len(ends)) == ("ABORTED", 1)


class _Broken:
    """A runtime whose answer is of a kind that no Task gets."""

    def invoke(self, command: InvokeTask, _invocation: Any, answer: Callable[[Any], None]) -> None:
        """Answer wrongly."""
        answer(ItemsRead(command.id, []))


def test_requests_are_answered_while_many_executions_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those for an execution whose turn has not come."""
    resource = "arn:aws:states:::sqs:sendMessage.waitForTaskToken"
    arguments: Any = {"QueueUrl": "q", "MessageBody.$": "$$.Task.Token"}
    waiting = machine({"T": {"Type": "Task", "Resource": resource, "Parameters": arguments, "End": True}})
    functions = {"sendMessage.waitForTaskToken": lambda *_: HANG}
    with driving(tmp_path, functions) as (api, _):
        for number in range(5):
            api.start(request(f"n{number}", waiting))
    monkeypatch.setattr("pupline.local.journal._driver._RESUMED_AT_ONCE", 1)
    with driving(tmp_path, functions) as (api, journal):
        api.answer("n4", "T@1#0", [TaskSucceeded("T@1#0", 4)])
        api.answer("n3", "T@1#0", [TaskSucceeded("T@1#0", 3)])
        assert journal.count_running("arn:machine") == 3
        with pytest.raises(NotWaiting):
            api.answer("n4", "T@1#0", [TaskSucceeded("T@1#0", 4)])
        assert [event["type"] for event in journal.replay(_found(journal, "arn:n4")).history].count(
            "TaskSucceeded"
        ) == 1


def _found(journal: ApiJournal, arn: str) -> ApiExecution:
    found = journal.find(arn)
    assert found is not None
    return found


def test_waits_are_scaled(tmp_path: Path) -> None:
    """A day takes no time with a scale of 0; the history says when it was."""
    with driving(tmp_path, {}, wait_scale=0) as (api, journal):
        api.start(request("x", WAITING))
        while journal.count_running("arn:machine"):
            threading.Event().wait(0.01)
        found = journal.find("arn:x")
        assert found is not None
        assert found.row.status == "SUCCEEDED"
        assert [event["type"] for event in journal.replay(found).history][-1] == "ExecutionSucceeded"
