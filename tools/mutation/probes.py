"""Probes in every Python process of a test: each statement that runs marks its number in a file that they share.

The file is mapped into memory, so that marks outlive a SIGKILL and come from child processes too. `tree.py` copies this
module into the site-packages of the tree, where a `.pth` file imports it if REACHED names the file. The modules are
instrumented while they are imported; sources and line numbers stay as they are.
"""

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import json
import marshal
import mmap
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

REACHED = "PUPLINE_MUTATION_REACHED"
"""Names the file of marks; next to it are `.json`, number by position by path, and `.code`, a cache of byte code."""


class Marking(ast.NodeTransformer):
    """Puts `__reached__[number] = 1` before each statement that has a number."""

    def __init__(self, numbers: dict[str, int]) -> None:
        self._numbers = numbers

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """The node with marks in each of its blocks."""
        super().generic_visit(node)
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                setattr(node, name, [one for statement in block for one in (*self._mark(statement), statement)])
        return node

    def _mark(self, statement: ast.AST) -> list[ast.stmt]:
        if not isinstance(statement, ast.stmt):
            return []
        number = self._numbers.get(f"{statement.lineno}:{statement.col_offset}")
        if number is None:
            return []
        (mark,) = ast.parse(f"__reached__[{number}] = 1").body
        for node in ast.walk(mark):
            ast.copy_location(node, statement)
        return [mark]


class ProbedLoader(importlib.machinery.SourceFileLoader):
    """Loads a module with marks. Its byte code has a cache of its own: the usual one is for the sources as they are."""

    numbers: dict[str, int]
    reached: mmap.mmap
    cache: Path

    def get_code(self, fullname: str) -> CodeType:
        """The instrumented module's code."""
        cached = self.cache / fullname
        if cached.is_file():
            code: CodeType = marshal.loads(cached.read_bytes())  # noqa: S302 -- written below
            return code
        path = self.get_filename(fullname)
        tree = Marking(self.numbers).visit(ast.parse(self.get_data(path)))
        code = compile(tree, path, "exec", dont_inherit=True)
        part = self.cache / f"{fullname}.{os.getpid()}"
        part.write_bytes(marshal.dumps(code))
        part.replace(cached)
        return code

    def exec_module(self, module: ModuleType) -> None:
        """Run the module with the marks at hand."""
        module.__dict__["__reached__"] = self.reached
        super().exec_module(module)


class ProbedFinder(importlib.abc.MetaPathFinder):
    """Finds the modules that have numbers; all others are left to the usual finders."""

    def __init__(self, numbers: dict[str, dict[str, int]], reached: mmap.mmap, cache: Path) -> None:
        self._numbers = numbers
        self._reached = reached
        self._cache = cache

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> Any:
        """A specification with a loader that instruments, or None."""
        if not fullname.startswith("pupline."):
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        numbers = self._numbers.get(spec.origin or "") if spec else None
        if spec is None or numbers is None:
            return None
        loader = ProbedLoader(fullname, str(spec.origin))
        loader.numbers, loader.reached, loader.cache = numbers, self._reached, self._cache
        spec.loader = loader
        return spec


def reached_marks(path: Path) -> mmap.mmap:
    """The marks of a file, shared with all processes that map it."""
    with path.open("r+b") as file:
        return mmap.mmap(file.fileno(), 0)


def install(path: Path) -> None:
    """Instrument what this process imports from now on."""
    numbers = json.loads(path.with_suffix(".json").read_text())
    sys.meta_path.insert(0, ProbedFinder(numbers, reached_marks(path), path.with_suffix(".code")))


if __name__ == "pupline_probes":
    install(Path(os.environ[REACHED]))
