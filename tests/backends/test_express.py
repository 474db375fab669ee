"""A stack whose pipeline is Express: runs by StartSyncExecution, and commands that need what Step Functions forgets."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from pupline.backends import ExecutionResult, RunRequest, RunSettings, StackBackend
from pupline.backends.stack import _express
from pupline.backends.stack._account import Account
from pupline.backends.stack._polling import Timer
from pupline.errors import PuplineError
from tests.backends.stack_commands import STACK, Pupline, pupline, three_kinds
from tests.backends.stack_commands import deployed as standard_stack
from tests.backends.stack_fakes import BULK_ARN, MACHINE_ARN, STORED, FakeStack, map_only

__all__ = ["pupline", "standard_stack"]

pytestmark = pytest.mark.aws


@pytest.fixture
def deployed(standard_stack: FakeStack) -> FakeStack:
    """The stack `pupline`, its pipeline Express; the second image of a run is a PNG, the third is gone."""
    standard_stack.states.express = True
    three_kinds(standard_stack)
    return standard_stack


def test_run_tells_the_same_as_of_a_standard_pipeline(deployed: FakeStack, pupline: Pupline) -> None:
    """Field by field, failures with their records too; with StartSyncExecution alone."""
    words = ("run", *STACK, "--count", "3", "--run-id", "m", "--json")
    done = pupline(*words)
    assert {operation for operation, _ in deployed.states.calls} == {"StartSyncExecution"}
    deployed.states.express = False
    standard = pupline(*words)
    assert (done.code, standard.code) == (1, 1)
    assert sorted(done.json, key=str) == sorted(standard.json, key=str)
    assert [row["reason"] for row in done.json if row["execution"] == "m-00003"] == ["not_found"]


def test_a_run_that_is_repeated_starts_only_what_has_no_record(deployed: FakeStack, pupline: Pupline) -> None:
    """The audit table knows what is done, failures included; those results are told again."""
    first = pupline("run", *STACK, "--count", "3", "--run-id", "m", "--json")
    again = pupline("run", *STACK, "--count", "5", "--run-id", "m", "--json")
    assert deployed.states.count("StartSyncExecution") == 5
    assert sorted(again.json, key=str)[:3] == sorted(first.json, key=str)
    assert {row["execution"] for row in again.json} == {f"m-0000{number}" for number in range(1, 6)}
    assert again.code == 1


def test_a_run_keeps_its_settings(deployed: FakeStack, pupline: Pupline) -> None:
    """Another image under the same names would only tell the old results."""
    deployed.states.fetch = lambda _: {**STORED, "source": "image_url", "source_url": "https://x.example/a.jpg"}
    assert pupline("run", *STACK, "--image-url", "https://x.example/a.jpg", "--run-id", "m").code == 0
    for words in (("--image-url", "https://x.example/b.jpg"), ()):
        done = pupline("run", *STACK, *words, "--run-id", "m")
        assert done.code == 2
        assert "the run 'm' was started with other settings (m-00001 has the image https://x.example/a.jpg)" in done.err
    assert deployed.states.count("StartSyncExecution") == 1


def test_a_refused_start_is_repeated(deployed: FakeStack, pupline: Pupline) -> None:
    """An error in answer means that nothing runs: after minutes, one clear line."""
    deployed.states.fail_with["StartSyncExecution"] = (400, "ThrottlingException", "Rate exceeded")
    done = pupline("run", *STACK, "--count", "2", "--concurrency", "1")
    assert done.code == 1
    assert "starting" in done.err
    assert "ThrottlingException: Rate exceeded; try again in a moment" in done.err
    assert deployed.states.count("StartSyncExecution") == 8


def test_a_start_whose_answer_is_lost_is_not_repeated(deployed: FakeStack, pupline: Pupline) -> None:
    """It may run, and a second one would run beside it. The others are still told; the same command does the rest."""
    deployed.states.lose = frozenset({"m-00001"})
    done = pupline("run", *STACK, "--count", "2", "--concurrency", "2", "--run-id", "m", "--json")
    assert done.code == 1
    assert "m-00001: the connection was lost while it ran" in done.err
    assert "repeat it with --run-id m" in done.err
    assert [row["execution"] for row in done.json] == ["m-00002"]
    deployed.states.lose = frozenset()
    assert pupline("run", *STACK, "--count", "2", "--run-id", "m").code == 0
    assert deployed.states.count("StartSyncExecution") == 2, "its record was there"


def test_ctrl_c_ends_the_waiting(deployed: FakeStack) -> None:  # noqa: ARG001 - it has to be there
    """No more is started, and nobody waits for what runs."""
    told: list[str] = []

    def listener(event: Any) -> None:
        if isinstance(event, ExecutionResult):
            told.append(event.execution)
            raise KeyboardInterrupt

    request = RunRequest(RunSettings(), 9, concurrency=1, run_id="m")
    backend = StackBackend("pupline")
    report = backend.run(request, listener)
    assert (report.interrupted, told) == (True, ["m-00001"])
    assert backend.unfinished_work.endswith("See: pupline audit --backend aws --stack pupline")


@pytest.mark.slow
def test_what_step_functions_forgets_is_said(deployed: FakeStack, pupline: Pupline) -> None:
    """Lists have the executions of BulkIngest, and one line says what is missing and where it is."""
    assert "To start some: pupline ingest SOURCE --workflow" in pupline("executions", *STACK).out
    deployed.states.ingest = map_only
    deployed.states.start_execution({"stateMachineArn": BULK_ARN, "name": "bulk-1", "input": '{"items": 2}'})
    pupline("run", *STACK, "--count", "3", "--run-id", "m")
    for words in (("executions",), ("runs",), ("redrive", "--failed")):
        done = pupline(*words, *STACK)
        assert done.code == 0
        assert done.err.count("DogUploaderPipeline is Express: Step Functions keeps none of its executions") == 1
        assert "See their records: pupline audit --backend aws --stack pupline" in done.err
    assert [row["execution"] for row in pupline("executions", *STACK, "--json").json] == ["bulk-1"]
    for words in (("executions", "m-00001"), ("redrive", "m-00001"), ("stop", "m-00001")):
        done = pupline(*words, *STACK)
        assert done.code == 2
        assert "cannot be listed, shown, redriven or stopped" in done.err
        assert "If it has ended, its record: pupline audit --execution m-00001 --backend aws" in done.err
    found = {row["check"]: row["detail"] for row in pupline("doctor", *STACK, "--json").json}
    assert "EXPRESS, logging ERROR; its executions are not kept: see pupline audit" in found["state machine"]
    assert len(pupline("audit", "--run", "m", *STACK, "--json").json) == 3
    (alert,) = pupline("alerts", *STACK, "--json").json
    assert (alert["execution"], alert["image_name"], alert["subject"]) == ("m-00002", "b.png", None)


@pytest.mark.usefixtures("deployed")
def test_alerts_without_their_words_are_shown_and_chosen_by_time(pupline: Pupline) -> None:
    """As of an execution of 90 days ago: the time of the record counts."""
    assert f"To see some: pupline run --count 12 {' '.join(STACK)}" in pupline("alerts", *STACK).out
    pupline("run", *STACK, "--count", "3", "--run-id", "m")
    shown = pupline("alerts", *STACK)
    assert (shown.code, shown.out.count("m-00002")) == (0, 1)
    assert [
        len(pupline("alerts", *STACK, "--since", when, "--json").json) for when in ("2020-01-01", "2990-01-01")
    ] == [1, 0]


@pytest.mark.usefixtures("deployed")
def test_no_next_step_fails(pupline: Pupline) -> None:
    """Histories of an Express pipeline are not recommended, nor is a source to a stack, which has its own."""
    assert f"To start one: pupline run --count 12 {' '.join(STACK)}\n" in pupline("runs", *STACK).out
    steps = pupline("run", *STACK, "--run-id", "m").out.partition("Look next:\n")[2]
    assert [line.split()[1] for line in steps.splitlines()] == ["insights", "audit"]


def test_only_awss_own_endpoint_has_a_host_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore puts `sync-` before the host, and a local AWS or a VPC endpoint has no such name."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    hosts = [asked_host()]
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
    assert [*hosts, asked_host()] == ["sync-states.eu-central-1.amazonaws.com", "127.0.0.1"]


def asked_host() -> str | None:
    """The host that a start goes to."""
    starter = _express.SyncStarter(Account.of_environment(), 1, Timer())
    asked: list[str | None] = []

    def before_send(request: Any, **_: Any) -> None:
        asked.append(urlsplit(request.url).hostname)
        raise PuplineError("it stays here")

    starter._client.meta.events.register("before-send", before_send)
    with pytest.raises(PuplineError):
        starter.run(MACHINE_ARN, "m-00001", {})
    return asked[0]
