"""The hooks for pre-commit, and the GitHub Action: what they run, on which files, with which inputs."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
VALID = '{"StartAt": "A", "States": {"A": {"Type": "${Kind}", "End": true}}}'
WARNED = '{"StartAt": "A", "States": {"A": {"Type": "Pass", "Parameters": {"x": "$.a"}, "End": true}}}'


def action() -> dict[str, Any]:
    """action.yml."""
    found: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text())
    return found


def validated(folder: Path, **inputs: str) -> "subprocess.CompletedProcess[str]":
    """The step Validate with these inputs, as a runner carries it out, with the pupline of the tests."""
    home = folder / "home" / "bin"
    if not home.exists():
        home.mkdir(parents=True)
        (home / "pupline").symlink_to(Path(sys.executable).parent / "pupline")
    values = {name: str(one["default"]) for name, one in action()["inputs"].items()} | inputs
    [step] = [one for one in action()["runs"]["steps"] if one.get("name") == "Validate"]
    environment = {
        name: re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: values[found[1]], value)
        for name, value in step["env"].items()
    }
    environment |= {"PUPLINE_HOME": str(home.parent), "PATH": os.environ["PATH"]}
    command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.slow
def test_the_action_annotates_and_fails(tmp_path: Path) -> None:
    """Inputs are lists by lines; nothing in them is a command or a pattern."""
    (tmp_path / "a b.asl.json").write_text(VALID)
    (tmp_path / "warned.asl.json").write_text(WARNED)
    (tmp_path / "broken.asl.json").write_text("{")
    paths = "a b.asl.json\nwarned.asl.json\n"
    good = validated(tmp_path, paths=paths, substitutions="Kind=Pass")
    assert (good.returncode, good.stdout.count("::warning file=warned.asl.json")) == (0, 1)
    assert validated(tmp_path, paths=paths, strict="true").returncode == 1
    bad = validated(tmp_path, **{"sarif-file": "log.sarif"})
    assert bad.returncode == 1
    assert "::error file=broken.asl.json,line=1,col=2,title=INVALID_JSON_DESCRIPTION::" in bad.stdout
    assert '"version":"2.1.0"' in (tmp_path / "log.sarif").read_text()
    odd = validated(tmp_path, paths="$(touch made)\n*\n--strict")
    assert odd.returncode == 2
    assert odd.stdout.count("CANNOT_BE_READ") == 3
    assert not (tmp_path / "made").exists()


def test_no_script_of_the_action_has_an_input_in_it() -> None:
    """An expression in a script would be run as a part of it."""
    for step in action()["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
        assert re.search(r"@[0-9a-f]{40}$", step.get("uses", "@" + "0" * 40))


@pytest.mark.parametrize(
    ("hook", "taken", "left"),
    [
        ("pupline-validate", ["a.asl.json", "x/a.asl.yaml", "a.asl.yml", "a.asl"], ["a.json", "a.asl.json.bak", "asl"]),
        ("pupline-validate-templates", ["template.yaml", "x/template.json", "serverless.yml"], ["mytemplate.yaml"]),
    ],
)
def test_the_hooks_take_the_right_files(hook: str, taken: list[str], left: list[str]) -> None:
    """By their names, as pre-commit does."""
    hooks = {one["id"]: one for one in yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())}
    assert hooks[hook]["entry"] == "pupline asl validate"
    assert all(re.search(hooks[hook]["files"], name) for name in taken)
    assert not any(re.search(hooks[hook]["files"], name) for name in left)
