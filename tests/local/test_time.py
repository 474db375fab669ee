"""Working time and the machine's clock: what was killed, stopped or put to sleep ends as if it had never been.

A process that is killed is a driver that is thrown away; what lies between it and the next is the gap, by which the
clock is set forward or back.
"""

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pupline.asl import StateMachine
from pupline.local import (
    Driver,
    DriverSettings,
    ExecutionFinished,
    Invocation,
    LocalBackend,
    RedriveRequest,
    StartRequest,
)
from pupline.local._clock import Instant, SystemClock
from pupline.local.journal._timers import Alarms
from tests.local.local_fakes import START, InlineRuntime, VirtualClock, machine, task

HOUR, MONTH = 3600.0, 30 * 86_400.0
GAPS = pytest.mark.parametrize("gap", [0.0, HOUR, 12_001.0, MONTH, -HOUR, -MONTH])
RETRY: Any = [{"ErrorEquals": ["OSError"], "IntervalSeconds": 20, "MaxAttempts": 3, "BackoffRate": 1}]


class Killed(BaseException):
    """What stands for SIGKILL: nothing after it runs."""


class World:
    """One data directory under a virtual clock, and processes on it one after another."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.clock = VirtualClock()
        self.ended: dict[str, ExecutionFinished] = {}
        self.driver: Driver | None = None

    def process(
        self, definition: StateMachine, functions: dict[str, Any], *starts: StartRequest | RedriveRequest
    ) -> None:
        """Drive to the end, or until a function raises Killed. Working time begins anew, as in any process."""
        self.clock.ticks = 0.0
        with LocalBackend.open(self.data_dir, exclusive=True, clock=self.clock) as backend:
            settings = DriverSettings(
                machine=definition,
                runtime=InlineRuntime(functions),
                topic=backend.topic,
                clock=self.clock,
                listener=self.hear,
            )
            self.driver = backend.driver(settings)
            try:
                self.driver.drive(starts)
            except Killed:
                return

    def hear(self, event: Any) -> None:
        """Keep how executions end."""
        if isinstance(event, ExecutionFinished):
            self.ended[event.execution] = event

    def history(self, name: str) -> list[dict[str, Any]]:
        """The execution's events."""
        with LocalBackend.open(self.data_dir, exclusive=False) as backend:
            return backend.journal.history(name)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An empty data directory at START."""
    return World(tmp_path)


def killed_once(world: World, *, after: float = 0.0) -> Callable[[Any, Invocation], Any]:
    """A function that works for so long and is killed at its first call, and answers at all others."""
    calls = itertools.count()

    def function(event: Any, _invocation: Invocation) -> Any:
        world.clock.work(after)
        if next(calls) == 0:
            raise Killed
        return event

    return function


@GAPS
def test_time_in_which_nothing_ran_ends_no_execution(world: World, gap: float) -> None:
    """The machine's TimeoutSeconds and the task's count work alone, whatever the clock says at the next start."""
    two = machine({"Call": task("Call", TimeoutSeconds=75, Next="Log"), "Log": task("Log")}, TimeoutSeconds=12_000)
    functions = {"Call": killed_once(world, after=70), "Log": lambda event, _: event}
    world.process(two, functions, StartRequest("a", {"n": 1}))
    world.clock.time += gap
    world.process(two, functions)
    assert world.ended["a"].status == "SUCCEEDED"
    stamps = [event["timestamp"] for event in world.history("a")]
    assert stamps == sorted(stamps)


@GAPS
def test_the_clock_may_be_set_while_it_runs(world: World, gap: float) -> None:
    """A clock that jumps within a process, as after a suspend, ends nothing and makes no back-off longer."""
    attempts = itertools.count()

    def flaky(event: Any, _invocation: Invocation) -> Any:
        if next(attempts) < 2:
            world.clock.time += gap
            raise OSError("not now")
        return event

    trying = machine({"Try": task("Try", TimeoutSeconds=75, Retry=RETRY)}, TimeoutSeconds=12_000)
    world.process(trying, {"Try": flaky}, StartRequest("a", {}))
    assert (world.ended["a"].status, world.clock.ticks) == ("SUCCEEDED", 40.0)
    stamps = [event["timestamp"] for event in world.history("a")]
    assert stamps == sorted(stamps)


@pytest.mark.parametrize(("gap", "waited"), [(0.0, 19.0), (8.0, 11.0), (20.0, 0.0), (MONTH, 0.0), (-HOUR, 19.0)])
@pytest.mark.parametrize("kind", ["retry", "wait"])
def test_a_pause_is_never_longer_than_it_was_meant(world: World, kind: str, gap: float, waited: float) -> None:
    """Killed after 1 of 20 s, a back-off or Wait has what the clock says is left of it, and never more than 19 s."""
    attempts = itertools.count()

    def flaky(event: Any, _invocation: Invocation) -> Any:
        if next(attempts) == 0:
            raise OSError("not now")
        return event

    again: dict[str, Any] = {"Try": task("Try", Retry=RETRY)}
    wait: dict[str, Any] = {"Wait": {"Type": "Wait", "Seconds": 20, "End": True}}
    killed: dict[str, Any] = {"Killed": {"Type": "Wait", "Seconds": 1, "Next": "Die"}, "Die": task("Die")}
    both = machine({"Both": {"Type": "Parallel", "End": True, "Branches": [
        {"StartAt": next(iter(states)), "States": states} for states in (again if kind == "retry" else wait, killed)
    ]}})  # fmt: skip
    functions = {"Try": flaky, "Die": killed_once(world)}
    world.process(both, functions, StartRequest("a", {}))
    world.clock.time += gap
    world.process(both, functions)
    assert (world.ended["a"].status, world.clock.ticks) == ("SUCCEEDED", waited)


def test_work_counts_over_all_processes(world: World) -> None:
    """TimeoutSeconds of the machine is the sum of the time that processes worked, of which the journal knows."""
    loop: Any = {"Type": "Choice", "Choices": [{"Variable": "$", "IsNull": True, "Next": "End"}], "Default": "Call"}
    states = {"Call": task("Call", Next="Die"), "Die": task("Die", Next="Loop"), "Loop": loop}
    many = machine({**states, "End": {"Type": "Succeed"}}, TimeoutSeconds=100)
    dead = itertools.count()

    def call(event: Any, _invocation: Invocation) -> Any:
        world.clock.work(30)
        return event

    def die(event: Any, _invocation: Invocation) -> Any:
        if next(dead) % 2 == 0:
            raise Killed
        return event

    starts = [StartRequest("a", {})]
    for _ in range(10):
        world.process(many, {"Call": call, "Die": die}, *starts)
        starts = []
        world.clock.time += HOUR
    assert world.ended["a"].status == "TIMED_OUT"
    calls = sum(event["type"] == "LambdaFunctionSucceeded" for event in world.history("a"))
    assert calls // 2 == 3


@pytest.mark.parametrize(("gap", "ticks"), [(0.0, 100.0), (60.0, 40.0), (HOUR, 0.0), (-50.0, 150.0)])
def test_a_wait_until_a_timestamp_is_the_clocks(world: World, gap: float, ticks: float) -> None:
    """A time of day has come when the clock says so."""
    until = machine({"Die": task("Die", Next="Wait"), "Wait": {"Type": "Wait", "TimestampPath": "$.at", "End": True}})

    def jump(event: Any, _invocation: Invocation) -> Any:
        world.clock.time += gap
        return event

    world.process(until, {"Die": jump}, StartRequest("a", {"at": "2026-01-02T03:05:45Z"}))
    assert (world.ended["a"].status, world.clock.ticks) == ("SUCCEEDED", ticks)


@GAPS
def test_a_stop_does_not_undo_the_order_either(world: World, gap: float) -> None:
    """An execution that is stopped while nobody drives it, then redriven: its history's times do not go back."""
    two = machine({"Call": task("Call", Next="Die"), "Die": task("Die")}, TimeoutSeconds=100)
    functions = {"Call": lambda event, _: event, "Die": killed_once(world)}
    world.process(two, functions, StartRequest("a", {}))
    world.clock.time += gap
    with LocalBackend.open(world.data_dir, exclusive=True, clock=world.clock) as backend:
        backend.journal.request_stop("a")
        settings = DriverSettings(
            machine=two, runtime=InlineRuntime(functions), topic=backend.topic, clock=world.clock, listener=world.hear
        )
        backend.driver(settings).drive(resume=False)
        row = backend.journal.get("a")
    assert (row.status, world.ended["a"].status) == ("ABORTED", "ABORTED")
    assert row.stop_time is not None
    assert row.stop_time >= row.start_time
    world.process(two, functions, RedriveRequest("a"))
    assert world.ended["a"].status == "SUCCEEDED"
    stamps = [event["timestamp"] for event in world.history("a")]
    assert stamps == sorted(stamps)


