"""Positions of definitions that are texts inside templates: the place in the template's file."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.definitions import load_definition

ONE = {"StartAt": "é", "States": {"é": {"Type": "Pass", "Comment": 'a"b\\c\U0001f436', "End": True}}}


def looked_up(file: Path, path: str) -> str:
    """The text in the file from the position of a path to the end of its line."""
    position = load_definition(file).position(path)
    assert position is not None
    return file.read_text().split("\n")[position.line - 1][position.column - 1 :]


def template(definition: Any) -> dict[str, Any]:
    """A template in JSON with this DefinitionString."""
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"DefinitionString": definition}}
    return {"Resources": {"Machine": machine}}


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("function", ["text", "Fn::Sub", "Fn::Join"])
def test_a_string_of_json_in_json(tmp_path: Path, ascii_only: bool, indent: int | None, function: str) -> None:
    """Each escape is one character of the definition."""
    text = json.dumps(ONE, indent=indent, ensure_ascii=ascii_only)
    half = text.index("Comment")
    forms = {"text": text, "Fn::Sub": {"Fn::Sub": text}, "Fn::Join": {"Fn::Join": ["", [text[:half], text[half:]]]}}
    file = tmp_path / "template.json"
    file.write_text(json.dumps(template(forms[function]), indent=2, ensure_ascii=ascii_only))
    assert looked_up(file, "$.States.é.End").startswith("true")
    assert looked_up(file, "$.States.é.Type").startswith('\\"Pass')


@pytest.mark.parametrize(
    "scalar",
    [
        "'{}'",
        "|\n        {}",
        "|-\n\n        {}",
        ">\n        {}",
        "!Sub '{}'",
        "!Sub\n        - '{}'\n        - {{A: 1}}",
    ],
)
def test_every_style_of_yaml(tmp_path: Path, scalar: str) -> None:
    """Exact, but for folded text, which is where it begins."""
    text = scalar.format(json.dumps(ONE, ensure_ascii=False))
    machine = f"Type: AWS::StepFunctions::StateMachine\n    Properties:\n      DefinitionString: {text}\n"
    file = tmp_path / "template.yaml"
    file.write_text(f"Resources:\n  Machine:\n    {machine}")
    assert looked_up(file, "$.States.é.End").startswith(">" if scalar.startswith(">") else "true")


@given(st.text(), st.booleans())
def test_any_text_in_double_quotes(tmp_path_factory: pytest.TempPathFactory, text: str, ascii_only: bool) -> None:
    """Whatever is before the value."""
    file = tmp_path_factory.mktemp("any") / "template.json"
    definition = json.dumps({"Comment": text, "StartAt": "x", "States": {}}, ensure_ascii=ascii_only)
    file.write_bytes(json.dumps(template(definition), ensure_ascii=ascii_only).encode("utf-8", "replace"))
    assert looked_up(file, "$.StartAt").startswith('\\"x')
