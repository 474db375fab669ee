"""The mutation run makes the faults it says it makes, chooses the same ones for a seed, and puts them in place."""

import ast
import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tools.mutation.__main__ import main
from tools.mutation.mutants import Mutant, chosen, mutants
from tools.mutation.probes import Marking
from tools.mutation.reach import Reach
from tools.mutation.report import is_good_enough, report
from tools.mutation.rooms import statements
from tools.mutation.trials import Plan
from tools.mutation.trying import put_in_place

WRITER = '''
LIMIT = 3


def store(file, journal, count) -> None:
    """Write it."""
    if count > LIMIT and not file.closed:
        raise ValueError("too many")
    file.sync()
    journal.commit(
        count,
    )
    try:
        file.close()
    except (OSError, ValueError):
        pass


def is_small(count: int) -> bool:
    return min(count, 7) < LIMIT
'''
PATH = Path("src/pupline/http/_url.py")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree with one module of one room."""
    (tmp_path / PATH).parent.mkdir(parents=True)
    (tmp_path / PATH).write_text(WRITER)
    return tmp_path


def first(root: Path, operator: str, after: str = "") -> Mutant:
    """The first mutant of a kind whose line has the text."""
    return next(one for one in mutants(root, PATH, "guard") if one.operator == operator and after in one.after)


@pytest.mark.parametrize(
    ("operator", "after"),
    [
        ("comparison", "if count >= LIMIT and not file.closed:"),
        ("comparison", "return min(count, 7) <= LIMIT"),
        ("boolean", "if count > LIMIT or not file.closed:"),
        ("boolean", "if count > LIMIT and (file.closed):"),
        ("boolean", "if not (count > LIMIT and not file.closed):"),
        ("boolean", "return max(count, 7) < LIMIT"),
        ("constant", "LIMIT = 4"),
        ("constant", "return min(count, 8) < LIMIT"),
        ("removed raise", "pass"),
        ("removed call", "pass"),
        ("returned early", "return; file.sync()"),
        ("returned early", "return True"),
        ("exception", "except Exception:"),
        ("exception", "except ():"),
        ("exception", "except OSError:"),
    ],
)
def test_each_kind_of_fault_is_made(root: Path, operator: str, after: str) -> None:
    """The mutant is valid Python with as many lines, and differs from the source where it says so."""
    mutant = first(root, operator, after)
    assert mutant.after == after
    ast.parse(mutant.source)
    assert mutant.source.count("\n") == WRITER.count("\n")


def test_two_writes_change_places(root: Path) -> None:
    """The commit comes before the sync, each with its lines."""
    mutant = first(root, "swapped statements")
    assert mutant.after.split() == ["journal.commit(", "count,", ")", "file.sync()"]
    ast.parse(mutant.source)


def test_the_same_seed_chooses_the_same_mutants(root: Path) -> None:
    """Also when another function has changed; no line has two, and each is another program."""
    names = [one.name for one in chosen(root, 1, 30)]
    assert names == [one.name for one in chosen(root, 1, 30)]
    lines = [one.line for one in chosen(root, 1, 30)]
    assert 0 < len(lines) == len(set(lines)) <= 6
    assert names != [one.name for one in chosen(root, 2, 30)]
    of_one = {one.name for one in mutants(root, PATH, "guard") if ":store " in one.name}
    (root / PATH).write_text(WRITER.replace("return min(count, 7)", "count += 1\n    return min(count, 9)"))
    assert of_one == {one.name for one in mutants(root, PATH, "guard") if ":store " in one.name}


def test_the_functions_that_are_loaded_get_the_fault(root: Path) -> None:
    """A constant of the module cannot be put in place that way."""
    path = root / PATH
    spec = importlib.util.spec_from_file_location("mutated_module", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutated_module"] = module
    try:
        spec.loader.exec_module(module)
        assert not module.is_small(3)
        path.write_text(first(root, "comparison", "<= LIMIT").source)
        assert put_in_place(path, WRITER)
        assert module.is_small(3)
        path.write_text(WRITER)
        path.write_text(first(root, "constant", "LIMIT = 4").source)
        assert not put_in_place(path, WRITER)
    finally:
        del sys.modules["mutated_module"]


def test_the_statements_that_run_are_marked() -> None:
    """Each has its own number; what does not run has no mark, and positions stay."""
    tree = ast.parse(WRITER)
    found = statements(PATH, tree)
    numbers = {f"{one.node.lineno}:{one.node.col_offset}": number for number, one in enumerate(found)}
    names = {"__reached__": bytearray(len(found))}
    exec(compile(Marking(numbers).visit(ast.parse(WRITER)), "written", "exec"), names)  # noqa: S102 -- the text above
    assert not any(names["__reached__"])
    names["is_small"](1)  # type: ignore[operator]
    marked = [one.name for one, mark in zip(found, names["__reached__"], strict=True) if mark]
    assert marked == ["src/pupline/http/_url.py:is_small:0"]


def test_the_own_tests_of_a_room_come_first(root: Path) -> None:
    """Then the fastest, as long as the seconds last; tests that do not reach the statement never."""
    mutant = first(root, "removed call")
    there = frozenset({mutant.statement})
    seconds = {"tests/http/a.py::slow": 5.0, "tests/http/a.py::fast": 0.01, "tests/cli/b.py::fast": 0.01}
    reach = {test: Reach(test, cost, there) for test, cost in seconds.items()}
    reach["tests/http/a.py::elsewhere"] = Reach("tests/http/a.py::elsewhere", 0.01, frozenset())
    fast = ["tests/http/a.py::fast", "tests/cli/b.py::fast"]
    assert Plan(root, reach, 1).tests(mutant) == fast
    assert Plan(root, reach, 60).tests(mutant) == [*fast, "tests/http/a.py::slow"]
    constant = first(root, "constant", "LIMIT = 4")
    users = {"t": Reach("t", 0.1, frozenset({"src/pupline/http/_url.py:is_small:0"}))}
    assert Plan(root, users | reach, 1).tests(constant) == ["t"]


def test_a_mutant_that_lives_without_a_reason_is_named(root: Path) -> None:
    """The report lists it, and the run has not reached its goal."""
    dead, alive = first(root, "removed call"), replace(first(root, "comparison"), name="alive")
    results = {dead.name: {"status": "hang"}, "alive": {"status": "survived"}}
    assert is_good_enough([dead], results)
    assert not is_good_enough([dead] * 20 + [alive], results)
    shown = report([dead, alive], results)
    assert "| guard | 2 | 1 | 0 | 50 % |" in shown
    assert "survived, not explained" in shown


def test_the_command_refuses_an_unknown_room(capsys: pytest.CaptureFixture[str]) -> None:
    """With the names of the rooms, and exit code 2."""
    with pytest.raises(SystemExit, match="2"):
        main(["run", "kitchen"])
    assert "there is no room kitchen: order of writes, guard" in capsys.readouterr().err
