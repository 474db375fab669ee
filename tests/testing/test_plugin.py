"""The plugin for pytest, in projects that know nothing of pupline but its fixture and its options."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.slow  # each test runs pytest

ROOT = Path(__file__).parents[2]
ORDERS: dict[str, Any] = {
    "StartAt": "Check",
    "States": {
        "Check": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.n", "NumericGreaterThan": 9, "Next": "Refuse"}],
            "Default": "Charge",
        },
        "Charge": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "charge", "Payload.$": "$"},
            "OutputPath": "$.Payload",
            "Retry": [{"ErrorEquals": ["Busy"], "MaxAttempts": 2}],
            "Catch": [{"ErrorEquals": ["CardRefused"], "Next": "Refuse"}],
            "End": True,
        },
        "Refuse": {"Type": "Fail", "Error": "Refused"},
    },
}
MOCKS = {
    "StateMachines": {"orders": {"TestCases": {"Happy": {"Charge": "Charged"}}}},
    "MockedResponses": {
        "Charged": {"0": {"Throw": {"Error": "Busy"}}, "1": {"Return": {"StatusCode": 200, "Payload": 7}}}
    },
}
ALL = """
import pytest
from pupline.asl import Throw

def test_charged(state_machine):
    state_machine("orders.json").run({"n": 1}, states={"Charge": 7}).assert_succeeded(7, path=["Check", "Charge"])

def test_case(state_machine):
    orders = state_machine("orders.json", mocks="mocks.json")
    assert orders.run({"n": 1}, case="Happy").output == 7
    assert orders.run_case("Happy", {"n": 1}).path == ["Check", "Charge"]

def test_refused(state_machine):
    orders = state_machine("orders.json")
    orders.run({"n": 1}, states={"Charge": Throw("CardRefused")}).assert_failed("Refused", state="Refuse")
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with a state machine, its mocks, warnings that are errors, and no plugin but ours."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    (pytester.path / "orders.json").write_text(json.dumps(ORDERS, indent=1))
    (pytester.path / "mocks.json").write_text(json.dumps(MOCKS))
    pytester.makeini("[pytest]\nfilterwarnings = error\n")
    return pytester


def run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """A run of pytest with the plugin."""
    return project.runpytest_inprocess("-p", "pupline.testing.plugin", "-p", "no:cacheprovider", *arguments)


def test_tests_pass_and_the_coverage_shows_what_is_missing(project: pytest.Pytester) -> None:
    """Nothing is printed unless it is asked for; the report names the line of what was never taken."""
    project.makepyfile(ALL)
    quiet = run(project)
    quiet.assert_outcomes(passed=3)
    quiet.stdout.no_fnmatch_line("*state machine coverage*")
    shown = run(project, "--asl-coverage")
    shown.assert_outcomes(passed=3)
    shown.stdout.fnmatch_lines(
        [
            "*state machine coverage*",
            "orders.json: Coverage: 85.7% (states 3/3, choice rules 0/1, defaults 1/1, retriers 1/1, catchers 1/1)",
            "Never taken:",
            "  orders.json:7  choice rule*Refuse",
        ]
    )


def test_too_little_coverage_fails_the_session(project: pytest.Pytester) -> None:
    """`--asl-fail-under` prints the report, and exits with 1 although the tests have passed."""
    project.makepyfile(ALL)
    result = run(project, "--asl-fail-under=86")
    assert result.ret == 1
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["FAIL: 85.7% of the state machines is less than the required 86%"])


def test_a_threshold_without_a_machine_is_not_met(project: pytest.Pytester) -> None:
    """A suite that runs no state machine has covered nothing, however low the threshold is."""
    project.makepyfile("def test_it():\n    pass\n")
    result = run(project, "--asl-fail-under=1")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["no state machine was run", "FAIL: 0% of the state machines*"])


@pytest.mark.parametrize("wrong", ["101", "-1", "much"])
def test_a_threshold_is_a_percentage(project: pytest.Pytester, wrong: str) -> None:
    """Anything else is a usage error, before any test."""
    result = run(project, f"--asl-fail-under={wrong}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*'{wrong}' is not a number from 0 to 100*"])


def test_workers_hand_over_what_they_have_covered(project: pytest.Pytester) -> None:
    """With pytest-xdist the report is that of all workers together."""
    project.makepyfile(ALL)
    result = run(project, "-p", "xdist", "-n", "2", "--asl-fail-under=85")
    assert result.ret == 0
    result.stdout.fnmatch_lines(["orders.json: Coverage: 85.7%*"])


