"""The rooms that promise something, and the statements of their functions."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path("src") / "pupline"

ROOMS = {
    "order of writes": (
        "local/bucket/*.py",
        "local/ingests/*.py",
        "local/journal/*.py",
        "local/tables/*.py",
        "local/database/*.py",
    ),
    "guard": (
        "http/_address.py",
        "http/_network.py",
        "http/_policy.py",
        "http/_reader.py",
        "http/_redirect.py",
        "http/_robots.py",
        "http/_url.py",
    ),
    "recovery": ("local/bucket/_recovery.py", "local/repair/*.py", "local/discarding/*.py"),
    "scheduler": ("bulk/_hosts.py", "bulk/_retries.py", "bulk/_scheduler.py"),
    "engine": ("asl/**/*.py",),
}
"""Paths below src/pupline by room. A file that two rooms name belongs to the later one."""

OWN_TESTS = {
    "order of writes": ("tests/local/",),
    "guard": ("tests/http/",),
    "recovery": ("tests/local/",),
    "scheduler": ("tests/bulk/",),
    "engine": ("tests/asl/",),
}
"""The folders whose tests are tried first."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Statement:
    """A statement of a function. `name` stays the same while other functions change.

    name: "src/pupline/asl/_fork.py:Fork.receive:3" is the fourth statement of the method, in source order.
    """

    name: str
    node: ast.stmt
    function: Function


def sources(root: Path) -> dict[Path, str]:
    """Room by path, relative to the root, in the order of the paths."""
    rooms: dict[Path, str] = {}
    for room, patterns in ROOMS.items():
        for pattern in patterns:
            for path in (root / SOURCE).glob(pattern):
                rooms[path.relative_to(root)] = room
    return dict(sorted(rooms.items()))


def statements(path: Path, tree: ast.Module) -> list[Statement]:
    """Those of the functions and methods of a module, in source order, without docstrings."""
    return [
        Statement(f"{path.as_posix()}:{qualname}:{number}", node, function)
        for qualname, function in functions(tree)
        for number, node in enumerate(_own_statements(function))
    ]


def functions(tree: ast.AST, within: str = "") -> Iterator[tuple[str, Function]]:
    """Each function with its qualified name, the nested ones too."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Function):
            yield within + node.name, node
            yield from functions(node, f"{within}{node.name}.")
        else:
            yield from functions(node, f"{within}{node.name}." if isinstance(node, ast.ClassDef) else within)


def _own_statements(node: ast.AST) -> Iterator[ast.stmt]:
    """The statements below a node that no nested function has."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt) and not is_docstring(child):
            yield child
        if not isinstance(child, Function | ast.ClassDef | ast.Lambda):
            yield from _own_statements(child)


def is_docstring(node: ast.stmt) -> bool:
    """Whether a statement is only a string."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
