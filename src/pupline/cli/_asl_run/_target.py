"""What is run: the machine in a file, and the cases of a file of mocks."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pupline.asl import DefinitionError, MockCase, Mocks, StateMachine, parse_mocks
from pupline.cli._options import values_needed
from pupline.cli._output import message, program
from pupline.definitions import LoadedDefinition, load_definition, read_document
from pupline.errors import ConfigurationError
from pupline.files import read_input
from pupline.text import printable


@dataclass(frozen=True)
class Target:
    """A machine and the file that it comes from. spec: as the user named it."""

    spec: str
    loaded: LoadedDefinition
    machine: StateMachine

    @property
    def name(self) -> str:
        """A name for the machine: that of its resource, or of its file without endings."""
        return self.loaded.resource or self.loaded.file.name.partition(".")[0]

    @property
    def file(self) -> str:
        """The file with the definition, for messages."""
        return printable(str(self.loaded.file), 1000)


def load_target(spec: str, substitutions: Mapping[str, str], machine_type: str | None) -> Target:
    """The machine in a file. Raises: ConfigurationError, for an invalid one with its first problem."""
    loaded = load_definition(spec, substitutions)
    kind = (machine_type or loaded.type).upper()
    try:
        type_name: Literal["STANDARD", "EXPRESS"] = "EXPRESS" if kind == "EXPRESS" else "STANDARD"
        machine = StateMachine.parse(loaded.definition, type=type_name, any_resource=True)
    except DefinitionError as error:
        raise ConfigurationError(_first_problem(spec, loaded, error)) from error
    return Target(spec, loaded, machine)


def _first_problem(spec: str, loaded: LoadedDefinition, error: DefinitionError) -> str:
    path, text = error.problems[0]
    where = loaded.position(path) if path else None
    place = printable(str(loaded.file), 1000) + (f":{where.line}:{where.column}" if where else "")
    others = len(error.problems) - 1
    if error.unfilled:
        return f"{place}: {printable(path, 400)}: {values_needed(error.unfilled)}"
    more = f"; and {others} more: {program()} asl validate {printable(spec, 1000)}" if others else ""
    return f"{place}: {printable(path, 400)}{': ' if path else ''}{printable(text, 500)}{more}"


def load_mocks(spec: str, target: Target) -> Mocks:
    """The mocks in a file: `FILE`, or `FILE#NAME` for one of its StateMachines. Raises: ConfigurationError."""
    path, machine = Path(spec), None
    if "#" in spec and not os.path.exists(path):  # noqa: PTH110 - Path raises for a long name
        name, _, machine = spec.rpartition("#")
        path = Path(name)
    document = read_document(path)
    file = printable(str(path), 1000)
    if document.repeated:
        steps = " > ".join(printable(str(step), 100) for step in document.repeated[0])
        raise ConfigurationError(f"{file}: {steps} occurs twice; only the last would count")
    return parse_mocks(
        document.value,
        target.machine.definition,
        file=file,
        machine=machine,
        likely=(target.name, target.loaded.file.name.partition(".")[0]),
        read_file=lambda name: read_input(path.parent / name),
    )


def chosen_cases(mocks: Mocks | None, names: Sequence[str]) -> list[MockCase]:
    """The named cases, or all; one without answers where there are no mocks. Raises: ConfigurationError."""
    if mocks is None:
        return [MockCase("", {})]
    found = [mocks.case(name) for name in names or mocks.names]
    for case in found:
        for state in case.ignored:
            message(
                f"{mocks.file}: case {printable(case.name)}: {printable(state)} calls nothing; its answer is not used"
            )
    return found
