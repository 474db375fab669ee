"""`pupline test-state`: the stages of one state, and clear words for what cannot be tested."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from pupline.cli import cli
from pupline.errors import ConfigurationError

MACHINE = {
    "StartAt": "Call",
    "States": {
        "Call": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "f", "Payload": {"name.$": "$.name"}},
            "ResultSelector": {"said.$": "$.Payload"},
            "ResultPath": "$.answer",
            "Catch": [{"ErrorEquals": ["Known"], "Next": "End"}],
            "Next": "End",
        },
        "End": {"Type": "Succeed"},
    },
}


@pytest.fixture
def machine(tmp_path: Path) -> str:
    """The path of a definition."""
    path = tmp_path / "machine.json"
    path.write_text(json.dumps(MACHINE))
    return str(path)


def test_each_stage_is_shown(machine: str) -> None:
    """The given result flows through ResultSelector and ResultPath; --json is TestState's answer."""
    arguments = ["test-state", machine, "Call", "--input", '{"name": "rex"}', "--result", '{"Payload": "wow"}']
    shown = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert "after ResultSelector" in shown.output
    answer = json.loads(CliRunner().invoke(cli, [*arguments, "--json"], standalone_mode=False).output)
    assert json.loads(answer["output"]) == {"name": "rex", "answer": {"said": "wow"}}
    assert (answer["status"], answer["nextState"]) == ("SUCCEEDED", "End")


def test_a_placeholder_for_a_number_is_filled_in(tmp_path: Path) -> None:
    """Without its value the option is named."""
    path = tmp_path / "open.json"
    path.write_text('{"StartAt": "A", "States": {"A": {"Type": "Wait", "Seconds": ${Delay}, "End": true}}}')
    with pytest.raises(ConfigurationError, match=r"state 'A': the placeholder .* add --substitution Delay=VALUE$"):
        CliRunner().invoke(cli, ["test-state", str(path), "A"], standalone_mode=False, catch_exceptions=False)
    arguments = ["test-state", str(path), "A", "--substitution", "Delay=5"]
    assert CliRunner().invoke(cli, arguments, standalone_mode=False).return_value == 0


@pytest.mark.parametrize(("error", "status", "code"), [("Known", "CAUGHT_ERROR", 0), ("Other", "FAILED", 1)])
def test_an_error_is_caught_or_fails_the_state(machine: str, error: str, status: str, code: int) -> None:
    """The exit code says whether the state failed; a caught error is no failure."""
    arguments = ["test-state", machine, "Call", "--input", '{"name": 1}', "--error", error, "--cause", "why", "--json"]
    done = CliRunner().invoke(cli, arguments, standalone_mode=False)
    assert json.loads(done.output)["status"] == status
    assert done.return_value == code


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["Nobody"], "state 'Nobody': State not found in definition: 'Nobody'; its states are Call, End"),
        (["call"], "did you mean 'Call'? Its states are Call, End"),
        (
            ["Call", "--input", '{"name": 1}'],
            "state 'Call': nothing is called here; give what it answers with --result",
        ),
        (["Call", "--input", "{"], "--input: it is not JSON"),
        (["Call", "--input", "@nowhere.json"], "cannot be read"),
        (["Call", "--variables", "[]", "--result", "1"], "it must be a JSON object"),
    ],
)
def test_what_cannot_be_tested_is_said(machine: str, arguments: list[str], words: str) -> None:
    """A missing state and bad JSON are the user's to fix: one line that names them."""
    done = CliRunner().invoke(cli, ["test-state", machine, *arguments], standalone_mode=False)
    assert isinstance(done.exception, ConfigurationError)
    assert words in str(done.exception)


def test_the_error_of_a_state_names_it(machine: str) -> None:
    """As the execution's own error would."""
    done = CliRunner().invoke(cli, ["test-state", machine, "Call", "--result", "{}"], standalone_mode=False)
    assert "An error occurred while executing the state 'Call'" in " ".join(done.output.split())
    assert done.return_value == 1
