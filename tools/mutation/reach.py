"""Which tests run which statements: measured once, by running them with probes."""

import ast
import json
import os
import subprocess
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from tools.mutation.probes import REACHED
from tools.mutation.rooms import sources, statements
from tools.mutation.tree import python

MEASURED = "PUPLINE_MUTATION_MEASURED"
"""Names the file to which the plugin below pytest writes a line for each test."""


@dataclass(frozen=True)
class Reach:
    """What one test ran. seconds: with its fixtures."""

    test: str
    seconds: float
    statements: frozenset[str]


def measure(tree: Path, folder: Path, tests: Collection[str], options: Collection[str]) -> None:
    """Run the tests of files and folders with probes, and write `<folder>/<n>.jsonl`: one line for each that passes."""
    folder.mkdir(parents=True, exist_ok=True)
    number = 1 + max((int(path.stem) for path in folder.glob("*.jsonl")), default=0)
    reached, measured = folder / f"{number}.reached", folder / f"{number}.jsonl"
    measured.touch(exist_ok=False)
    numbers: dict[str, dict[str, int]] = {}
    names: list[str] = []
    for path in sources(tree):
        found = statements(path, ast.parse((tree / path).read_text()))
        numbers[str(tree / path)] = {
            f"{one.node.lineno}:{one.node.col_offset}": len(names) + place for place, one in enumerate(found)
        }
        names += [one.name for one in found]
    reached.write_bytes(bytes(len(names)))
    reached.with_suffix(".json").write_text(json.dumps(numbers))
    reached.with_suffix(".code").mkdir(exist_ok=True)
    measured.write_text(json.dumps(names) + "\n")
    command = ["-m", "pytest", "-q", "-n0", "-p", "tools.mutation.measuring", "--hypothesis-seed=0", *options]
    subprocess.run(
        [python(tree), *command, "-o", f"testpaths={' '.join(tests)}"],
        cwd=tree,
        env=os.environ | {REACHED: str(reached), MEASURED: str(measured)},
        check=False,
    )


def read(folder: Path) -> dict[str, Reach]:
    """By test; what was measured last counts."""
    found: dict[str, Reach] = {}
    for path in sorted(folder.glob("*.jsonl"), key=lambda path: int(path.stem)):
        lines = iter(path.read_text().splitlines())
        names = json.loads(next(lines))
        for line in lines:
            one = json.loads(line)
            marks = bytes.fromhex(one["marks"])
            ran = (byte * 8 + bit for byte, value in enumerate(marks) for bit in range(8) if value >> bit & 1)
            found[one["test"]] = Reach(one["test"], one["seconds"], frozenset(names[number] for number in ran))
    return found