def test_a_late_answer_is_late_in_working_time(world: World) -> None:
    """A task whose time-out passes while it works is late; the time-out of 75 s is not cut by a restart."""
    hangs = machine({"Call": task("Call", TimeoutSeconds=75)})
    calls = itertools.count()

    def call(_event: Any, _invocation: Invocation) -> Any:
        assert world.driver is not None
        if next(calls) == 0:
            world.clock.work(74)
            raise Killed
        world.driver.active.open_calls.clear()  # as if nobody worked, so that the clock goes to the time-out
        return InlineRuntime.HANG

    world.process(hangs, {"Call": call}, StartRequest("a", {}))
    world.clock.time += MONTH
    world.process(hangs, {"Call": call})
    assert (world.ended["a"].error, world.clock.ticks) == ("States.Timeout", 75.0)


def test_a_redrive_begins_the_time_out_again(world: World) -> None:
    """TIMED_OUT after 100 s of work, redriven a month later: another 100 s."""
    slow = machine({"Call": task("Call", Next="Log"), "Log": task("Log")}, TimeoutSeconds=100)

    def call(event: Any, _invocation: Invocation) -> Any:
        world.clock.work(60)
        return event

    def log(event: Any, _invocation: Invocation) -> Any:
        assert world.driver is not None
        if not world.ended:
            world.driver.active.open_calls.clear()
            return InlineRuntime.HANG
        return event

    world.process(slow, {"Call": call, "Log": log}, StartRequest("a", {}))
    assert world.ended["a"].status == "TIMED_OUT"
    world.clock.time += MONTH
    world.process(slow, {"Call": call, "Log": log}, RedriveRequest("a"))
    assert world.ended["a"].status == "SUCCEEDED"


