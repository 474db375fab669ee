"""All problems of a state machine definition, found before anything runs, in the words of AWS's CreateStateMachine.

AWS's text is known for some problems; for others it is our own, in the same style. What AWS does not say follows as a
hint. `_transitions` checks machines, `_state` states, and the modules after it their parts.
"""

import json
import re
from dataclasses import dataclass
from itertools import repeat
from json import JSONDecodeError
from typing import Any

from pupline.asl.validation import _fields as fields
from pupline.asl.validation._diagnostic import SCHEMA, Diagnostic, Severity, Step
from pupline.asl.validation._error_names import warn_about_error_names
from pupline.asl.validation._language import machine_language
from pupline.asl.validation._map import is_distributed
from pupline.asl.validation._order import in_order
from pupline.asl.validation._report import MAX_NESTING, Place, Report
from pupline.asl.validation._scopes import VariableScope
from pupline.asl.validation._state import StateChecker
from pupline.asl.validation._transitions import check_transitions
from pupline.json_values import AnyJSON, deeper_than, dumps

MAX_BYTES = 1_048_576
"""Bytes that a definition may have. Source: AWS, "Quotas"."""

MAX_DEPTH = 400
"""Levels of objects and arrays that a definition may have here, far from the limit of Python's stack."""

_MOST_RESULTS = 100
"""Diagnostics that ValidateStateMachineDefinition returns at most, and by default."""


@dataclass(frozen=True, slots=True)
class Inspection:
    """Everything that the checks find. unfilled: as in `Report`: (place, text) where a placeholder prevents running."""

    diagnostics: list[Diagnostic]
    unfilled: list[tuple[tuple[Step, ...], str]]

    @property
    def errors(self) -> list[Diagnostic]:
        """The diagnostics for which AWS refuses the definition."""
        return [each for each in self.diagnostics if each.severity == "ERROR"]


def inspect(definition: AnyJSON, type: str = "STANDARD") -> Inspection:  # noqa: A002
    """The diagnostics of a definition in the order of their places, warnings and consequences included.

    definition: JSON text, or the parsed definition; type: "STANDARD" or "EXPRESS".
    """
    if isinstance(definition, str):
        try:
            definition = json.loads(definition)
        except (ValueError, RecursionError) as err:
            return Inspection([json_problem(definition, err)], [])
    report = _checked(definition, type)
    return Inspection(in_order(report.diagnostics, definition), report.unfilled)


def problems(definition: AnyJSON, type: str = "STANDARD") -> list[tuple[str, str]]:  # noqa: A002
    """(JSON path, "CODE: message") of each error, such as ("$.States.Pay.Next", "MISSING_TRANSITION_TARGET: ...").

    Empty when the definition is valid. Consequences of other errors are left out.
    """
    return as_problems(inspect(definition, type).errors)


def as_problems(errors: list[Diagnostic]) -> list[tuple[str, str]]:
    """(JSON path, "CODE: message") of each error; consequences of other errors are left out."""
    return [(each.path, f"{each.code}: {each.text}") for each in errors if not each.consequence]


def diagnostics(definition: AnyJSON, type: str = "STANDARD", severity: Severity = "ERROR") -> list[dict[str, str]]:  # noqa: A002
    """The diagnostics as ValidateStateMachineDefinition lists them: code, message, severity and, mostly, location.

    severity: the least; "WARNING" for warnings and errors.
    """
    found = inspect(definition, type)
    return [each.as_dict() for each in (found.diagnostics if severity == "WARNING" else found.errors)]


def validate_definition(
    definition: str,
    type: str = "STANDARD",  # noqa: A002
    severity: Severity = "ERROR",
    max_results: int = 0,
) -> dict[str, Any]:
    """ValidateStateMachineDefinition's answer. max_results: 0 to 100, where 0 stands for 100."""
    found = diagnostics(definition, type, severity)
    most = max_results or _MOST_RESULTS
    result = "FAIL" if any(each["severity"] == "ERROR" for each in found) else "OK"
    return {"result": result, "diagnostics": found[:most], "truncated": len(found) > most}


