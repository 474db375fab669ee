"""Executions that are stopped, and executions that are redriven."""

from typing import Any

import pytest

from pupline.errors import ConfigurationError
from pupline.local import (
    Driver,
    ExecutionRefused,
    Invocation,
    RedriveRequest,
    StartRequest,
)
from tests.local.driver_bench import DOUBLE, Bench, double, interrupted
from tests.local.local_fakes import InlineRuntime, machine, task


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


def test_a_redrive_repeats_only_what_did_not_succeed(bench: Bench) -> None:
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


def test_an_interrupted_redrive_continues(bench: Bench) -> None:
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
