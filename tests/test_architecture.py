"""The house keeps its shape: imports point one way, without circles, and reading help stays cheap.

The drawing in docs/architecture.md is the law: a room imports what its arrows lead to, directly or not.
"""

import ast
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "pupline"
ARCHITECTURE = ROOT / "docs" / "architecture.md"

LEAVES = {
    "choice_rules",
    "errors",
    "files",
    "imported_functions",
    "json_values",
    "line_formats",
    "listening",
    "parquet",
    "regex",
    "text",
    "workflow_files",
}
"""Rooms that every room may import, and that import no other room but one another."""

FACES = {
    "asl",
    "definitions",
    "images",
    "http",
    "specs",
    "sources",
    "samples",
    "insights",
    "cost",
    "aws",
    "local",
    "datasets",
    "decoding",
    "bulk",
    "backends",
    "parquet",
    "stepfunctions",
    "console",
}
"""Rooms that others import by their package alone, such as `from pupline.asl import StateMachine`."""

SUB_ROOMS = {
    "asl": "_service_models _walk _errors _limits _expression _values _texts _timestamp _functions jsonpath jsonata"
    " _commands _facts _history _endless _context _input _thread _fork _starting_at _failures _execution states"
    " _detailed_execution validation _state_machine driver test_state visits coverage mocks",
    "local": "_clock _signals data_dir database _changes tables alerts bucket journal ingests merging discarding pages"
    " repair _backend",
    "stepfunctions": "_errors _arns _names _documents _settings _call _pages protocol store _targets _revisions tasks"
    " executions machines _api _template_machines http _serving",
    "console": "job_queue web security live drawing jobs audit insights gallery executions alerts ingests sources start"
    " overview about _static_files _errors _openapi _app _protocol _server",
    "datasets": "training _objects selection export",
    "sources": "_positions _listing _source api lists _pages _image_url _resolve",
}
"""The order of a room's sub-rooms, and of the modules next to them: the lowest first."""


