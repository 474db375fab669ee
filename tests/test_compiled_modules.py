"""The wheel with compiled modules: what is compiled is what pyproject.toml says, and it is there."""

import tomllib
from pathlib import Path

import pytest

from tools.compiled_modules import modules_of

ROOT = Path(__file__).parents[1]


def settings() -> dict[str, list[str]]:
    """The settings of the build hook."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    found: dict[str, list[str]] = project["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]
    return found


def test_each_name_in_the_settings_says_something() -> None:
    """Every name is of a module or room; one that stays plain is in a room that would be compiled otherwise."""
    modules, plain = settings()["modules"], settings()["plain"]
    compiled = modules_of(ROOT / "src", modules, plain)
    assert "pupline/asl/_execution.py" in compiled
    for name in modules:
        assert modules_of(ROOT / "src", [name], plain), name
    for name in plain:
        others = [each for each in plain if each != name]
        assert len(modules_of(ROOT / "src", modules, others)) > len(compiled), name


def test_a_name_that_is_not_there_is_refused() -> None:
    """A module that was renamed does not quietly stay plain."""
    with pytest.raises(SystemExit, match=r"pyproject\.toml: not in .*: pupline/elsewhere"):
        modules_of(ROOT / "src", ["pupline/asl"], ["pupline/elsewhere"])
