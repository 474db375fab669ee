"""The durable driver: every execution to its end, once."""

import itertools
import threading
from collections.abc import Callable
from typing import Any

import pytest

from pupline.asl import StateMachine, TaskSucceeded
from pupline.errors import ConfigurationError
from pupline.local import (
    ExecutionRefused,
    Invocation,
    LambdaRuntime,
    StartRequest,
    TaskAttemptFailed,
)
from pupline.local.journal import ExecutionStarted
from pupline.tasks.run_ids import execution_name
from tests.local.driver_bench import DOUBLE, PUBLISH, Bench, double, interrupted
from tests.local.local_fakes import START, InlineRuntime, machine, task


def test_executions_run_to_their_end(bench: Bench) -> None:
    """Each start gives one finished execution with the machine's output; events tell of both."""
    result = bench.driver(DOUBLE, InlineRuntime({"Double": double})).drive(
        StartRequest(f"run-{number}", {"n": number}) for number in range(5)
    )
    assert (dict(result.finished), result.refused, result.interrupted) == ({"SUCCEEDED": 5}, 0, False)
    assert bench.finished() == {f"run-{number}": {"n": number * 2} for number in range(5)}
    assert [type(event) for event in bench.events].count(ExecutionStarted) == 5


def test_the_same_start_again_is_the_same_execution(bench: Bench) -> None:
    """Same name and input: nothing runs again, and the result is told again, also after a restart."""
    bench.driver(DOUBLE, InlineRuntime({"Double": double})).drive([StartRequest("a", {"n": 1, "m": 2})])
    first = bench.finished()
    bench.restart()
    runtime = InlineRuntime({"Double": double})
    bench.driver(DOUBLE, runtime).drive([StartRequest("a", {"m": 2, "n": 1})])
    assert (bench.finished(), runtime.calls) == (first, [])


def test_another_input_under_a_taken_name_is_refused(bench: Bench) -> None:
    """The first execution keeps the name; the other start is told so, and the rest go on."""
    driver = bench.driver(DOUBLE, InlineRuntime({"Double": double}))
    driver.drive([StartRequest("a", {"n": 1})])
    result = driver.drive([StartRequest("a", {"n": 2}), StartRequest("b", {"n": 3})])
    assert (dict(result.finished), result.refused) == ({"SUCCEEDED": 1}, 1)
    [refused] = [event for event in bench.events if isinstance(event, ExecutionRefused)]
    assert refused.reason == "there is an execution 'a' with another input; choose another name"


@pytest.mark.parametrize("name", ["", "a b", "x" * 81, "a/b", "a\x1bb"])
def test_a_name_that_aws_refuses_is_refused(bench: Bench, name: str) -> None:
    """Names follow Step Functions' rule, so that they are names there too."""
    assert bench.driver(DOUBLE, InlineRuntime({})).drive([StartRequest(name, {})]).refused == 1


def test_timers_come_in_virtual_time(bench: Bench) -> None:
    """A Wait of a year costs nothing under a virtual clock, and ends at its time."""
    year = machine({"Wait": {"Type": "Wait", "Seconds": 31_536_000, "End": True}})
    bench.driver(year, InlineRuntime({})).drive([StartRequest("a", {})])
    assert bench.clock.now() == START + 31_536_000
    row = bench.backend.journal.get("a")
    assert (row.start_time, row.stop_time) == (START, START + 31_536_000)


def test_a_failed_attempt_is_retried_and_reported(bench: Bench) -> None:
    """The state machine's Retry decides; the listener hears of each failed attempt."""
    attempts = itertools.count()

    def flaky(_event: Any, _invocation: Invocation) -> Any:
        if next(attempts) < 2:
            raise OSError("not now")
        return "done"

    retry: Any = [{"ErrorEquals": ["OSError"], "IntervalSeconds": 10, "MaxAttempts": 3, "BackoffRate": 1}]
    bench.driver(machine({"Try": task("Flaky", Retry=retry)}), InlineRuntime({"Flaky": flaky})).drive(
        [StartRequest("a", {})]
    )
    assert bench.finished() == {"a": "done"}
    assert bench.clock.now() == START + 20
    failed = [event for event in bench.events if isinstance(event, TaskAttemptFailed)]
    assert failed == [TaskAttemptFailed("a", "Try", "OSError", "not now")] * 2


