"""Executions that were interrupted: resumed from the journal, or refused when it does not fit."""

import errno
import itertools
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from pupline.errors import LocalTrouble, StorageError
from pupline.local import (
    TOPIC_ARN,
    Driver,
    ExecutionRefused,
    Invocation,
    LambdaRuntime,
    StartRequest,
)
from pupline.local.journal import ExecutionResumed
from tests.local.driver_bench import DOUBLE, PUBLISH, Bench, double, interrupted
from tests.local.local_fakes import START, InlineRuntime, machine, task


def test_an_interrupted_execution_continues_where_it_was(bench: Bench) -> None:
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


def test_a_wait_continues_after_a_restart(bench: Bench) -> None:
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


@pytest.mark.parametrize(
    "fact",
    [
        "no JSON",
        '{"fact": "TaskEvaporated", "id": "Double@1#0"}',
        '{"fact": "TaskSucceeded"}',
        "{}",
        "[]",
        "5",
        "[" * 100_000,
    ],
    ids=lambda fact: fact[:20],
)
def test_an_invalid_fact_is_refused(bench: Bench, fact: str) -> None:
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