def test_facts_without_working_time_are_resumed(world: World) -> None:
    """A journal of a version that did not measure it: what it waits for has its whole time."""
    two = machine({"Call": task("Call", Next="Die"), "Die": task("Die")}, TimeoutSeconds=100)
    functions = {"Call": lambda event, _: event, "Die": killed_once(world)}
    world.process(two, functions, StartRequest("a", {}))
    with LocalBackend.open(world.data_dir, exclusive=True) as backend:
        backend.database.write(lambda connection: connection.execute("UPDATE facts SET worked = NULL").rowcount)
    world.clock.time += MONTH
    world.process(two, functions)
    assert world.ended["a"].status == "SUCCEEDED"


# ---------------------------------------------------------------- the clock itself


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What time.monotonic says next; the last one stays."""
    told = [0.0]
    monkeypatch.setattr("pupline.local._clock.time.monotonic", lambda: told.pop(0) if len(told) > 1 else told[0])
    return told


@pytest.mark.parametrize(
    ("steps", "worked"),
    [
        ([1.0, 2.0, 3.5], 3.5),
        ([1.0, 3601.0, 3602.0], 12.0),  # stopped, or asleep, for an hour
        ([1.0, 2_592_001.0, 2_592_002.0], 12.0),
        ([5.0, 2.0, 3.0], 6.0),  # a monotonic clock that goes back is none, but some are faked
        ([5.0, 5.0, 5.0], 5.0),
    ],
)
def test_working_time_only_goes_forward_and_leaves_out_sleep(
    ticks: list[float], steps: list[float], worked: float
) -> None:
    """A step longer than anybody looks away counts as ten seconds; one backwards counts as none."""
    clock = SystemClock()
    ticks[:] = steps
    assert [clock.working_time() for _ in steps][-1] == worked


def test_alarms_of_both_kinds_come_up_by_their_own_clock() -> None:
    """Lengths by working time, moments by the machine's clock; one key has one timer, and cancelling forgets either."""
    alarms: Alarms[str] = Alarms()
    alarms.after("length", 10, Instant(START, 5.0))
    alarms.at("moment", START + 4)
    alarms.at("never", START + 1)
    alarms.cancel("never")
    assert alarms.next_in(Instant(START, 5.0)) == 4
    assert alarms.take_due(Instant(START + HOUR, 6.0)) == ["moment"]
    assert (alarms.take_due(Instant(START + MONTH, 14.9)), alarms.next_in(Instant(START, 12.0))) == ([], 3.0)
    assert (alarms.take_due(Instant(START - HOUR, 15.0)), alarms.next_in(Instant(START, 15.0))) == (["length"], None)
