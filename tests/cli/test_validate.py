"""pupline validate: many files and folders, the forms of its report, its exit codes."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pupline.cli import _validation_report

Run = Callable[..., Any]

VALID = '{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}'
BROKEN = """\
StartAt: A
States:
  A:
    Type: Pass
    Nxt: B
    Next: Z
"""
WARNED = '{"StartAt": "A", "States": {"A": {"Type": "Pass", "Parameters": {"x": "$.a"}, "End": true}}}'
TEMPLATE = """\
Resources:
  Order:
    Type: AWS::Serverless::StateMachine
    Properties:
      Type: EXPRESS
      DefinitionSubstitutions: {Kind: Pass}
      Definition: {StartAt: A, States: {A: {Type: "${Kind}", End: true}}}
  Refund:
    Type: AWS::Serverless::StateMachine
    Properties:
      Definition: {StartAt: A, States: {A: {Type: Pass, Next: Z}}}
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with definitions of all kinds, which is the working directory."""
    files = {"valid.asl.json": VALID, "broken.asl.yaml": BROKEN, "warned.json": WARNED, "template.yaml": TEMPLATE}
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("words", "code", "code_of_old"),
    [
        (["valid.asl.json"], 0, 0),
        (["valid.asl.json", "warned.json"], 0, 0),
        (["warned.json", "--strict"], 1, 2),
        (["valid.asl.json", "warned.json", "--strict"], 1, 1),
        (["broken.asl.yaml"], 1, 2),
        (["valid.asl.json", "broken.asl.yaml"], 1, 1),
        (["."], 1, 1),
        (["valid.asl.json", "broken.asl.yaml", "none.json"], 2, 2),
        (["template.yaml#Order"], 0, 0),
        (["template.yaml#Refund"], 1, 2),
        (["template.yaml#Nope"], 2, 2),
        (["valid.asl.json", "--json", "--format", "sarif"], 2, 2),
    ],
)
@pytest.mark.usefixtures("project")
def test_exit_codes_are_those_of_linters(command: Run, words: list[str], code: int, code_of_old: int) -> None:
    """0, 1 for problems, 2 for what cannot be read; for one file `pupline validate` keeps its 2."""
    assert command("asl", "validate", *words).code == code
    assert command("validate", *words).code == code_of_old


@pytest.mark.usefixtures("project")
def test_every_problem_has_its_line_and_column(command: Run) -> None:
    """As compilers and linters write it, so that editors find the place."""
    done = command("validate", ".")
    assert [re.match(r"(\S+): (error|warning): (\S+): ", line).groups() for line in done.stdout.splitlines()] == [  # type: ignore[union-attr]
        ("broken.asl.yaml:5:5", "error", "$.States.A"),
        ("broken.asl.yaml:6:11", "error", "$.States.A.Next"),
        ("template.yaml:11:63", "error", "$.States.A.Next"),
        ("warned.json:1:71", "warning", "$.States.A.Parameters.x"),
    ]
    assert done.stderr == "5 definitions checked: 3 problems, 1 warning\n"


@pytest.mark.usefixtures("project")
def test_success_is_one_line(command: Run) -> None:
    """For one file what it is; for several their number."""
    one, many = command("validate", "template.yaml#Order"), command("validate", "valid.asl.json", "template.yaml#Order")
    assert one.stdout == "template.yaml#Order: valid, EXPRESS, 1 state at the top level\n"
    assert many.stdout == "2 definitions checked: all valid\n"
    assert one.stderr == many.stderr == ""


@pytest.mark.usefixtures("project")
def test_json_has_a_line_for_each_definition(command: Run) -> None:
    """With the position of each problem; a template's resource is named."""
    rows = {(row["file"], row.get("resource")): row for row in command("validate", ".", "--json").rows}
    assert rows["valid.asl.json", None] == {"file": "valid.asl.json", "valid": True, "problems": []}
    [_, problem] = rows["broken.asl.yaml", None]["problems"]
    assert problem == {
        "path": "$.States.A.Next",
        "message": "MISSING_TRANSITION_TARGET: Missing 'Next' target: Z",
        "code": "MISSING_TRANSITION_TARGET",
        "line": 6,
        "column": 11,
    }
    assert rows["template.yaml", "Refund"]["template"] == "template.yaml"
    assert [one["code"] for one in rows["warned.json", None]["warnings"]] == ["NO_DOLLAR"]
    assert len(rows) == 5


@pytest.mark.usefixtures("project")
def test_sarif_for_code_scanning(command: Run) -> None:
    """Rules, relative URIs, places. The log is there also when nothing was found."""
    [log] = command("validate", ".", "none.json", "--format", "sarif").rows
    [run] = log["runs"]
    assert log["version"] == "2.1.0"
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert [(rules[one["ruleIndex"]], one["level"]) for one in run["results"]] == [
        (one["ruleId"], one["level"]) for one in run["results"]
    ]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "broken.asl.yaml"}, "region": {"startLine": 5, "startColumn": 5}}
    assert run["results"][-1]["ruleId"] == "CANNOT_BE_READ"
    assert run["invocations"] == [{"executionSuccessful": False}]
    [empty] = command("validate", "valid.asl.json", "--format", "sarif").rows
    assert empty["runs"][0]["results"] == []