def module_of(path: Path) -> str:
    """The dotted name of a source file."""
    return ".".join(("pupline", *path.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__")


FILES = {module_of(path): path for path in sorted(SOURCE.rglob("*.py"))}


def room_of(module: str) -> str:
    """The room a module is in: the part of its name after `pupline`."""
    return module.split(".")[1] if "." in module else "pupline"


BLOCKS = ("body", "orelse", "finalbody", "handlers", "cases")
"""Where statements are in a statement."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What the tests ask of a source file, found in one walk: parsing all of them takes seconds.

    imports: modules of pupline, lazily imported or not; annotated: those under `if TYPE_CHECKING`. problems: functions
    that are too long or take too many arguments.
    """

    lines: int
    imports: frozenset[str]
    annotated: frozenset[str]
    problems: tuple[str, ...]


@cache
def parsed(module: str) -> Parsed:
    """The module's file, as the tests see it."""
    text = FILES[module].read_text()
    imports: set[str] = set()
    annotated: set[str] = set()
    problems: list[str] = []
    waiting: list[tuple[ast.AST, set[str]]] = [(ast.parse(text), imports)]
    while waiting:
        node, found = waiting.pop()
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            found = annotated
        elif isinstance(node, ast.Import | ast.ImportFrom):
            found |= {name for name in imported_names(module, node) if name in FILES} - {module, "pupline"}
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            problems += [] if node.name == "__init__" else function_problems(node)
        waiting += [(child, found) for block in BLOCKS for child in getattr(node, block, ())]
    return Parsed(len(text.splitlines()), frozenset(imports), frozenset(annotated), tuple(problems))


def imported_names(module: str, node: ast.Import | ast.ImportFrom) -> set[str]:
    """What an import statement imports: modules, where there are such modules."""
    if isinstance(node, ast.Import):
        return {alias.name for alias in node.names}
    assert node.level == 0, f"{module}: relative import"
    names = {alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return {name if name in FILES else str(node.module) for name in names.values()}


def function_problems(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """What keeps a function from being read in one sitting."""
    body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
    lines = (node.end_lineno or 0) - body[0].lineno + 1
    is_command = any("command" in ast.unparse(decorator) for decorator in node.decorator_list)
    names = [argument.arg for argument in [*node.args.args, *node.args.kwonlyargs]]
    count = len([name for name in names if name not in {"self", "cls"}])
    found = [f"{node.name} has {lines} lines"] if lines > 40 else []
    return found + ([f"{node.name} has {count} parameters"] if count > 6 and not is_command else [])


def imports_of(module: str, *, types: bool = False) -> frozenset[str]:
    """The modules of pupline that a module imports, lazily or not; with types=True also those for annotations only."""
    facts = parsed(module)
    return facts.imports | facts.annotated if types else facts.imports


@cache
def room_arrows() -> dict[str, set[str]]:
    """Each room of the drawing, and the rooms that it imports in the code; leaves and `__main__` are not drawn."""
    arrows: dict[str, set[str]] = {}
    for module in FILES:
        found = {room_of(name) for name in imports_of(module, types=True)} - LEAVES - {room_of(module)}
        arrows.setdefault(room_of(module), set()).update(found)
    return {room: found for room, found in arrows.items() if room not in {"pupline", "__main__", *LEAVES}}


def drawn_arrows() -> dict[str, set[str]]:
    """The arrows of the drawing in docs/architecture.md: each room, and the rooms that its arrows point at."""
    drawing = ARCHITECTURE.read_text().split("```mermaid\n")[1].split("```")[0]
    drawn: dict[str, set[str]] = {}
    for tail, heads in re.findall(r"(\w+) --> ([\w &]+)", drawing):
        drawn.setdefault(tail, set()).update(heads.split(" & "))
    return drawn


def led_to(room: str, arrows: dict[str, set[str]]) -> set[str]:
    """All rooms that the arrows from `room` lead to, directly or not."""
    found: set[str] = set()
    waiting = [room]
    while waiting:
        new = arrows.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


@pytest.mark.parametrize("room", sorted({room_of(module) for module in FILES} - {"pupline", "__main__", *LEAVES}))
def test_imports_follow_the_drawing(room: str) -> None:
    """A room imports only what its arrows lead to, and each arrow is an import that no other arrow implies."""
    drawn, real = drawn_arrows(), room_arrows()
    assert real[room] <= led_to(room, drawn), f"{room} imports {sorted(real[room] - led_to(room, drawn))}"
    implied = set().union(*(led_to(head, drawn) for head in drawn.get(room, ())))
    assert drawn.get(room, set()) <= real[room] - implied, f"{room}: an arrow that is no import, or not needed"


@pytest.mark.parametrize("leaf", sorted(LEAVES))
def test_leaves_import_leaves_only(leaf: str) -> None:
    """A leaf imports no room."""
    modules = [name for name in FILES if room_of(name) == leaf]
    assert {room_of(name) for module in modules for name in imports_of(module, types=True)} <= LEAVES


@pytest.mark.parametrize(("name", "path"), re.findall(r"\[`(\w+)`\]\(\.\./(src/[\w/.]+)\)", ARCHITECTURE.read_text()))
def test_the_places_named_exist(name: str, path: str) -> None:
    """What docs/architecture.md points at is defined where it says."""
    assert re.search(rf"^(?:class|def) {name}\b", (ROOT / path).read_text(), re.MULTILINE), f"{path} defines no {name}"


def test_every_room_is_described() -> None:
    """Each room has a row in docs/architecture.md."""
    rows = re.findall(r"^\| (`.+?`) \|", ARCHITECTURE.read_text(), re.MULTILINE)
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == set(room_arrows())


def test_private_modules_stay_in_their_package() -> None:
    """`pupline.a.b._c` is imported within `pupline.a.b` only; a room with a face is imported by its face only."""
    for module in (name for name in FILES if name != "pupline"):  # a test for each would cost more than what it does
        package = module if FILES[module].name == "__init__.py" else module.rpartition(".")[0]
        for name in imports_of(module, types=True):
            owner, _, leaf = name.rpartition(".")
            if leaf.startswith("_") and not leaf.startswith("__"):
                assert f"{package}.".startswith(f"{owner}."), f"{module} imports {name}"
            if room_of(name) in FACES and room_of(name) != room_of(module):
                assert name == f"pupline.{room_of(name)}", f"{module} imports {name}: import pupline.{room_of(name)}"


@pytest.mark.parametrize("room", SUB_ROOMS)
def test_sub_rooms_point_one_way(room: str) -> None:
    """A sub-room imports only those before it; imports for annotations only do not count."""
    order, inside = SUB_ROOMS[room].split(), f"pupline.{room}."
    for module in (name for name in FILES if name.startswith(inside)):
        allowed = order[: order.index(module.split(".")[2]) + 1]
        used = {name.split(".")[2] for name in imports_of(module) if name.startswith(inside)}
        assert used <= {*allowed}, module


def test_there_is_no_circle() -> None:
    """No module needs itself: imports inside functions count, those for annotations only do not."""
    left = {module: set(imports_of(module)) for module in FILES}
    while free := [module for module, needed in left.items() if not needed]:
        for module in free:
            del left[module]
        for needed in left.values():
            needed.difference_update(free)
    assert not left, f"in circles, or above one: {sorted(left)}"


def test_files_and_functions_can_be_read_in_one_sitting() -> None:
    """A file has at most 400 lines and the body of a function 40; what takes more than six arguments is a dataclass."""
    found = {module: parsed(module) for module in FILES}
    assert not [f"{module} has {facts.lines} lines" for module, facts in found.items() if facts.lines > 400]
    assert not [f"{module}.{problem}" for module, facts in found.items() for problem in facts.problems]


def test_help_imports_nothing_heavy() -> None:
    """`pupline --help` loads none of what only some commands need, so that it answers at once."""
    program = (
        "import sys\nsys.argv = ['pupline', '--help']\n"
        "from pupline.cli import main\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code\n"
        "heavy = {'rich', 'apprise', 'jsonata', 'boto3', 'sqlite3', 'http.server', 'http.client', 'ssl', 'fastapi',\n"
        "         'jinja2', 'uvicorn'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