def test_a_clock_that_is_set_back_does_not_undo_the_order(bench: Bench) -> None:
    """Times in a history never go back, also when the machine's clock does, before or after a restart."""
    times = itertools.cycle([-1000.0, 5.0])

    def function(event: Any, invocation: Invocation) -> Any:
        bench.clock.time += next(times)
        return double(event, invocation)

    bench.driver(DOUBLE, InlineRuntime({"Double": function})).drive([StartRequest("a", {"n": 1})])
    interrupted(bench, DOUBLE, StartRequest("b", {"n": 1}))
    bench.clock.time -= 500
    bench.restart()
    bench.driver(DOUBLE, InlineRuntime({"Double": function})).drive()
    for name in "ab":
        stamps: list[Any] = [event["timestamp"] for event in bench.backend.journal.history(name)]
        assert stamps == sorted(stamps)
        row = bench.backend.journal.get(name)
        assert row.stop_time == stamps[-1]


def test_a_late_answer_changes_nothing(bench: Bench) -> None:
    """What a function says after its time-out is thrown away."""
    late: list[Callable[[Any], None]] = []

    class Late:
        def invoke(self, command: Any, _invocation: Invocation, answer: Callable[[Any], None]) -> None:
            late.append(lambda _fact: answer(TaskSucceeded(command.id, "late")))
            if command.state == "Slow":
                driver.active.open_calls.clear()  # as if nobody worked, so that the clock goes to the time-out
            else:
                late[0](None)
                answer(TaskSucceeded(command.id, "second"))

    slow = machine(
        {
            "Slow": task("Slow", TimeoutSeconds=5, Catch=[{"ErrorEquals": ["States.Timeout"], "Next": "Quick"}]),
            "Quick": task("Quick"),
        }
    )
    driver = bench.driver(slow, Late())
    driver.drive([StartRequest("a", {})])
    assert bench.finished() == {"a": "second"}
    assert len(list(bench.backend.journal.facts(1))) == 2


def test_a_call_that_nobody_waits_for_holds_nothing_up(bench: Bench) -> None:
    """A branch that fails gives up the call of the other one: neither the clock nor a stop waits for its answer."""
    waited_for: list[str] = []

    def hang(_event: Any, _invocation: Invocation) -> Any:
        return InlineRuntime.HANG

    def fail(_event: Any, _invocation: Invocation) -> Any:
        raise ValueError("broken")

    def look(_event: Any, _invocation: Invocation) -> Any:
        waited_for.extend(command_id for _, command_id in driver.active.open_calls)

    branches: Any = [{"StartAt": name, "States": {name: task(name)}} for name in ("Hang", "Fail")]
    catch: Any = [{"ErrorEquals": ["ValueError"], "Next": "Look"}]
    fan: Any = {"Type": "Parallel", "Branches": branches, "Catch": catch, "Next": "Look"}
    runtime = InlineRuntime({"Hang": hang, "Fail": fail, "Look": look})
    driver = bench.driver(machine({"Fan": fan, "Look": task("Look")}), runtime)
    driver.drive([StartRequest("a", {})])
    assert bench.finished() == {"a": None}
    assert waited_for == ["Look@1#0"]


def test_publishing_is_in_the_same_transaction_as_its_fact(bench: Bench) -> None:
    """The alert, the fact and the final status are there together, and never twice."""
    driver = bench.driver(machine({"Publish": PUBLISH}), InlineRuntime({}))
    driver.drive([StartRequest("a", {"text": "a PNG"})])
    driver.drive([StartRequest("a", {"text": "a PNG"})])
    [(alert, deliveries)] = bench.backend.topic.alerts()
    assert (alert.message, alert.execution, alert.published_at, deliveries) == ("a PNG", "a", START, [])
    assert bench.finished()["a"]["MessageId"] == alert.message_id


def test_many_publications_in_a_row_do_not_recurse(bench: Bench) -> None:
    """A Map that publishes for each of 2,000 items, one after another, ends in one drive."""
    each: Any = {"Type": "Map", "MaxConcurrency": 1, "ItemProcessor": {"StartAt": "P", "States": {"P": PUBLISH}},
                 "ResultPath": None, "End": True}  # fmt: skip
    items: Any = [{"text": f"dog {number}"} for number in range(2000)]
    bench.driver(machine({"Each": each}), InlineRuntime({})).drive([StartRequest("a", items)])
    assert [alert.message for alert, _ in bench.backend.topic.alerts()] == [item["text"] for item in items]


