"""The durable driver: every execution to its end, once, whatever interrupts it."""

import errno
import itertools
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pupline.asl import StateMachine, TaskSucceeded
from pupline.errors import ConfigurationError, LocalTrouble, StorageError
from pupline.local import (
    TOPIC_ARN,
    Driver,
    DriverEvent,
    DriverSettings,
    ExecutionFinished,
    ExecutionRefused,
    Invocation,
    LambdaRuntime,
    LocalBackend,
    RedriveRequest,
    StartRequest,
    TaskAttemptFailed,
)
from pupline.local.journal import ExecutionResumed, ExecutionStarted
from pupline.tasks.run_ids import execution_name
from tests.local.local_fakes import START, InlineRuntime, VirtualClock, machine, task

DOUBLE = machine({"Double": task("Double", ResultPath="$.doubled", Next="Again"), "Again": task("Double")})
PUBLISH: Any = {
    "Type": "Task",
    "Resource": "arn:aws:states:::sns:publish",
    "Parameters": {"TopicArn": TOPIC_ARN, "Message.$": "$.text"},
    "End": True,
}


class Bench:
    """A data directory, a virtual clock, and drivers over them one after another, as after restarts."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.clock = VirtualClock()
        self.events: list[DriverEvent] = []
        self.backend = LocalBackend.open(data_dir, exclusive=True, clock=self.clock)

    def restart(self) -> None:
        """Close everything and open it again: what is not on the disk is gone."""
        self.backend.close()
        self.events = []
        self.backend = LocalBackend.open(self.data_dir, exclusive=True, clock=self.clock)

    def driver(self, definition: StateMachine, runtime: Any, **settings: Any) -> Driver:
        """A driver with this runtime."""
        return self.backend.driver(
            DriverSettings(
                machine=definition,
                runtime=runtime,
                topic=self.backend.topic,
                clock=self.clock,
                listener=self.events.append,
                **settings,
            )
        )

    def finished(self) -> dict[str, Any]:
        """Outputs, or (status, error, cause), by execution."""
        return {
            event.execution: event.output if event.status == "SUCCEEDED" else (event.status, event.error, event.cause)
            for event in self.events
            if isinstance(event, ExecutionFinished)
        }


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """An empty data directory at START."""
    made = Bench(tmp_path)
    yield made
    made.backend.close()


def double(event: Any, _invocation: Invocation) -> Any:
    """Twice n."""
    return {"n": event["n"] * 2}


def interrupted(bench: Bench, definition: StateMachine, *starts: StartRequest) -> None:
    """Start and leave after the first call of any function, which is never answered: a kill while it runs."""
    holder: list[Driver] = []

    def hang(_event: Any, _invocation: Invocation) -> Any:
        holder[0].stop_starting()
        return InlineRuntime.HANG

    functions = dict.fromkeys(["Double", "Wait", "Fail"], hang)
    holder.append(bench.driver(definition, InlineRuntime(functions), grace_seconds=0.0))
    assert holder[0].drive(starts).interrupted


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
def test_a_name_that_aws_would_refuse_is_refused(bench: Bench, name: str) -> None:
    """Names follow Step Functions' rule, so that they are names there too."""
    assert bench.driver(DOUBLE, InlineRuntime({})).drive([StartRequest(name, {})]).refused == 1


def test_what_was_interrupted_goes_on_where_it_was(bench: Bench) -> None:
    """After a restart only what was not answered is called again; the history reads as if nothing had happened."""
    calls = itertools.count()
    holder: list[Driver] = []

    def second_hangs(event: Any, invocation: Invocation) -> Any:
        if next(calls) == 0:
            return double(event, invocation)
        holder[0].stop_starting()
        return InlineRuntime.HANG

    holder.append(bench.driver(DOUBLE, InlineRuntime({"Double": second_hangs}), grace_seconds=0.0))
    assert holder[0].drive([StartRequest("a", {"n": 4})]).interrupted
    before = bench.backend.journal.history("a")
    bench.restart()
    runtime = InlineRuntime({"Double": double})
    assert dict(bench.driver(DOUBLE, runtime).drive().finished) == {"SUCCEEDED": 1}
    assert [command for _, command in runtime.calls] == ["Again@1#0"]
    assert ExecutionResumed("a", None, 1) in bench.events
    history = bench.backend.journal.history("a")
    assert history[: len(before)] == before
    assert [event["id"] for event in history] == list(range(1, len(history) + 1))
    assert bench.finished() == {"a": {"n": 8}}


