"""Trying the chosen mutants, each with the tests that reach it, the fastest first."""

import ast
import json
import math
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.mutation.mutants import Mutant
from tools.mutation.reach import Reach
from tools.mutation.rooms import OWN_TESTS, SOURCE, statements
from tools.mutation.tree import python
from tools.mutation.trying import QUEUE

Result = dict[str, object]

SLOW_SECONDS = 0.7
"""Tests that take longer come last."""

CAUGHT = ("caught", "hang")
"""The statuses of a mutant that the tests notice."""


@dataclass(frozen=True)
class Plan:
    """Which tests a mutant is tried with: at most so many seconds of them, as they were measured."""

    tree: Path
    reach: dict[str, Reach]
    seconds: float

    def tests(self, mutant: Mutant) -> list[str]:
        """Those that run the statement, or, for a constant of the module, one that names it.

        Slow ones come last; of the others, those come first that run most of the function, then the room's own, then
        the fastest. Tests that are alike in this stay together by file, so that its fixtures are set up once.
        """
        wanted = {mutant.statement} if not mutant.statement.endswith("::") else self._users(mutant)
        found = [one for one in self.reach.values() if not one.statements.isdisjoint(wanted)]
        function = mutant.statement.rpartition(":")[0] + ":"
        beside = frozenset(name for one in found for name in one.statements if name.startswith(function))
        own = OWN_TESTS[mutant.room]
        found.sort(
            key=lambda one: (
                one.seconds > SLOW_SECONDS,
                -len(one.statements & beside),
                not one.test.startswith(own),
                _size(one),
                one.test,
            )
        )
        taken: list[str] = []
        seconds = 0.0
        for one in found:
            seconds += one.seconds
            if seconds <= self.seconds or not taken:
                taken.append(one.test)
        return taken

    def _users(self, mutant: Mutant) -> set[str]:
        names = set(re.findall(r"^\w+", mutant.before))
        found = set()
        for path in (self.tree / SOURCE).rglob("*.py"):
            text = path.read_text()
            if any(name in text for name in names):
                for one in statements(path.relative_to(self.tree), ast.parse(text)):
                    if names & {node.id for node in ast.walk(one.node) if isinstance(node, ast.Name)}:
                        found.add(one.name)
        if not found:  # only classes or other constants name it
            own = Path(mutant.path)
            found = {one.name for one in statements(own, ast.parse((self.tree / own).read_text()))}
        return found


def _size(one: Reach) -> int:
    """0 for the fastest, one more for each doubling from a fiftieth of a second."""
    return max(0, math.ceil(math.log2(max(one.seconds, 0.001) / 0.02)))


def try_all(plan: Plan, mutants: Sequence[Mutant], queue: Path, marker: str) -> None:
    """Append the results to `queue` with `.jsonl`. Those outside of functions are tried one by one, and come last."""
    trials = [_trial(plan, mutant) for mutant in mutants]
    for trial in trials:
        if not trial["tests"]:
            _append(queue, trial, "not reached")
    results = {str(one["name"]): one for one in _run(plan.tree, [one for one in trials if one["tests"]], queue, marker)}
    for trial in trials:
        if results.get(str(trial["name"]), {}).get("status") == "fresh":
            _run_freshly(plan.tree, trial, queue, marker)


def read_results(folder: Path) -> dict[str, Result]:
    """By mutant: the last line that is about it."""
    found: dict[str, Result] = {}
    for path in sorted(folder.glob("*.jsonl"), key=lambda path: path.stat().st_mtime):
        found |= {str(line["name"]): line for line in map(json.loads, path.read_text().splitlines())}
    return found


def _append(queue: Path, trial: Result, status: str) -> None:
    line = {"name": trial["name"], "status": status, "test": "", "tests": 0, "seconds": 0}
    with queue.with_suffix(".jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")


def _trial(plan: Plan, mutant: Mutant) -> Result:
    tests = plan.tests(mutant)
    limit = 20 + 5 * max((plan.reach[test].seconds for test in tests), default=0)
    path = str(plan.tree / mutant.path)
    return {"name": mutant.name, "path": path, "source": mutant.source, "tests": tests, "limit": limit}


def _run_freshly(tree: Path, trial: Result, queue: Path, marker: str) -> None:
    """With the mutated file in place before Python starts. A mutant with which no test can be collected is caught."""
    path = Path(str(trial["path"]))
    original, modified = path.read_bytes(), path.stat().st_mtime
    try:
        path.write_text(str(trial["source"]))
        if not _run(tree, [trial | {"is_written": True}], queue, marker):
            _append(queue, trial, "caught")
    finally:
        path.write_bytes(original)
        os.utime(path, (modified, modified))


def _run(tree: Path, trials: list[Result], queue: Path, marker: str) -> list[Result]:
    """Start pytest with the tests of all trials."""
    if not trials:
        return []
    queue.write_text(json.dumps(trials))
    results = queue.with_suffix(".jsonl")
    results.touch()
    size = results.stat().st_size
    files = sorted({test.partition("::")[0] for trial in trials for test in _tests(trial)})
    command = ["-m", "pytest", "-q", "-n0", "-p", "tools.mutation.trying", "--hypothesis-seed=0", "-m", marker]
    subprocess.run(
        [python(tree), *command, "-o", f"testpaths={' '.join(files)}"],
        cwd=tree,
        env=os.environ | {QUEUE: str(queue)},
        check=False,
    )
    return [json.loads(line) for line in results.read_bytes()[size:].decode().splitlines()]


def _tests(trial: Result) -> list[str]:
    tests = trial["tests"]
    return [str(test) for test in tests] if isinstance(tests, list) else []