def json_problem(text: str, error: ValueError | RecursionError) -> Diagnostic:
    """The problem of a definition that is not JSON; error: from json.loads."""
    if not text.strip():
        return Diagnostic(SCHEMA, "Definition must be a valid JSON object", None)
    if not isinstance(error, JSONDecodeError):
        return _invalid_json("the definition is nested too deeply, or holds a number that is too long")
    if text.startswith("\ufeff"):
        return _invalid_json("the definition begins with a byte order mark (U+FEFF): leave it out")
    message, at = error.msg, error.pos
    word = re.match(r"[A-Za-z_]\w*", text[at : at + 100])
    if word is not None:
        expected = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
        message, at = f"Unrecognized token '{word.group()}': was expecting {expected}", at + word.end()
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    shown = text if len(text) <= 500 else text[:500] + "[truncated]"
    return _invalid_json(f'{message}\n at [Source: (String)"{shown}"; line: {line}, column: {column}]')


def _invalid_json(message: str) -> Diagnostic:
    return Diagnostic("INVALID_JSON_DESCRIPTION", message, None)


def variable_references(definition: AnyJSON) -> dict[str, list[str]]:
    """State name -> the variables it reads, sorted, for the states that read any (DescribeStateMachine's answer)."""
    found = _checked(definition, "STANDARD").variables
    return {name: sorted(names) for name, names in found.items() if names}


def _checked(definition: AnyJSON, kind: str) -> Report:
    report = Report(kind)
    if not isinstance(definition, dict):
        report.add_without_place("Definition must be a valid JSON object")
        return report
    if deeper_than(definition, MAX_DEPTH):
        report.add_without_place(f"The definition is nested more than {MAX_DEPTH} levels deep")
        return report
    try:
        size = len(dumps(definition).encode("utf-8", "surrogatepass"))
    except (TypeError, ValueError):
        size = 0
    if not size or not _has_names_only(definition):
        report.add_without_place("Definition must be a valid JSON object")
        return report
    if size > MAX_BYTES:
        report.add_without_place(f"The definition has {size} bytes; at most {MAX_BYTES} are allowed")
        return report
    _Machines(report).machine(definition)
    return report


def _has_names_only(value: AnyJSON) -> bool:
    """Whether every key in a definition made in Python is a text."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            if not all(map(isinstance, item, repeat(str))):
                return False
            waiting.extend(item.values())
        elif isinstance(item, (list, tuple)):
            waiting.extend(item)
    return True


class _Machines:
    """Walks over a machine and the machines inside its Parallel and Map states."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.names: set[str] = set()
        self.language: fields.Language = "JSONPath"
        self.scopes: list[VariableScope] = []
        self.enclosing: list[dict[str, AnyJSON]] = []

    def machine(self, definition: dict[str, AnyJSON]) -> None:
        root = Place(self.report, (), definition, self.scope(None))
        root.allow_only(fields.MACHINE)
        root.integer("TimeoutSeconds", least=1, most=99_999_999)
        root.text("Comment")
        root.text("Version")
        self.report.times_out = "TimeoutSeconds" in definition
        self.language = machine_language(root)
        self.states(root, 0)
        warn_about_error_names(self.report)
        for scope in self.scopes:
            for diagnostic in scope.diagnostics():
                self.report.add(diagnostic)

    def scope(self, outer: VariableScope | None) -> VariableScope:
        self.scopes.append(VariableScope(outer))
        return self.scopes[-1]

    def states(self, place: Place, depth: int) -> None:
        """StartAt and States of a machine, branch or item processor."""
        place.required("States", "StartAt")
        states = place.value.get("States", place.meant.get("States"))
        if "States" in place.value and not isinstance(states, dict):
            place.object("States")
            return
        if not isinstance(states, dict):
            return
        if not states:
            place.add_problem("Value cannot be empty", "States")
            return
        place.text("StartAt")
        self.enclosing.append(states)
        for name, state in states.items():
            self.state(place.inside("States", name, value=state), name, depth)
        self.enclosing.pop()
        check_transitions(place, states, self.enclosing)

    def state(self, place: Place, name: str, depth: int) -> None:
        if name in self.names:
            place.add_problem(f"Duplicate State name: {name}", code="DUPLICATE_STATE_NAME")
        self.names.add(name)
        if len(name) > 80:
            place.add_problem(f"A state name has at most 80 characters, this one has {len(name)}")
        if name in fields.MACHINE and isinstance(place.value, (str, int)):
            place.add_problem("Expected value of type [OBJECT]", hint="This field belongs next to States, not into it.")
            return
        if not place.is_object():
            return
        checker = StateChecker(place, name, self.language)
        checker.check()
        if depth >= MAX_NESTING:
            place.add_problem(f"Parallel and Map states are nested more than {MAX_NESTING} deep")
            return
        for inner in checker.machines:
            inner.scope = self.scope(None if is_distributed(inner) else place.scope)
            self.states(inner, depth + 1)