def test_a_wait_goes_on_after_a_restart(bench: Bench) -> None:
    """The due time of a Wait is that of its beginning: a restart does not begin it anew."""
    waiting = machine({"Wait": {"Type": "Wait", "Seconds": 3600, "Next": "Double"}, "Double": task("Double")})
    both = machine({"Both": {"Type": "Parallel", "End": True, "Branches": [
        {"StartAt": "Wait", "States": waiting.definition["States"]},
        {"StartAt": "Hang", "States": {"Hang": task("Wait", TimeoutSeconds=5000)}},
    ]}})  # fmt: skip
    interrupted(bench, both, StartRequest("a", {"n": 1}))
    bench.clock.time += 3000
    bench.restart()
    times: list[float] = []

    def note(event: Any, _invocation: Invocation) -> Any:
        times.append(bench.clock.now())
        return event

    bench.driver(both, InlineRuntime({"Double": note, "Wait": lambda _event, _invocation: 1})).drive()
    assert times == [START + 3600]


def test_timers_come_in_virtual_time(bench: Bench) -> None:
    """A Wait of a year costs nothing under a virtual clock, and ends at its time."""
    year = machine({"Wait": {"Type": "Wait", "Seconds": 31_536_000, "End": True}})
    bench.driver(year, InlineRuntime({})).drive([StartRequest("a", {})])
    assert bench.clock.now() == START + 31_536_000
    row = bench.backend.journal.get("a")
    assert (row.start_time, row.stop_time) == (START, START + 31_536_000)


def test_a_failed_attempt_is_retried_and_told(bench: Bench) -> None:
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
            late.append(lambda _fact: answer(command))
            if command.state == "Slow":
                driver._active.open_calls.clear()  # as if nobody worked, so that the clock goes to the time-out
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


def test_publishing_is_in_the_same_transaction_as_its_fact(bench: Bench) -> None:
    """The alert, the fact and the final status are there together, and never twice."""
    driver = bench.driver(machine({"Publish": PUBLISH}), InlineRuntime({}))
    driver.drive([StartRequest("a", {"text": "a PNG"})])
    driver.drive([StartRequest("a", {"text": "a PNG"})])
    [(alert, deliveries)] = bench.backend.topic.alerts()
    assert (alert.message, alert.execution, alert.published_at, deliveries) == ("a PNG", "a", START, [])
    assert bench.finished()["a"]["MessageId"] == alert.message_id


def test_many_publications_in_a_row_are_no_recursion(bench: Bench) -> None:
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


def test_the_definition_an_execution_started_with_finishes_it(bench: Bench) -> None:
    """An edited definition is for new executions; the unfinished one ends by its own."""
    interrupted(bench, DOUBLE, StartRequest("old", {"n": 1}))
    bench.restart()
    edited = machine({"Double": task("Double", End=True)})
    bench.driver(edited, InlineRuntime({"Double": double})).drive([StartRequest("new", {"n": 1})])
    assert bench.finished() == {"old": {"n": 2}, "new": {"n": 2}}
    assert len(bench.backend.journal.history("old")) > len(bench.backend.journal.history("new"))


