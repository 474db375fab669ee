"""Running and redriving on a stack: started once under its name, polled politely, reported with its record."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pupline.backends import (
    ExecutionResult,
    RedriveSelection,
    Refused,
    RunEvent,
    RunReport,
    RunRequest,
    RunSettings,
    StackBackend,
)
from pupline.backends.stack._polling import Timer
from pupline.errors import BackendUnavailable, ConfigurationError, PuplineError
from tests.backends.stack_fakes import PNG, STORED, FakeStack, VirtualTimer, not_found
from tests.backends.stack_fixtures import fake_stack

pytestmark = pytest.mark.aws


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeStack]:
    """The stack `pupline`."""
    with fake_stack(monkeypatch, tmp_path) as stack:
        yield stack


class Runner:
    """The backend, a clock, and the events of its last command."""

    def __init__(self) -> None:
        self.clock = VirtualTimer()
        timer = Timer(lambda: self.clock.now(), lambda seconds: self.clock.sleep(seconds))
        self.backend = StackBackend("pupline", timer, page_size=7)
        self.events: list[RunEvent] = []

    @property
    def results(self) -> list[ExecutionResult]:
        """The results among the events."""
        return [event for event in self.events if isinstance(event, ExecutionResult)]

    @property
    def refused(self) -> list[Refused]:
        """The refusals among the events."""
        return [event for event in self.events if isinstance(event, Refused)]

    def run(self, count: int, *, concurrency: int = 4, run_id: str = "r", **settings: str) -> RunReport:
        """Run it to its end."""
        self.events.clear()
        request = RunRequest(RunSettings(**settings), count, concurrency, run_id)  # type: ignore[arg-type]
        return self.backend.run(request, self.events.append)

    def redrive(self, *names: str, run: str | None = None) -> RunReport:
        """Redrive to the end."""
        self.events.clear()
        return self.backend.redrive(RedriveSelection(names, run), self.events.append)


@pytest.fixture
def runner(deployed: FakeStack) -> Runner:  # noqa: ARG001 - it has to be there
    """For the stack."""
    return Runner()


def test_each_result_has_its_record(deployed: FakeStack, runner: Runner) -> None:
    """The same objects as on one machine: from the output of what succeeded, from the history of what failed."""
    deployed.states.fetch = lambda name: {"r-00002": PNG, "r-00003": not_found()}.get(name, STORED)
    report = runner.run(3)
    assert report == RunReport("r", finished=3, failed=1)
    told = {result.execution: result.as_dict() for result in runner.results}
    assert told["r-00002"] == {
        "execution": "r-00002",
        "status": "SUCCEEDED",
        "outcome": "stored",
        "reason": "accepted",
        "image_name": "b.png",
        "image_url": STORED["image_url"],
        "file_type": "png",
        "alert_triggered": True,
        "error": None,
        "cause": None,
    }
    failed = told["r-00003"]
    assert (failed["status"], failed["outcome"], failed["reason"]) == ("FAILED", "failed", "not_found")
    assert (failed["image_name"], failed["error"]) == ("c.jpg", "NotFound")
    assert failed["cause"] == "https://x.example/c.jpg: 404"
    assert [type(result.record.size_bytes) for result in runner.results if result.record] == [int, int, type(None)]


def test_the_input_is_that_of_the_request(deployed: FakeStack, runner: Runner) -> None:
    """A breed or an image's URL is the input of every execution."""
    runner.run(2, breed="hound/afghan")
    assert {run.input for run in deployed.states.runs.values()} == {'{"breed": "hound/afghan"}'}


def test_a_repeated_run_starts_what_is_missing(deployed: FakeStack, runner: Runner) -> None:
    """Names make starting idempotent: what exists is reported again and not done again."""
    runner.run(3)
    report = runner.run(5)
    assert sorted(result.execution for result in runner.results) == [f"r-{number:05}" for number in range(1, 6)]
    assert (len(deployed.states.runs), report.failed) == (5, 0)
    assert len(list(runner.backend.records())) == 5


def test_a_run_that_is_still_running_is_joined(deployed: FakeStack, runner: Runner) -> None:
    """An execution that another terminal started is waited for."""
    deployed.states.looks = 3
    deployed.states.start_execution({"name": "r-00001", "input": "{}"})
    assert runner.run(1).failed == 0
    assert [result.status for result in runner.results] == ["SUCCEEDED"]


@pytest.mark.parametrize("looks", [0, 3])
def test_a_run_started_with_another_input_is_refused(deployed: FakeStack, runner: Runner, looks: int) -> None:
    """The name is taken; the error shows the other input."""
    deployed.states.looks = looks
    deployed.states.start_execution({"name": "r-00001", "input": '{"breed": "pug"}'})
    with pytest.raises(ConfigurationError, match=r"started with other settings \(the input of r-00001 is .*pug"):
        runner.run(1)


def test_no_more_are_in_flight_than_asked(deployed: FakeStack, runner: Runner) -> None:
    """Concurrency bounds what runs at the same time, from the first to the last."""
    deployed.states.looks, most = 2, 0
    start = deployed.states.start_execution

    def counting(request: dict[str, Any]) -> dict[str, Any]:
        nonlocal most
        answer = start(request)
        most = max(most, sum(run.status == "RUNNING" for run in deployed.states.runs.values()))
        return answer

    deployed.states.start_execution = counting  # type: ignore[method-assign]
    runner.run(20, concurrency=3)
    assert most == 3
    assert len(runner.results) == 20


