"""Definitions in folders: which files are taken, and what is said of the others."""

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pupline.definitions import LoadedDefinition, Skipped, Unread, find_definitions, load_definitions
from pupline.errors import ConfigurationError

ONE = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
TEMPLATE = """\
Resources:
  Order:
    Type: AWS::Serverless::StateMachine
    Properties: {Type: EXPRESS, DefinitionUri: machines/order.asl.json}
  Stored: {Type: AWS::Serverless::StateMachine, Properties: {DefinitionUri: s3://bucket/key}}
"""
FILES = {
    "template.yaml": TEMPLATE,
    "machines/order.asl.json": ONE,
    "machines/b.asl.yaml": ONE,
    "machines/c.asl": ONE,
    "machines/plain.json": ONE,
    "machines/broken.asl.json": "{",
    "chart.yaml": "{{ StartAt }}: {",
    "package.json": "{}",
    "notes.yaml": "StartAt: noon",
    ".aws-sam/build/a.asl.json": ONE,
    "node_modules/x/a.asl.json": ONE,
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with files of all kinds."""
    for name, text in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path


def test_a_folder_gives_all_its_definitions(project: Path) -> None:
    """By their names, or what they hold; what a template names is taken once, with the template's type."""
    found = [one for one in find_definitions([project]) if isinstance(one, LoadedDefinition)]
    assert [(one.name.removeprefix(f"{project}/"), one.type) for one in found] == [
        ("template.yaml#Order", "EXPRESS"),
        ("machines/b.asl.yaml", "STANDARD"),
        ("machines/c.asl", "STANDARD"),
        ("machines/plain.json", "STANDARD"),
    ]


def test_what_is_not_taken_is_told(project: Path) -> None:
    """A file that cannot be read is an error if its name says that it is a definition, else it is skipped."""
    found = list(find_definitions([project]))
    assert ["broken.asl.json:1:2" in str(one.error) for one in found if isinstance(one, Unread)] == [True]
    skipped = {str(one.path.relative_to(project)): one.why for one in found if isinstance(one, Skipped)}
    assert skipped.keys() == {"template.yaml", "chart.yaml", ".aws-sam", "node_modules"}
    assert skipped["template.yaml"] == "Stored: the definition is in S3: name the file that was put there"


@pytest.mark.parametrize("name", ["machines", "package.json", "machines/order.asl.json"])
def test_what_cannot_be_read_now_is_an_error(project: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A folder and a file of any kind: there may be definitions in it."""
    for function in (os.scandir, os.open):
        monkeypatch.setattr(os, function.__name__, refusing(function, project / name))
    (told,) = (str(one.error) for one in find_definitions([project]) if isinstance(one, Unread) and name in one.path)
    assert str(project / name) in told
    assert "Permission denied" in told


def refusing(function: Callable[..., Any], refused: Path) -> Callable[..., Any]:
    """The function of a system on which this user may not read the path."""

    def call(path: Any, *arguments: Any, **options: Any) -> Any:
        if str(path) == str(refused):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return function(path, *arguments, **options)

    return call


def test_files_and_resources_are_taken_as_named(project: Path) -> None:
    """All machines of a template; a template without any is skipped."""
    (project / "empty.yaml").write_text("Resources: {Topic: {Type: AWS::SNS::Topic}}")
    specs: list[str | Path] = [
        f"{project}/template.yaml#Order",
        project / "template.yaml",
        project / "empty.yaml",
        project / "none.json",
    ]
    one, again, stored, empty, none = find_definitions(specs)
    assert isinstance(one, LoadedDefinition)
    assert isinstance(again, LoadedDefinition)
    assert "is in S3" in str(stored)
    assert empty == Skipped(project / "empty.yaml", "a template without state machines")
    assert "No such file" in str(none)


def test_load_definitions_stops_at_the_first_error(project: Path) -> None:
    """The library has an exception where the command goes on."""
    assert len(list(load_definitions([project / "machines" / "c.asl"]))) == 1
    with pytest.raises(ConfigurationError, match=r"broken\.asl\.json"):
        list(load_definitions([project]))