def test_a_journal_that_does_not_fit_is_refused_and_can_be_stopped(bench: Bench) -> None:
    """A changed stored definition, or a fact that nobody asked for, is named; others go on; stop ends it."""
    interrupted(bench, DOUBLE, StartRequest("a", {"n": 1}), StartRequest("b", {"n": 1}))

    def tamper(connection: sqlite3.Connection) -> None:
        fact = '{"fact": "TaskSucceeded", "id": "Triple@1#0", "output": 1}'
        connection.execute(
            "INSERT INTO facts (execution_id, seq, now, resource, fact) VALUES (1, 0, ?, 'x', ?)", (START, fact)
        )

    bench.backend.database.write(tamper)
    bench.restart()
    driver = bench.driver(DOUBLE, InlineRuntime({"Double": double}))
    result = driver.drive()
    assert (dict(result.finished), result.refused) == ({"SUCCEEDED": 1}, 1)
    [refused] = [event for event in bench.events if isinstance(event, ExecutionRefused)]
    assert refused.execution == "a"
    assert "the journal answers 'Triple@1#0', which this definition does not ask for" in refused.reason
    driver.stop("a", "Operator", "cannot go on")
    assert dict(driver.drive().finished) == {"ABORTED": 1}
    row = bench.backend.journal.get("a")
    assert (row.status, row.error, row.cause) == ("ABORTED", "Operator", "cannot go on")
    assert driver.drive().refused == 0


def test_a_fact_of_another_resource_is_refused(bench: Bench) -> None:
    """What was answered by one function is not taken for the answer of another."""
    interrupted(bench, DOUBLE, StartRequest("a", {"n": 1}))
    fact = '{"fact": "TaskSucceeded", "id": "Double@1#0", "output": 1}'
    triple = "arn:aws:lambda:us-east-1:000000000000:function:Triple"
    statement = "INSERT INTO facts (execution_id, seq, now, resource, fact) VALUES (1, 0, ?, ?, ?)"
    bench.backend.database.write(lambda connection: connection.execute(statement, (START, triple, fact)).rowcount)
    bench.restart()
    assert bench.driver(DOUBLE, InlineRuntime({"Double": double})).drive().refused == 1
    [refused] = [event for event in bench.events if isinstance(event, ExecutionRefused)]
    assert "function:Triple when it was journalled and would call" in refused.reason


@pytest.mark.parametrize("fact", ["no JSON", '{"fact": "TaskEvaporated", "id": "Double@1#0"}', "{}"])
def test_a_fact_that_is_none_is_refused(bench: Bench, fact: str) -> None:
    """A damaged row is told as such, and the others go on."""
    interrupted(bench, DOUBLE, StartRequest("a", {"n": 1}), StartRequest("b", {"n": 1}))
    statement = "INSERT INTO facts (execution_id, seq, now, resource, fact) VALUES (1, 0, ?, NULL, ?)"
    bench.backend.database.write(lambda connection: connection.execute(statement, (START, fact)).rowcount)
    bench.restart()
    result = bench.driver(DOUBLE, InlineRuntime({"Double": double})).drive()
    assert (dict(result.finished), result.refused) == ({"SUCCEEDED": 1}, 1)
    [refused] = [event for event in bench.events if isinstance(event, ExecutionRefused)]
    assert "cannot read" in refused.reason


def test_an_edited_stored_definition_is_refused(bench: Bench) -> None:
    """The stored definition must be the one whose digest it has."""
    interrupted(bench, DOUBLE, StartRequest("a", {"n": 1}))
    update = "UPDATE definitions SET definition = replace(definition, 'doubled', 'trebled')"
    bench.backend.database.write(lambda connection: connection.execute(update).rowcount)
    bench.restart()
    other = machine({"Double": task("Double")})
    assert bench.driver(other, InlineRuntime({"Double": double})).drive().refused == 1
    [refused] = [event for event in bench.events if isinstance(event, ExecutionRefused)]
    assert "was changed after executions started with it" in refused.reason


def test_stop_aborts_a_running_execution(bench: Bench) -> None:
    """A stop request ends an execution that waits: ABORTED, in the journal and in the history."""
    waiting = machine({"Call": task("Call", Next="Wait"), "Wait": {"Type": "Wait", "Seconds": 99_999_999, "End": True}})
    holder: list[Driver] = []

    def call(_event: Any, invocation: Invocation) -> Any:
        holder[0].stop(invocation.execution, "Operator", "enough")
        return {}

    holder.append(bench.driver(waiting, InlineRuntime({"Call": call})))
    assert dict(holder[0].drive([StartRequest("a", {})]).finished) == {"ABORTED": 1}
    assert bench.finished() == {"a": ("ABORTED", "Operator", "enough")}
    assert bench.backend.journal.history("a")[-1]["type"] == "ExecutionAborted"
    with pytest.raises(ConfigurationError, match="no execution 'nobody' here"):
        holder[0].stop("nobody")


