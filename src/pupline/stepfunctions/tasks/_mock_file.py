"""A file of mocks, for all machines of the served API.

As with AWS Step Functions Local, an execution is mocked when the ARN of its start names a case: `...:Pay#HappyPath`. A
simple file without cases answers the states that it names in every machine that has them all.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pupline.asl import Mocks, StateMachine, parse_mocks, states_of
from pupline.definitions import read_document
from pupline.errors import ConfigurationError
from pupline.files import read_input
from pupline.json_values import AnyJSON
from pupline.text import printable


class MockFile:
    """The mocks in a file."""

    def __init__(self, path: Path, value: AnyJSON) -> None:
        self._path = path
        self._value = value
        self._by_machine: dict[tuple[str, str], Mocks] = {}

    @classmethod
    def read(cls, path: Path) -> "MockFile":
        """The file at `path`, in JSON or YAML. Raises: ConfigurationError."""
        document = read_document(path)
        value = document.value
        if document.repeated:
            steps = " > ".join(printable(str(step), 100) for step in document.repeated[0])
            raise ConfigurationError(f"{printable(str(path))}: {steps} occurs twice; only the last would count")
        if not isinstance(value, dict):
            raise ConfigurationError(f"{printable(str(path))} has no mocks: it is not an object")
        return cls(path, value)

    def states(self, machine: StateMachine, case: str) -> Mapping[str, Any]:
        """The answers by state. case: empty where the start named none. Raises: ConfigurationError."""
        if not case and (self._has_cases or not self._fits(machine)):
            return {}
        return self._mocks(machine).case(case).states

    @property
    def _has_cases(self) -> bool:
        return "StateMachines" in self._value or "TestCases" in self._value

    def _fits(self, machine: StateMachine) -> bool:
        names = {name for name, _ in states_of(machine.definition)}
        return all(name in names or name.rpartition(".")[0] in names for name in self._value)

    def _mocks(self, machine: StateMachine) -> Mocks:
        key = (machine.name, machine.digest)
        if key not in self._by_machine:
            name = machine.name if "StateMachines" in self._value else None
            self._by_machine[key] = parse_mocks(
                self._value, machine.definition, file=self._path.name, machine=name, read_file=self._read_file
            )
        return self._by_machine[key]

    def _read_file(self, name: str) -> bytes:
        return read_input(self._path.parent / name)