def test_sarif_names_a_file_whose_name_is_not_utf_8(command: Run, project: Path) -> None:
    """File systems of Linux take any bytes; a URI has them escaped."""
    (project / os.fsdecode(b"b\xff.asl.json")).write_text('{"StartAt": "A", "States": {}}')
    [log] = command("validate", os.fsdecode(b"b\xff.asl.json"), "--format", "sarif").rows
    [place, *_] = log["runs"][0]["results"][0]["locations"]
    assert place["physicalLocation"]["artifactLocation"] == {"uri": "b%FF.asl.json"}


def test_annotations_for_github_cannot_be_forged(command: Run, project: Path) -> None:
    """Names of files and states are text from outside: they begin no command and end no property."""
    (project / "a,b:c%.asl.json").write_text(
        json.dumps({"StartAt": "\x1b[31mx\n::error::y\u202e", "States": {"A": {"Type": "Fail"}}})
    )
    done = command("validate", "a,b:c%.asl.json", "--format", "github")
    line, *more = done.stdout.splitlines()
    assert line.startswith(
        "::error file=a%2Cb%3Ac%25.asl.json,line=1,col=13,title=MISSING_TRANSITION_TARGET::$.StartAt: "
    )
    assert r"\x1b[31mx\n::error::y\u202e" in line
    assert not more


def test_a_terminal_shows_the_line_with_a_caret(command: Run, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Escaped, cut to what fits, the caret under the place."""
    (project / "wide.asl.json").write_text(f'{{"Comment": "{"é" * 300}\\u202e\u202e", "StartAt": "B", "States": 1}}')
    monkeypatch.setattr(_validation_report, "is_terminal", lambda: True)
    lines = command("validate", "broken.asl.yaml", "wide.asl.json").stdout.splitlines()
    assert lines[1:3] == ["    5 |     Nxt: B", "            ^"]
    shown, caret = lines[-2:]
    assert shown[caret.index("^")] == "1"
    assert "\\u202e" in shown
    assert len(shown) < 130


@pytest.mark.usefixtures("project")
def test_values_fill_placeholders_and_parameters(command: Run) -> None:
    """--substitution goes before DefinitionSubstitutions."""
    assert command("validate", "template.yaml#Order", "--substitution", "Kind=Pas").code == 2
    assert command("validate", "template.yaml#Order", "--substitution", "Kind").code == 2
    assert command("validate", "template.yaml#Order", "--type", "standard").stdout.count("STANDARD") == 1


def test_a_placeholder_that_a_template_leaves_out_is_a_warning(command: Run, project: Path) -> None:
    """AWS would leave it as it is. Inside a text it may be meant so, unless its name is close to one that exists."""
    given = {"TopicArn": "${Tpoic}", "Subject": "${HOME}", "Message": "$PATH in ${HOME} of ${Topic}"}
    call = {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Parameters": given, "End": True}
    (project / "call.json").write_text(json.dumps({"StartAt": "A", "States": {"A": call}}))
    values = {"Topic": {"Fn::ImportValue": "orders-topic"}}
    properties = {"DefinitionUri": "call.json", "DefinitionSubstitutions": values}
    machine = {"Type": "AWS::Serverless::StateMachine", "Properties": properties}
    (project / "call-template.json").write_text(json.dumps({"Resources": {"Call": machine}}))
    done = command("asl", "validate", "call-template.json", "--json")
    found = [(each["path"], each["message"].partition(": ")[2]) for each in done.rows[0]["warnings"]]
    assert found == [
        ("$.States.A.Parameters.TopicArn", "DefinitionSubstitutions has no 'Tpoic'. Did you mean 'Topic'?"),
        ("$.States.A.Parameters.Subject", "DefinitionSubstitutions has no 'HOME'."),
    ]
    assert (done.code, command("asl", "validate", "call.json").stderr) == (0, "")


def test_what_is_skipped_is_told(command: Run, project: Path) -> None:
    """And a folder without definitions is an error: a check that checks nothing must not pass."""
    (project / "node_modules").mkdir()
    (project / "chart.yaml").write_text("{{ StartAt }}: {")
    (project / "topics.yaml").write_text("Resources: {T: {Type: AWS::SNS::Topic}}")
    told = command("validate", ".", "topics.yaml").stderr
    assert "skipped topics.yaml: a template without state machines" in told
    assert "skipped chart.yaml: 1:1: " in told
    assert "skipped folders that are hidden or hold dependencies: node_modules" in told
    empty = command("validate", "node_modules")
    assert (empty.code, empty.stderr) == (2, "no state machine definition was found\n")
    assert command("validate", "topics.yaml").code == 0


def test_a_file_of_two_machines_is_told_once(command: Run, project: Path) -> None:
    """Where a template has a definition twice."""
    machine = "{Type: AWS::Serverless::StateMachine, Properties: {DefinitionUri: broken.asl.yaml}}"
    (project / "two.yaml").write_text(f"Resources: {{A: {machine}, B: {machine}}}")
    assert command("validate", "two.yaml").stdout.count("Nxt") == 1
    assert len(command("validate", "two.yaml", "--json").rows) == 2