def test_a_publication_that_sns_would_refuse_fails_the_task(bench: Bench) -> None:
    """Another topic's ARN is SNS.NotFoundException, which Catch can name."""
    elsewhere = {**PUBLISH, "Parameters": {"TopicArn": "arn:aws:sns:us-east-1:1:Other", "Message": "x"}}
    bench.driver(machine({"Publish": elsewhere}), InlineRuntime({})).drive([StartRequest("a", {})])
    assert bench.finished()["a"][:2] == ("FAILED", "SNS.NotFoundException")


def test_no_more_run_at_once_than_allowed(bench: Bench) -> None:
    """Concurrency bounds executions, and starts are read as there is room."""
    running: set[str] = set()
    most = 0

    def call(_event: Any, invocation: Invocation) -> Any:
        nonlocal most
        running.add(invocation.execution)
        most = max(most, len(running))
        return {}

    def done(_event: Any, invocation: Invocation) -> Any:
        running.discard(invocation.execution)
        return {}

    two = machine({"Call": task("Call", Next="Pause"), "Pause": {"Type": "Wait", "Seconds": 1, "Next": "Done"},
                   "Done": task("Done")})  # fmt: skip
    result = bench.driver(two, InlineRuntime({"Call": call, "Done": done}), concurrency=3).drive(
        StartRequest(f"run-{number}", {}) for number in range(20)
    )
    assert (dict(result.finished), most) == ({"SUCCEEDED": 20}, 3)


def test_a_run_knows_what_is_missing(bench: Bench) -> None:
    """Repeating a run starts only the indexes that have no execution; its first settings stay."""
    runs = bench.backend.runs
    seen: list[Any] = []

    def note(_event: Any, invocation: Invocation) -> Any:
        seen.append((invocation.execution, dict(invocation.settings)))
        return {}

    driver = bench.driver(machine({"Note": task("Note")}), InlineRuntime({"Note": note}))
    runs.open("monday", {"source": "sample"})
    assert list(runs.missing("monday", 3)) == [1, 2, 3]
    driver.drive([StartRequest(execution_name("monday", 2), {}, "monday", 2)])
    assert runs.open("monday", {"source": "other"}).settings == {"source": "sample"}
    assert list(runs.missing("monday", 4)) == [1, 3, 4]
    driver.drive(
        StartRequest(execution_name("monday", index), {}, "monday", index) for index in runs.missing("monday", 3)
    )
    assert seen == [(f"monday-0000{index}", {"source": "sample"}) for index in (2, 1, 3)]
    assert [row.status for row in bench.backend.journal.executions(run_id="monday")] == ["SUCCEEDED"] * 3
    runs.open("tuesday", {})
    for run_id in ("monday", "tuesday"):
        runs.drop_empty(run_id)
    assert [run.run_id for run in runs.all()] == ["monday"]
    for impossible in ("mon/day", "-monday", "", "é"):
        with pytest.raises(ConfigurationError, match="is not a valid run id"):
            runs.open(impossible, {})


def test_express_executions_leave_no_trace_in_the_journal(bench: Bench) -> None:
    """An Express machine runs to its end in memory."""
    express = StateMachine.parse(DOUBLE.definition, type="EXPRESS")
    bench.driver(express, InlineRuntime({"Double": double})).drive([StartRequest("a", {"n": 1})])
    assert bench.finished() == {"a": {"n": 2}}
    assert list(bench.backend.journal.executions()) == []


def test_real_threads_and_a_clean_stop(bench: Bench) -> None:
    """With the pool: functions that run at the stop may end, nothing new begins, and the rest is finished later."""
    started, gate = threading.Semaphore(0), threading.Event()

    def slow(event: Any, _invocation: Invocation) -> Any:
        started.release()
        gate.wait()
        return event

    runtime = LambdaRuntime({"Double": slow}, concurrency=2)
    driver = bench.driver(DOUBLE, runtime, concurrency=2)

    def stop() -> None:
        for _ in range(2):
            started.acquire()
        driver.stop_starting()
        gate.set()

    stopper = threading.Thread(target=stop)
    stopper.start()
    result = driver.drive(StartRequest(f"run-{number}", {"n": number}) for number in range(4))
    stopper.join()
    runtime.close()
    assert (dict(result.finished), result.interrupted) == ({}, True)
    assert len(list(bench.backend.journal.facts(1))) == len(list(bench.backend.journal.facts(2))) == 1
    bench.restart()
    again = bench.driver(DOUBLE, InlineRuntime({"Double": double})).drive()
    assert dict(again.finished) == {"SUCCEEDED": 2}
