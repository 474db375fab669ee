"""Journals that earlier versions have written are resumed by today's engine, at every point."""

import json
from pathlib import Path
from typing import Any

import pytest

from pupline.asl import Execution, ProtocolError, StateMachine, TaskSucceeded, fact_from_json
from tests.replay.journal_cases import CASES, JOURNALS

PATHS = sorted(JOURNALS.glob("*.json"))


def replayed(kept: dict[str, Any], length: int) -> Execution:
    """The execution after the first facts of a journal."""
    machine = StateMachine.parse(kept["definition"])
    execution = Execution(machine, kept["input"], name=kept["name"], now=kept["start"])
    for fact, now in kept["journal"][:length]:
        execution.receive(fact_from_json(fact), now=now)
    return execution


def test_every_case_has_its_journal() -> None:
    """A case without a journal would prove nothing."""
    assert {path.stem for path in PATHS} >= set(CASES)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_kept_journal_gives_the_kept_history(path: Path) -> None:
    """The facts of an earlier version give the same end and the same history, event for event."""
    kept = json.loads(path.read_text(encoding="utf-8"))
    execution = replayed(kept, len(kept["journal"]))
    assert (execution.status, execution.output) == (kept["status"], kept["output"])
    assert execution.history == kept["history"]
    assert execution.machine.digest == kept["digest"]


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_kept_journal_can_be_resumed_at_every_point(path: Path) -> None:
    """After each fact the history is the beginning of the kept one, and the next fact answers an open command."""
    kept = json.loads(path.read_text(encoding="utf-8"))
    for length in range(len(kept["journal"])):
        execution = replayed(kept, length)
        history = execution.history
        assert history == kept["history"][: len(history)]
        following = kept["journal"][length][0]
        assert following["fact"] == "ExecutionRedriven" or following["id"] in execution.waiting_ids


def test_a_journal_of_another_definition_is_refused() -> None:
    """A fact that answers nothing the definition asks for is a clear error, not a guess."""
    kept = json.loads((JOURNALS / "retry_and_catch.json").read_text(encoding="utf-8"))
    kept["definition"]["States"]["Renamed"] = kept["definition"]["States"].pop("Try")
    kept["definition"]["StartAt"] = "Renamed"
    with pytest.raises(ProtocolError, match="commands that wait: Renamed@1#0"):
        replayed(kept, 1)
    with pytest.raises(ProtocolError):
        replayed(kept, 0).receive(TaskSucceeded("Try@1#0"), now=kept["start"])