def test_a_redrive_does_again_only_what_did_not_succeed(bench: Bench) -> None:
    """A failed execution goes on under its name, in the same history; the step that succeeded is not called again."""

    def fail(_event: Any, _invocation: Invocation) -> Any:
        raise ValueError("broken")

    two = machine({"Double": task("Double", ResultPath="$.d", Next="Log"), "Log": task("Log")})
    bench.driver(two, InlineRuntime({"Double": double, "Log": fail})).drive([StartRequest("a", {"n": 1})])
    assert bench.finished()["a"][:2] == ("FAILED", "ValueError")
    before = bench.backend.journal.history("a")
    bench.restart()
    runtime = InlineRuntime({"Log": lambda event, _invocation: event["d"]})
    driver = bench.driver(two, runtime)
    assert dict(driver.drive([RedriveRequest("a")]).finished) == {"SUCCEEDED": 1}
    assert bench.finished() == {"a": {"n": 2}}
    assert [execution for execution, _ in runtime.calls] == ["a"]
    bench.restart()
    history = bench.backend.journal.history("a")
    assert history[: len(before)] == before
    assert history[len(before)]["type"] == "ExecutionRedriven"
    row = bench.backend.journal.get("a")
    assert (row.status, row.error, row.output) == ("SUCCEEDED", None, '{"n": 2}')


def test_a_redrive_that_is_interrupted_goes_on(bench: Bench) -> None:
    """Killed after the redrive began, the execution is RUNNING and is finished by the next start; stopped ones too."""
    interrupted(bench, DOUBLE, StartRequest("a", {"n": 1}))
    bench.restart()
    driver = bench.driver(DOUBLE, InlineRuntime({"Double": double}))
    driver.stop("a")
    assert dict(driver.drive().finished) == {"ABORTED": 1}
    holder: list[Driver] = []

    def hang(_event: Any, _invocation: Invocation) -> Any:
        holder[0].stop_starting()
        return InlineRuntime.HANG

    holder.append(bench.driver(DOUBLE, InlineRuntime({"Double": hang}), grace_seconds=0.0))
    assert holder[0].drive([RedriveRequest("a")]).interrupted
    bench.restart()
    assert bench.backend.journal.get("a").status == "RUNNING"
    bench.driver(DOUBLE, InlineRuntime({"Double": double})).drive([RedriveRequest("a")])
    assert bench.finished() == {"a": {"n": 2}}
    assert [event["type"] for event in bench.backend.journal.history("a")].count("ExecutionRedriven") == 1


def test_what_cannot_be_redriven_is_refused(bench: Bench) -> None:
    """One that succeeded, and one that is not there."""
    driver = bench.driver(DOUBLE, InlineRuntime({"Double": double}))
    driver.drive([StartRequest("a", {"n": 1})])
    assert driver.drive([RedriveRequest("a"), RedriveRequest("b")]).refused == 2
    reasons = [event.reason for event in bench.events if isinstance(event, ExecutionRefused)]
    assert reasons == ["'a' has succeeded: there is nothing to redrive", "there is no execution 'b' here"]


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


def test_a_journal_that_cannot_be_written_stops_the_driver(bench: Bench) -> None:
    """When the disk is full nothing more is done; with room again, everything goes on from the last commit."""

    def tell_no_room(connection: sqlite3.Connection) -> None:
        connection.execute("PRAGMA query_only = ON")

    def fill(event: Any, invocation: Invocation) -> Any:
        bench.backend.database.write(tell_no_room)
        return double(event, invocation)

    with pytest.raises(StorageError):
        bench.driver(DOUBLE, InlineRuntime({"Double": fill})).drive([StartRequest("a", {"n": 1})])
    assert bench.finished() == {}
    bench.restart()
    bench.driver(DOUBLE, InlineRuntime({"Double": double})).drive()
    assert bench.finished() == {"a": {"n": 2}}


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


