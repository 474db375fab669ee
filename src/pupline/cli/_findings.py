"""What `pupline validate` finds in definitions: one finding for each diagnostic, with its place in the file."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pupline.definitions import LoadedDefinition, Position, UnreadableDefinition

Severity = Literal["ERROR", "WARNING"]


@dataclass(frozen=True, slots=True)
class Finding:
    """A problem or a warning. path: the JSON path; empty where it is about the whole definition."""

    file: str
    position: Position
    severity: Severity
    code: str
    message: str
    path: str = ""

    @property
    def level(self) -> str:
        """The severity in lower case, as linters write it."""
        return self.severity.lower()


def findings_of(loaded: LoadedDefinition) -> list[Finding]:
    """Everything that is wrong with a definition as its type of state machine, in the order of the file."""
    found = [*_diagnostics(loaded), *_repeated_keys(loaded)]
    return sorted(found, key=lambda one: one.position)


def unreadable(error: UnreadableDefinition) -> Finding:
    """The finding of a file that is not JSON or YAML, or of a template without its definition."""
    return Finding(str(error.file), Position(error.line, error.column), "ERROR", error.code, error.problem)


def _diagnostics(loaded: LoadedDefinition) -> Iterator[Finding]:
    from pupline.asl import diagnose

    for one in diagnose(loaded.definition, loaded.type):
        position = _place(loaded, one.exact_path, at_key=one.field is not None)
        yield Finding(str(loaded.file), position, one.severity, one.code, one.text, one.path)


def _repeated_keys(loaded: LoadedDefinition) -> Iterator[Finding]:
    """A finding for each repeated key of an object: readers keep the last, and a whole state may be lost."""
    from pupline.asl import Diagnostic

    for steps, more in Counter(loaded.repeated).items():
        text = f"'{steps[-1]}' occurs {more + 1} times in one object; only the last would count"
        path = Diagnostic("DUPLICATE_KEY", text, steps).path
        yield Finding(str(loaded.file), _place(loaded, path, at_key=True), "ERROR", "DUPLICATE_KEY", text, path)


def _place(loaded: LoadedDefinition, path: str, *, at_key: bool = False) -> Position:
    return loaded.position(path or "$", at_key=at_key) or Position(1, 1)
