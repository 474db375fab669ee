"""An execution run again: from the beginning or a state, with the input it had or another, as a run of its own."""

import json
from pathlib import Path
from typing import Any

import pytest

from pupline.backends import Again, ExecutionResult, MachineBackend, RunReport, RunRequest, RunSettings, StackBackend
from pupline.backends.stack._polling import Timer
from pupline.errors import ConfigurationError
from tests.backends.stack_fixtures import fake_stack

WITH_VARIABLES = {
    "StartAt": "Choose",
    "States": {
        "Choose": {
            "Type": "Pass",
            "Assign": {"kept.$": "$$.Execution.Input.image_url"},
            "Result": {"n": 1},
            "Next": "Look",
        },
        "Look": {"Type": "Pass", "Parameters": {"n.$": "$.n", "kept.$": "$kept"}, "Next": "Gone"},
        "Gone": {"Type": "Fail", "Error": "Gone"},
    },
}


@pytest.fixture
def machine(tmp_path: Path) -> MachineBackend:
    """A data directory with a failed execution, `r-00001`, of a workflow of its own."""
    workflow = tmp_path / "own.asl.json"
    workflow.write_text(json.dumps(WITH_VARIABLES))
    backend = MachineBackend(tmp_path / "data")
    settings = RunSettings("sample", "http://127.0.0.1:9/dog.png", workflow_file=str(workflow))
    backend.run(RunRequest(settings, run_id="r"), lambda _event: None)
    workflow.write_text(json.dumps({**WITH_VARIABLES, "StartAt": "Gone"}))
    return backend


def again(backend: MachineBackend, again: Again, run_id: str = "b") -> RunReport:
    """Run again, to the end; the reader sees what was written."""
    backend.close()
    return backend.run(RunRequest(RunSettings(), run_id=run_id, again=again), lambda _event: None)


def states_of(backend: MachineBackend, name: str) -> list[tuple[str, Any]]:
    """The states that the execution entered, with their inputs."""
    details = [event.get("stateEnteredEventDetails") for event in backend.execution(name).history]
    return [(one["name"], json.loads(one["input"])) for one in details if one]


def test_from_the_beginning_with_the_same_input_and_definition(machine: MachineBackend) -> None:
    """The definition is the recorded one, not that of the file as it is now; the run has the same settings."""
    report = again(machine, Again("r-00001"))
    assert (report.run_id, report.finished, report.failed) == ("b", 1, 1)
    assert states_of(machine, "b-00001") == states_of(machine, "r-00001")
    assert [run.run for run in machine.runs()] == ["b", "r"]


def test_from_a_state_with_its_input_and_variables(machine: MachineBackend) -> None:
    """The state gets the input that it had, and reads the variables that were assigned before it."""
    again(machine, Again("r-00001", "Look"))
    restored, look, gone = states_of(machine, "b-00001")
    assert restored[0] == "RestoreVariables"
    assert [look, gone] == states_of(machine, "r-00001")[1:]
    again(machine, Again("b-00001", "Look", '{"n": 5}'), "c")
    assert states_of(machine, "c-00001")[-1] == ("Gone", {"n": 5, "kept": "http://127.0.0.1:9/dog.png"})


def test_with_edited_input(machine: MachineBackend) -> None:
    """The edited input is the input of the new execution; the old one stays as it is."""
    again(machine, Again("r-00001", None, '{"image_url": "http://127.0.0.1:9/other.png"}'))
    assert machine.execution("b-00001").input == {"image_url": "http://127.0.0.1:9/other.png"}
    assert machine.execution("r-00001").row.status == "FAILED"


@pytest.mark.parametrize(
    ("chosen", "problem"),
    [
        (Again("r-00002"), "there is no execution 'r-00002'"),
        (Again("r-00001", "Loock"), "Loock is not a top-level state of DogUploaderPipeline; did you mean Look?"),
    ],
)
def test_what_is_not_there(machine: MachineBackend, chosen: Again, problem: str) -> None:
    """An unknown execution or state is refused, and no run is left behind."""
    with pytest.raises(ConfigurationError, match=problem.replace("?", r"\?")):
        again(machine, chosen)
    assert [run.run for run in machine.runs()] == ["r"]


def test_state_that_was_never_entered_needs_an_input(machine: MachineBackend) -> None:
    """Its input is not known; with one given it can be the first."""
    again(machine, Again("r-00001", "Gone"))
    with pytest.raises(ConfigurationError, match=r"never entered Choose.*--input"):
        again(machine, Again("b-00001", "Choose"), "c")
    again(machine, Again("b-00001", "Choose", '{"image_url": "x"}'), "c")
    assert [name for name, _ in states_of(machine, "c-00001")] == ["Choose", "Look", "Gone"]


def test_run_id_must_be_new(machine: MachineBackend) -> None:
    """A second execution is not added to a run that exists."""
    with pytest.raises(ConfigurationError, match="there is a run 'r' already"):
        again(machine, Again("r-00001"), "r")


def test_input_that_cannot_be_an_input_leaves_no_run(machine: MachineBackend) -> None:
    """What the engine refuses is reported, and the run without executions is gone."""
    report = again(machine, Again("r-00001", None, json.dumps("x" * 300_000)))
    assert "less than or equal to 262144" in report.refused[0]
    assert [run.run for run in machine.runs()] == ["r"]


@pytest.mark.slow
def test_the_new_execution_has_a_record_of_its_own(tmp_path: Path) -> None:
    """From a state of the pipeline: the image is alerted and recorded again, under the new name."""
    backend = MachineBackend(tmp_path)
    backend.run(RunRequest(RunSettings("sample"), 2, run_id="r"), lambda _event: None)
    results: list[Any] = []
    backend.close()
    request = RunRequest(RunSettings(), run_id="b", again=Again("r-00002", "CheckIfPNG"))
    backend.run(request, results.append)
    [result] = [one for one in results if isinstance(one, ExecutionResult)]
    assert (result.execution, result.outcome, result.alerted) == ("b-00001", "stored", True)
    records = {record.execution: record for record in backend.records()}
    assert records["b-00001"].image_name == records["r-00002"].image_name


@pytest.mark.aws
def test_on_a_stack_the_same_state_machine_starts_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the input it had or an edited one; from a state it is refused, with what to do instead."""
    with fake_stack(monkeypatch, tmp_path):
        backend = StackBackend("pupline", Timer(lambda: 0.0, lambda _seconds: None))
        backend.run(RunRequest(RunSettings(breed="hound"), run_id="r"), lambda _event: None)
        edited = Again("r-00001", None, '{"breed": "pug"}')
        report = backend.run(RunRequest(RunSettings(), run_id="b", again=edited), lambda _event: None)
        assert (report.run_id, report.finished) == ("b", 1)
        assert backend.execution("b-00001").input == {"breed": "pug"}
        with pytest.raises(ConfigurationError, match="pupline redrive"):
            backend.run(RunRequest(RunSettings(), again=Again("r-00001", "CheckIfPNG")), lambda _event: None)
