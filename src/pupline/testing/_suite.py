"""The machines of a suite of tests, and what the suite has covered of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pupline.asl import Coverage, StateMachine, percent_text
from pupline.definitions import LoadedDefinition, load_definition
from pupline.errors import ConfigurationError
from pupline.testing._machine import MachineUnderTest, Source, load_machine
from pupline.text import printable


class Suite:
    """Loads machines, with one Coverage for each definition, however often it is loaded.

    folders: where relative files are looked for, before the current directory.
    """

    def __init__(self) -> None:
        self._machines: dict[str, MachineUnderTest] = {}

    def load(self, source: Source, folders: list[Path], **options: Any) -> MachineUnderTest:
        """A machine under test, whose executions count for the suite's coverage. options: of `load_machine`."""
        if isinstance(options.get("mocks"), str | Path):
            options["mocks"] = _found(options["mocks"], folders)
        if isinstance(source, str | Path):
            source = _found(source, folders)
        machine = load_machine(source, **options)
        known = self._machines.setdefault(machine.machine.digest, machine)
        machine.coverage = known.coverage
        return machine

    # ---- coverage

    @property
    def percent(self) -> float:
        """What the suite has taken of all that can be taken in its machines, from 0 to 100; 0 without machines."""
        items = [(machine.coverage, item) for machine in self._machines.values() for item in machine.coverage.items]
        taken = sum(1 for coverage, item in items if coverage.count(item))
        return 100 * taken / len(items) if items else 0.0

    def lines(self, root: Path) -> list[str]:
        """A report: each machine, and what was never taken of it. root: file names are shown relative to it."""
        lines: list[str] = []
        for machine in self._machines.values():
            file, position = "", None
            if machine.loaded is not None:
                file, position = _relative(machine.loaded.file, root), machine.loaded.position
            name = machine.name if machine.loaded is None else _relative(Path(machine.name), root)
            first, *never = machine.coverage.lines(file, position)
            lines += [printable(f"{name}: {first}", 1000), *(printable(line, 1000) for line in never)]
        if len(self._machines) > 1:
            lines.append(f"All {len(self._machines)} state machines: {percent_text(self.percent)}")
        return lines or ["no state machine was run"]

    def as_text(self) -> str:
        """What another process needs to add this suite to its own."""
        return json.dumps(
            [
                {
                    "definition": machine.machine.definition,
                    "type": machine.machine.type,
                    "name": None if machine.loaded is None else machine.loaded.name,
                    "taken": machine.coverage.taken,
                    "executions": machine.coverage.executions,
                }
                for machine in self._machines.values()
            ]
        )

    def merge(self, text: str) -> None:
        """Add what another process has covered, from its `as_text`."""
        for each in json.loads(text):
            machine = StateMachine.parse(each["definition"], type=each["type"], any_resource=True)
            known = self._machines.get(machine.digest)
            if known is None:
                known = MachineUnderTest(machine, _loaded(each["name"]), None, Coverage(machine))
                self._machines[machine.digest] = known
            known.coverage.merge(each["taken"], each["executions"])


def _loaded(name: str | None) -> LoadedDefinition | None:
    """The file again, for positions; None where it can no longer be read."""
    try:
        return None if name is None else load_definition(name)
    except ConfigurationError:
        return None


def _found(file: str | Path, folders: list[Path]) -> str:
    """A file where the test would look for it: in the test's folder, the root, the current directory."""
    text = str(file)
    for folder in folders:
        if (folder / text).exists() or (folder / text.partition("#")[0]).exists():
            return str(folder / text)
    return text


def _relative(file: Path, root: Path) -> str:
    return str(file.relative_to(root)) if file.is_relative_to(root) else str(file)
