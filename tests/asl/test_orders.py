"""Random machines: completion order, crashes and replay must not be able to change anything."""

import json
import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pupline.asl import Execution, StateMachine, TaskSucceeded
from tests.asl.machines import START, Driver, machines, replayed

INPUT = {"items": [1, {"two": 2}, "three"]}
FEW = settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


@FEW
@given(machines(), st.integers(0, 2**32))
def test_every_completion_order_gives_one_outcome(definition: dict[str, Any], seed: int) -> None:
    """Whichever answer comes first, the execution ends with the same status, output, error and cause."""
    machine = StateMachine.parse(definition)
    outcomes = set()
    for number in range(4):
        execution = Driver(machine, INPUT, random.Random(seed + number)).run()
        outcomes.add(json.dumps([execution.status, execution.output, execution.error, execution.cause]))
    assert len(outcomes) == 1


@pytest.mark.slow
@FEW
@given(machines(), st.integers(0, 2**32))
def test_every_prefix_of_a_journal_gives_the_same_history(definition: dict[str, Any], seed: int) -> None:
    """An execution that is rebuilt from the first facts of a journal has the history it had then, byte for byte."""
    machine = StateMachine.parse(definition)
    driver = Driver(machine, INPUT, random.Random(seed))
    driver.run()
    for length, history in enumerate(driver.histories):
        assert json.dumps(replayed(machine, INPUT, driver.journal[:length]).history) == history


@pytest.mark.slow
@FEW
@given(machines(), st.integers(0, 2**32))
def test_a_rebuilt_execution_repeats_its_open_commands(definition: dict[str, Any], seed: int) -> None:
    """After any crash, the commands of the rebuilt execution are those that were handed out and not answered."""
    machine = StateMachine.parse(definition)
    driver = Driver(machine, INPUT, random.Random(seed))
    driver.run()
    for length in range(len(driver.journal)):
        rebuilt = replayed(machine, INPUT, driver.journal[:length])
        asked = {command.id for command in rebuilt.commands()}
        assert asked == set(rebuilt.waiting_ids)
        assert driver.journal[length][0]["id"] in asked


@FEW
@given(machines(), st.integers(0, 2**32))
def test_histories_are_well_formed(definition: dict[str, Any], seed: int) -> None:
    """Ids count from 1, every event points back, the last one is the execution's end, and no branch is left open."""
    machine = StateMachine.parse(definition)
    history = Driver(machine, INPUT, random.Random(seed)).run().history
    assert [event["id"] for event in history] == list(range(1, len(history) + 1))
    assert all(event["previousEventId"] < event["id"] for event in history)
    assert history[-1]["type"] in ("ExecutionSucceeded", "ExecutionFailed")
    types = [event["type"] for event in history]
    ended = ("MapIterationSucceeded", "MapIterationFailed", "MapIterationAborted")
    assert types.count("MapIterationStarted") == sum(types.count(kind) for kind in ended)
    assert all(isinstance(event["timestamp"], float) and event["timestamp"] >= START for event in history)


@pytest.mark.slow
@FEW
@given(machines(), st.integers(0, 2**32))
def test_a_redrive_repeats_only_unsuccessful_states(definition: dict[str, Any], seed: int) -> None:
    """After the fault is mended a redriven execution succeeds, and no task that had succeeded is asked for again."""
    machine = StateMachine.parse(definition)
    driver = Driver(machine, INPUT, random.Random(seed))
    if driver.run().status == "FAILED":
        assert driver.redrive().status == "SUCCEEDED", driver.execution.cause
        done = [fact.id.rpartition("#")[0] for fact in driver.answers if isinstance(fact, TaskSucceeded)]
        assert len(done) == len(set(done))
        types = [event["type"] for event in driver.execution.history]
        assert types.count("ExecutionRedriven") == 1
        assert driver.execution.redrive_count == 1
    for length, history in enumerate(driver.histories):
        assert json.dumps(replayed(machine, INPUT, driver.journal[:length]).history) == history


def test_two_executions_of_one_name_draw_the_same_random_values() -> None:
    """States.UUID depends on the execution's name alone, so that a replay gives it again."""
    states = {"A": {"Type": "Pass", "Parameters": {"id.$": "States.UUID()"}, "End": True}}
    machine = StateMachine.parse({"StartAt": "A", "States": states})
    first, second, other = (Execution(machine, {}, name=name, now=START) for name in ("a", "a", "b"))
    assert first.output == second.output
    assert first.output != other.output