FAILING = """
def test_output(state_machine):
    orders = state_machine("orders.json")
    orders.run({"n": 1}, states={"Charge": {"paid": 1, "id": "a"}}).assert_succeeded({"paid": 2, "id": "a"})

def test_status(state_machine):
    state_machine("orders.json").run({"n": 10}).assert_succeeded()

def test_path(state_machine):
    state_machine("orders.json").run({"n": 1}, states={"Charge": 1}).assert_path(["Check", "Refuse"])

def test_no_answer(state_machine):
    state_machine("orders.json").run({"n": 1})

def test_history(state_machine):
    result = state_machine("orders.json").run({"n": 10})
    result.assert_history(["ExecutionStarted", "ChoiceStateEntered", {"type": "ChoiceStateExited", "id": 4}])
"""


def test_failures_say_how_the_execution_ended(project: pytest.Pytester) -> None:
    """The difference, the status, the error, the path; and no lines of the plugin's own code."""
    project.makepyfile(FAILING)
    result = run(project)
    result.assert_outcomes(failed=5)
    result.stdout.fnmatch_lines(
        [
            "E*the output differs",
            'E*-  "paid": 2',
            'E*+  "paid": 1',
            "E*SUCCEEDED",
            "E*Path: Check -> Charge",
            "E*the status is FAILED, expected SUCCEEDED",
            "E*FAILED in state 'Refuse'",
            "E*Error: Refused",
            "E*the path differs",
            "E*-Refuse",
            "E*+Charge",
            "E*NothingAnswers: nothing answers state 'Charge': give it an answer as Charge or*",
            "E*the history differs",
            'E*-{"id":4,"type":"ChoiceStateExited"}',
            'E*+{"id":3,"type":"ChoiceStateExited"}',
        ]
    )
    result.stdout.no_fnmatch_line("*_execution_result.py*")


def test_files_are_found_from_the_tests_own_folder(project: pytest.Pytester) -> None:
    """A test in a folder finds the files next to it first, then those in the root folder, wherever pytest runs."""
    folder = project.mkdir("unit")
    (folder / "near.json").write_text(json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}}))
    body = "def test_it(state_machine):\n    state_machine('near.json').run(1).assert_succeeded(1)\n"
    (folder / "test_near.py").write_text(f"{body}    state_machine('orders.json')\n")
    project.chdir()
    run(project, "--asl-coverage", "unit").stdout.fnmatch_lines(["unit/near.json: Coverage: 100% (states 1/1)"])


def test_a_wrong_file_is_one_clear_line(project: pytest.Pytester) -> None:
    """A missing file, an invalid definition and an unknown case say what is wrong, and where."""
    (project.path / "wrong.json").write_text('{"StartAt": "A",\n "States": {"A": {"Type": "Pass", "Next": "B"}}}')
    project.makepyfile(
        "import pytest\n"
        "@pytest.mark.parametrize('spec', ['missing.json', 'wrong.json'])\n"
        "def test_it(state_machine, spec):\n    state_machine(spec)\n"
        "def test_case(state_machine):\n    state_machine('orders.json', mocks='mocks.json').run(case='Hapy')\n"
    )
    result = run(project)
    result.assert_outcomes(failed=3)
    result.stdout.fnmatch_lines(
        ["E*ConfigurationError:*missing.json*", "E*ConfigurationError:*wrong.json:2:*", "E*did you mean*Happy*"]
    )
    result.stdout.no_fnmatch_line("*load_machine*")


def test_a_missing_answer_is_shown_without_the_engine(project: pytest.Pytester) -> None:
    """The traceback ends in the test: where in the engine an answer is looked up helps nobody."""
    project.makepyfile("def test_it(state_machine):\n    state_machine('orders.json').run({'n': 1})\n")
    result = run(project)
    result.stdout.fnmatch_lines(["E*NothingAnswers:*"])
    result.stdout.no_fnmatch_line("*simulation*")


def test_loading_the_plugin_costs_nothing() -> None:
    """pytest loads it in every project, so it imports neither the engine nor anything else of pupline."""
    program = (
        "import sys, pytest\nbefore = set(sys.modules)\nimport pupline.testing.plugin\n"
        "print(sorted(set(sys.modules) - before))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    new = json.loads(done.stdout.replace("'", '"'))
    ours = {name for name in new if name.startswith("pupline")}
    assert ours == {"pupline", "pupline.testing", "pupline.testing.plugin"}
    assert len(new) < 6


def test_the_entry_point_names_the_plugin() -> None:
    """What pyproject.toml tells pytest to load is there, under a name that `-p` does not load twice."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["pytest11"] == {"pupline.testing.plugin": "pupline.testing.plugin"}


@pytest.mark.long
def test_the_examples_tests_pass_and_cover_the_whole_machine() -> None:
    """What examples/README.md says to run."""
    words = ["-n0", "-p", "no:cacheprovider", "-p", "pupline.testing.plugin", "examples/orders", "--asl-fail-under=100"]
    command = [sys.executable, "-m", "pytest", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "order.asl.json: Coverage: 100%" in done.stdout
