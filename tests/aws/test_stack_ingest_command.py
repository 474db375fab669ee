"""`pupline ingest --workflow --backend aws`, as a user types it: what it prints, and its exit codes."""

import json
import sys

import pytest
from stack_fakes import VirtualTimer
from test_stack_ingest import IMAGES, Kennel, kennel

from pupline.cli import _invoke

__all__ = ["kennel"]  # the fixture


def pupline(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    """Calls the command in this process, where moto lives; its exit code."""
    monkeypatch.setattr("pupline.stack._ingest.Timer", VirtualTimer)
    stack = ("--workflow", "--backend", "aws", "--stack", "pupline")
    monkeypatch.setattr(sys, "argv", ["pupline", "ingest", *map(str, words), *stack])
    return _invoke()


def test_people_see_outcomes_and_what_to_do_next(
    kennel: Kennel,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Counts with their reasons, keys in the bucket, commands that name the stack; exit code 1: an image is gone."""
    assert pupline(monkeypatch, kennel.urls, "--run-id", "r1") == 1
    shown = capsys.readouterr().out
    for words in ("Run r1: 4 images", "not_found", "datasets/urls/runs/r1", "--backend aws --stack pupline"):
        assert words in shown


def test_json_is_a_line_for_each_record_and_then_the_summary(
    kennel: Kennel,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every image that was asked for, under the execution it was recorded with."""
    assert pupline(monkeypatch, kennel.urls, "--run-id", "r1", "--json") == 1
    *results, summary = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {result["execution"] for result in results} == {f"r1-{index:08}" for index in range(4)}
    assert all(result["source_url"].startswith(IMAGES) for result in results)
    assert (summary["run"], summary["outcomes"]) == ("r1", {"stored": 3, "failed": 1})


@pytest.mark.parametrize(
    ("words", "says"), [("--data d", "--data"), ("--allow-origin http://h", "--allow-origin"), ("--resume", "--resume")]
)
def test_what_belongs_to_one_machine_is_refused(
    kennel: Kennel,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: str,
    says: str,
) -> None:
    """Exit code 2, nothing is started."""
    assert pupline(monkeypatch, kennel.urls, *words.split()) == 2
    assert says in capsys.readouterr().err
    assert kennel.stack.states.count("StartExecution") == 0
