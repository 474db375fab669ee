"""The house keeps its shape: imports point one way, and reading help stays cheap."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "pupline"

# What each room may import of pupline. `errors`, `text`, `files` and `regex` are leaves that everyone may use.
LEAVES = {"errors", "files", "regex", "text", "pupline"}
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "text": set(),
    "files": set(),
    "regex": set(),
    "asl": set(),
    "images": set(),
    "fetch": set(),
    "records": set(),
    "items": set(),
    "layout": set(),
    "metadata": {"records", "items"},
    "sources": {"fetch", "items"},
    "samples": {"fetch", "images"},
    "ports": {"records"},
    "insights": {"records", "items"},
    "cost": {"asl", "records"},
    "functions": {"images", "fetch", "ports", "records", "items", "layout", "metadata", "aws"},
    "aws": {"asl", "images", "fetch", "ports", "records", "insights"},
    "local": {"asl", "images", "fetch", "ports", "records", "items", "metadata"},
    "bulk": {
        *("images", "fetch", "ports", "records", "items", "layout", "metadata"),
        *("sources", "samples", "functions", "local"),
    },
    "pipeline": {
        "asl",
        "images",
        "fetch",
        "ports",
        "records",
        "items",
        "layout",
        "sources",
        "samples",
        "functions",
        "local",
        "bulk",
    },
    "stack": {
        *("aws", "ports", "records", "items", "layout", "metadata"),
        *("sources", "functions", "local", "bulk", "pipeline"),
    },
}
TOP = {"__main__", "cli", "console"}


def room_of(path: Path) -> str:
    """The room a source file is in: the first part of its path, without `.py`."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported_rooms(path: Path) -> set[str]:
    """The rooms of pupline that a file imports, anywhere in it, lazily or not."""
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [node.module or ""]
            if node.module == "pupline":
                names = [f"pupline.{alias.name}" for alias in node.names]
        rooms |= {name.split(".")[1] for name in names if name.startswith("pupline.")}
    return rooms - {"__version__"}


FILES = sorted(path for path in SOURCE.rglob("*.py") if path.name != "__init__.py" or path.parent != SOURCE)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_point_one_way(path: Path) -> None:
    """A room imports only rooms below it."""
    room = room_of(path)
    if room in TOP:
        return
    assert room in ALLOWED, f"{room} is a new room: say in this test what it may import"
    assert imported_rooms(path) - LEAVES - {room} <= ALLOWED[room]


def test_help_imports_nothing_heavy() -> None:
    """`pupline --help` loads none of what only some commands need, so that it answers at once."""
    program = (
        "import sys\nsys.argv = ['pupline', '--help']\n"
        "from pupline.cli import main\n"
        "try:\n    main()\nexcept SystemExit as stop:\n    assert not stop.code\n"
        "heavy = {'rich', 'apprise', 'jsonata', 'boto3', 'sqlite3', 'http.server', 'http.client', 'ssl'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
