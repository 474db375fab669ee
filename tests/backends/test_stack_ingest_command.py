"""`pupline ingest --workflow --backend aws`, as a user types it: what it prints, and its exit codes."""

import json
import sys

import pytest

from pupline.cli import _invoke
from pupline.errors import ConfigurationError
from tests.backends.stack_fakes import VirtualTimer
from tests.backends.test_stack_ingest import IMAGES, Kennel, kennel

pytestmark = pytest.mark.aws

__all__ = ["kennel"]  # the fixture


def pupline(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    """Calls the command in this process, where moto lives; its exit code."""
    monkeypatch.setattr("pupline.backends.stack._backend.Timer", VirtualTimer)
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
    assert "Metadata: s3://dogs/datasets/urls/metadata/parquet\n" in shown


@pytest.mark.parametrize("as_json", [False, True])
def test_who_may_not_write_the_parquet_is_told_once(
    kennel: Kennel,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    as_json: bool,
) -> None:
    """One note with the way out, beside the JSON where that is asked for; the exit code is of the images."""

    def denied(*_: object) -> None:
        raise ConfigurationError("storing s3://dogs/x: AccessDenied: \x1b[31mno")

    monkeypatch.setattr("pupline.backends.stack._ingest.write_parquet", denied)
    assert pupline(monkeypatch, kennel.urls, "--run-id", "r1", *(["--json"] if as_json else [])) == 1
    captured = capsys.readouterr()
    told = captured.err if as_json else captured.out
    assert (captured.out + captured.err).count("JSON Lines only") == 1
    assert "could not be written: storing s3://dogs/x: AccessDenied: " in told
    assert "with --run-id r1 and credentials that may write it" in told
    assert "\x1b[31m" not in told
    assert as_json or "Metadata: s3://dogs/datasets/urls/metadata/jsonl/run=r1\n" in told


def test_json_is_a_line_for_each_record_and_then_the_summary(
    kennel: Kennel,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every image that was asked for, under the execution it was recorded with."""
    assert pupline(monkeypatch, kennel.urls, "--run-id", "r1", "--json") == 1
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    # The functions run in this process and log here, too.
    *results, summary = [line for line in lines if "function_request_id" not in line]
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