def test_every_interruption_gives_the_same_end(tmp_path: Path) -> None:
    """Stopped after the k-th call for every k, and resumed: same outputs, each task answered once, same history."""
    retry: Any = [{"ErrorEquals": ["ValueError"], "IntervalSeconds": 2, "MaxAttempts": 2, "JitterStrategy": "FULL"}]
    shape = machine({
        "First": task("Double", Next="Both"),
        "Both": {"Type": "Parallel", "Next": "Alert", "ResultPath": "$.both", "Branches": [
            {"StartAt": "L", "States": {"L": task("Flaky", Retry=retry)}},
            {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3, "Next": "R"}, "R": task("Double")}},
        ]},
        "Alert": {**PUBLISH, "Parameters": {"TopicArn": TOPIC_ARN, "Message": "x"}, "ResultPath": None},
    })  # fmt: skip

    def run(data_dir: Path, stop_after: int | None) -> tuple[Any, Any, int]:
        bench = Bench(data_dir)
        count = itertools.count(1)

        def flaky(event: Any, invocation: Invocation) -> Any:
            if invocation.command_id.endswith("#0"):
                raise ValueError("first attempt")
            return double(event, invocation)

        holder: list[Driver] = []

        def hooked(call: Any) -> Any:
            def function(event: Any, invocation: Invocation) -> Any:
                if next(count) == stop_after:
                    holder[-1].stop_starting()
                    return InlineRuntime.HANG
                return call(event, invocation)

            return function

        runtime = InlineRuntime({"Double": hooked(double), "Flaky": hooked(flaky)})
        holder.append(bench.driver(shape, runtime, grace_seconds=0.0))
        while holder[-1].drive([StartRequest("a", {"n": 1})]).interrupted:
            bench.restart()
            holder.append(bench.driver(shape, runtime, grace_seconds=0.0))
        types = [event["type"] for event in bench.backend.journal.history("a")]
        found = bench.finished()["a"], types, len(list(bench.backend.topic.alerts()))
        bench.backend.close()
        return found

    expected = run(tmp_path / "whole", None)
    assert expected[2] == 1
    assert [run(tmp_path / str(k), k) for k in range(1, 6)] == [expected] * 5


CATCHING = machine(
    {
        "Store": task(
            "Store",
            Retry=[{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 1, "MaxAttempts": 3}],
            Catch=[{"ErrorEquals": ["States.ALL"], "Next": "Log"}],
        ),
        "Log": {"Type": "Succeed"},
    }
)


def test_local_trouble_ends_the_drive_and_not_the_execution(tmp_path: Path) -> None:
    """No Retry, no Catch: what runs stays RUNNING, and is done by the next drive."""
    bench, room = Bench(tmp_path), [False]

    def store(event: Any, _invocation: Invocation) -> Any:
        if not room[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        return event

    runtime = LambdaRuntime({"Store": store}, concurrency=2)
    with pytest.raises(LocalTrouble, match="free some space"):
        bench.driver(CATCHING, runtime).drive([StartRequest(f"r-{number}", {"n": number}) for number in range(3)])
    assert {row.status for row in bench.backend.journal.executions()} == {"RUNNING"}
    assert not any(list(bench.backend.journal.facts(row.execution_id)) for row in bench.backend.journal.executions())
    room[0] = True
    bench.restart()
    bench.driver(CATCHING, runtime).drive([StartRequest(f"r-{number}", {"n": number}) for number in range(3)])
    rows = sorted(bench.backend.journal.executions(), key=lambda row: row.name)
    assert [(row.name, row.status, row.output) for row in rows] == [
        (f"r-{number}", "SUCCEEDED", f'{{"n": {number}}}') for number in range(3)
    ]
    runtime.close()
    bench.backend.close()
