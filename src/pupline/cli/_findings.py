"""What `pupline validate` finds in definitions: one finding for each diagnostic, with its place in the file."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from pupline.definitions import LoadedDefinition, Position, UnreadableDefinition
from pupline.json_values import AnyJSON
from pupline.text import nearest, printable

_PLACEHOLDER = re.compile(r"\$\{([^{}]*)\}")
_COMPARED = 100
"""Placeholders, and names that they are compared with: a file with more was not merely mistyped."""

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
    found = [*_diagnostics(loaded), *_repeated_keys(loaded), *_unknown_placeholders(loaded)]
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


def _unknown_placeholders(loaded: LoadedDefinition) -> Iterator[Finding]:
    """A warning for each text with a placeholder that DefinitionSubstitutions leaves out: AWS leaves it as it is.

    Inside a text it may be meant so, as in a shell command, unless its name is close to one that exists.
    """
    from pupline.asl import Diagnostic

    code = "UNKNOWN_PLACEHOLDER"
    meant = {name: nearest(name, loaded.substitutions[:_COMPARED]) for name in loaded.unknown[:_COMPARED]}
    for steps, text in _texts_with(loaded.definition, "${") if meant else ():
        for name in dict.fromkeys(_PLACEHOLDER.findall(text)):
            near = meant.get(name)
            if name not in meant or (near is None and text != f"${{{name}}}"):
                continue
            hint = f" Did you mean '{printable(near)}'?" if near is not None else ""
            words = f"DefinitionSubstitutions has no '{printable(name)}'.{hint}"
            path = Diagnostic(code, words, steps).path
            yield Finding(str(loaded.file), _place(loaded, path), "WARNING", code, words, path)


def _texts_with(value: AnyJSON, part: str) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """(path, text) of the texts inside a value that hold a part."""
    waiting: list[tuple[tuple[str | int, ...], AnyJSON]] = [((), value)]
    while waiting:
        steps, one = waiting.pop()
        if isinstance(one, str):
            if part in one:
                yield steps, one
        elif isinstance(one, dict):
            waiting += [((*steps, key), inner) for key, inner in one.items()]
        elif isinstance(one, list):
            waiting += [((*steps, at), inner) for at, inner in enumerate(one)]


def _place(loaded: LoadedDefinition, path: str, *, at_key: bool = False) -> Position:
    return loaded.position(path or "$", at_key=at_key) or Position(1, 1)