@pytest.mark.slow
def test_waiting_is_polite(deployed: FakeStack, runner: Runner) -> None:
    """Each execution is described less and less often, and all of them at most ten times a second."""
    deployed.states.looks = 12
    runner.run(1)
    pauses = runner.clock.slept
    assert pauses[0] == pytest.approx(1.0)
    assert all(later >= earlier for earlier, later in itertools.pairwise(pauses))
    assert max(pauses) == pytest.approx(20.0)
    before, runner.clock.time, deployed.states.looks = deployed.states.count("DescribeExecution"), 0.0, 1
    runner.run(40, concurrency=40, run_id="s")
    looks = deployed.states.count("DescribeExecution") - before
    assert looks / runner.clock.time <= 10.5


@pytest.mark.slow
def test_reporting_ended_executions_is_polite_too(deployed: FakeStack, runner: Runner) -> None:
    """A repeated run whose executions all exist describes ten a second, not as fast as it can."""
    deployed.states.looks = 0
    runner.run(30)
    runner.clock.time, before = 0.0, deployed.states.count("DescribeExecution")
    runner.run(30)
    assert deployed.states.count("DescribeExecution") - before == 30
    assert runner.clock.time == pytest.approx(2.9)


def test_ctrl_c_stops_the_waiting(deployed: FakeStack, runner: Runner) -> None:
    """Results stay reported, executions continue, and the run can be repeated."""
    deployed.states.looks = 3
    sleep = runner.clock.sleep

    def interrupted(seconds: float) -> None:
        if len(runner.results) == 1:
            raise KeyboardInterrupt
        sleep(seconds)

    runner.clock.sleep = interrupted  # type: ignore[method-assign]
    report = runner.run(6, concurrency=2)
    assert (report.interrupted, report.finished, len(runner.results)) == (True, 1, 1)
    runner.clock.sleep = sleep  # type: ignore[method-assign]
    assert runner.run(6).failed == 0
    assert len(runner.results) == 6


def test_an_execution_that_logged_nothing_has_no_record(deployed: FakeStack, runner: Runner) -> None:
    """It was stopped: its result has no record."""
    deployed.states.abort = frozenset({"r-00001"})
    assert runner.run(1).failed == 1
    (result,) = runner.results
    assert (result.status, result.outcome, result.record) == ("ABORTED", "failed", None)


def test_a_refused_start_is_an_error(deployed: FakeStack, runner: Runner) -> None:
    """It names the execution."""
    deployed.states.fail_with["StartExecution"] = (400, "InvalidExecutionInput", "no")
    with pytest.raises(PuplineError, match="starting r-00001: InvalidExecutionInput: no"):
        runner.run(1)


@pytest.mark.parametrize("operation", ["StartExecution", "DescribeExecution"])
def test_a_throttled_call_is_repeated_for_minutes(deployed: FakeStack, runner: Runner, operation: str) -> None:
    """AWS may be busy with others for longer than the client tries: what was started is not left alone for that."""
    sleep, failures = runner.clock.sleep, deployed.states.fail_with
    failures[operation] = (400, "ExecutionLimitExceeded", "full")

    def sleeping(seconds: float) -> None:
        sleep(seconds)
        if runner.clock.now() > 120:
            failures.clear()

    runner.clock.sleep = sleeping  # type: ignore[method-assign]
    assert runner.run(2) == RunReport(run_id="r", finished=2)


def test_a_call_that_stays_throttled_ends_the_command(deployed: FakeStack, runner: Runner) -> None:
    """After four minutes; it can be repeated, and goes on where it was."""
    deployed.states.fail_with["StartExecution"] = (400, "ExecutionLimitExceeded", "full")
    with pytest.raises(BackendUnavailable, match="ExecutionLimitExceeded: full; try again in a moment"):
        runner.run(1)
    assert 240 < runner.clock.now() < 300


def test_an_aborted_execution_is_redriven(deployed: FakeStack, runner: Runner) -> None:
    """RedriveExecution is called for it, and it goes on under its own name; no second record comes of it."""
    deployed.states.abort = frozenset({"r-00001"})
    runner.run(1)
    deployed.states.abort = frozenset()
    assert runner.redrive() == RunReport(finished=1)
    assert [(result.execution, result.status) for result in runner.results] == [("r-00001", "SUCCEEDED")]
    assert len(list(runner.backend.records())) == 1


def test_a_handled_failure_is_left_alone(deployed: FakeStack, runner: Runner) -> None:
    """It ended in a Fail state, which a redrive would only enter again: nothing is requested of AWS."""
    deployed.states.fetch = lambda _: not_found()
    runner.run(2, breed="x; y")
    report = runner.redrive(run="r")
    assert [one.execution for one in runner.refused] == ["r-00002", "r-00001"]
    reason = report.refused[0]
    assert "would only enter the Fail state FailState again" in reason
    assert reason.endswith("pupline run --image-url https://x.example/c.jpg --backend aws --stack pupline")
    assert deployed.states.count("RedriveExecution") == 0


def test_executions_that_cannot_be_redriven_are_refused(deployed: FakeStack, runner: Runner) -> None:
    """Those that succeeded, and those that Step Functions refuses; an unknown name is an error before any redrive."""
    deployed.states.abort = frozenset({"r-00002"})
    runner.run(2)
    deployed.states.fail_with["RedriveExecution"] = (400, "ExecutionNotRedrivable", "too old")
    assert runner.redrive("r-00001", "r-00002").refused == (
        "it is SUCCEEDED; only what failed, timed out or was aborted can be redriven",
        "Step Functions refuses: too old",
    )
    with pytest.raises(ConfigurationError, match="no execution 'r-00009'"):
        runner.redrive("r-00002", "r-00009")
    assert deployed.states.count("RedriveExecution") == 1
