"""The wheel with compiled modules: what is compiled is what pyproject.toml says, and it is there."""

import ast
import re
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
    assert [name for name in modules if not any(Path(each).is_relative_to(name) for each in compiled)] == []
    in_rooms = modules_of(ROOT / "src", modules, [])
    assert [name for name in plain if not any(Path(each).is_relative_to(name) for each in in_rooms)] == []


def test_a_name_that_is_not_there_is_refused() -> None:
    """A module that was renamed does not quietly stay plain."""
    with pytest.raises(SystemExit, match=r"pyproject\.toml: not in .*: pupline/elsewhere"):
        modules_of(ROOT / "src", ["pupline/asl"], ["pupline/elsewhere"])


@pytest.mark.slow
def test_no_plain_class_derives_from_a_compiled_one() -> None:
    """Python would refuse it, at the import or at the first object."""
    source = ROOT / "src"
    compiled = set(modules_of(source, settings()["modules"], settings()["plain"]))
    trees = {path: ast.parse((source / path).read_text()) for path in modules_of(source, ["pupline"], [])}
    names = {node.name for path in compiled for node in classes_in(trees[path]) if not IS_PLAIN.search(bases_of(node))}
    refused = []
    for path in trees.keys() - compiled:
        imported = names_from_pupline(trees[path])
        for node in classes_in(trees[path]):
            bases = {ast.unparse(base).partition("[")[0] for base in node.bases}
            refused += [f"{path}: {node.name}({base})" for base in bases & imported & names]
    assert refused == []


IS_PLAIN = re.compile(r"Error|Exception|NamedTuple|Protocol|TypedDict")
"""Of the bases of classes that mypyc leaves as they are."""


def classes_in(tree: ast.Module) -> list[ast.ClassDef]:
    """All classes of a module."""
    return [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]


def bases_of(node: ast.ClassDef) -> str:
    """The bases of a class, as they are written."""
    return ", ".join(ast.unparse(base) for base in node.bases)


def names_from_pupline(tree: ast.Module) -> set[str]:
    """The names that a module imports from others of pupline."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {alias.name for node in imports if (node.module or "").startswith("pupline") for alias in node.names}
