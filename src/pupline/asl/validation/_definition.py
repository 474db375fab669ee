"""All problems of a state machine definition, found before anything runs, in the words of AWS's CreateStateMachine.

AWS's text is known for some problems; for others it is our own, in the same style. Each names the place and the
expected value. This module checks machines and the transitions between their states; `_state` checks states, and
`_retry_catch_choices` their Retry, Catch and Choices.
"""

import json
import re
from json import JSONDecodeError

from pupline.asl.validation import _fields as fields
from pupline.asl.validation._report import MAX_NESTING, Place, Report
from pupline.asl.validation._state import StateChecker
from pupline.json_values import AnyJSON, dumps

MAX_BYTES = 1_048_576
"""Bytes that a definition may have. Source: AWS, "Quotas"."""

MAX_DEPTH = 400
"""Levels of objects and arrays that a definition may have here, far from the limit of Python's stack."""


def problems(definition: AnyJSON, type: str = "STANDARD") -> list[tuple[str, str]]:  # noqa: A002
    """(JSON path, "CODE: message") of each problem, such as ("$.States.Pay.Next", "MISSING_TRANSITION_TARGET: ...").

    definition: the parsed definition; type: "STANDARD" or "EXPRESS". Empty when the definition is fine.
    """
    return _checked(definition, type).problems


def create_error(found: list[tuple[str, str]]) -> str:
    """CreateStateMachine's message for these problems."""
    parts = [f"{message} at {location(path)}" if path else message for path, message in found]
    return f"Invalid State Machine Definition: '{', '.join(parts)}'"


def diagnostics(definition: AnyJSON, type: str = "STANDARD") -> list[dict[str, str]]:  # noqa: A002
    """The problems as ValidateStateMachineDefinition lists them: code, message, severity and, mostly, location.

    definition: JSON text, or the parsed definition.
    """
    if isinstance(definition, str):
        try:
            definition = json.loads(definition)
        except (ValueError, RecursionError) as err:
            return [_diagnostic(*json_problem(definition, err))]
    return [_diagnostic(path, message) for path, message in problems(definition, type)]


def _diagnostic(path: str, problem: str) -> dict[str, str]:
    code, _, message = problem.partition(": ")
    found = {"code": code, "message": message, "severity": "ERROR"}
    source = re.search(r"\[Source: .*\]$", message, re.DOTALL)
    where = location(path) if path else source.group() if source else None
    return found if where is None else {**found, "location": where}


def location(path: str) -> str:
    """A JSON path in AWS's notation: `$.States['My state'].Choices[0]` is `/States/My state/Choices[0]`."""
    steps = re.findall(r"\.([^.\[\]']+)|\['((?:[^'\\]|\\.)*)'\]|(\[\d+\])", path)
    text = "".join(index or "/" + (plain or re.sub(r"\\(.)", r"\1", quoted)) for plain, quoted, index in steps)
    return text or "/"


def json_problem(text: str, error: ValueError | RecursionError) -> tuple[str, str]:
    """The problem of a definition that is not JSON; error: from json.loads."""
    if not text.strip():
        return "", "SCHEMA_VALIDATION_FAILED: Definition must be a valid JSON object"
    if not isinstance(error, JSONDecodeError):
        return "", "INVALID_JSON_DESCRIPTION: the definition is nested too deeply, or holds a number that is too long"
    if text.startswith("\ufeff"):
        return "", "INVALID_JSON_DESCRIPTION: the definition begins with a byte order mark (U+FEFF): leave it out"
    message, at = error.msg, error.pos
    word = re.match(r"[A-Za-z_]\w*", text[at : at + 100])
    if word is not None:
        expected = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
        message, at = f"Unrecognized token '{word.group()}': was expecting {expected}", at + word.end()
    line, column = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)
    shown = text if len(text) <= 500 else text[:500] + "[truncated]"
    return "", f'INVALID_JSON_DESCRIPTION: {message}\n at [Source: (String)"{shown}"; line: {line}, column: {column}]'


def variable_references(definition: AnyJSON) -> dict[str, list[str]]:
    """State name -> the variables it reads, sorted, for the states that read any (DescribeStateMachine's answer)."""
    found = _checked(definition, "STANDARD").variables
    return {name: sorted(names) for name, names in found.items() if names}


def _checked(definition: AnyJSON, kind: str) -> Report:
    report = Report(kind)
    if not isinstance(definition, dict):
        report.add_without_place("Definition must be a valid JSON object")
        return report
    if _deeper_than(definition, MAX_DEPTH):
        report.add_without_place(f"The definition is nested more than {MAX_DEPTH} levels deep")
        return report
    try:
        size = len(dumps(definition).encode("utf-8", "surrogatepass"))
    except (TypeError, ValueError):
        report.add_without_place("Definition must be a valid JSON object")
        return report
    if size > MAX_BYTES:
        report.add_without_place(f"The definition has {size} bytes; at most {MAX_BYTES} are allowed")
        return report
    _Machines(report).machine(definition)
    return report


def _deeper_than(value: AnyJSON, most: int) -> bool:
    """Whether objects and arrays are nested more than `most` deep; counted level by level, without recursion."""
    level = [value]
    for _ in range(most):
        inner = [item.values() if isinstance(item, dict) else item for item in level]
        level = [item for items in inner for item in items if isinstance(item, (dict, list))]
        if not level:
            return False
    return True


class _Machines:
    """Walks over a machine and the machines inside its Parallel and Map states."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.names: set[str] = set()
        self.language: fields.Language = "JSONPath"

    def machine(self, definition: dict[str, AnyJSON]) -> None:
        root = Place(self.report, (), definition)
        root.allow_only(fields.MACHINE)
        root.one_of("QueryLanguage", ("JSONPath", "JSONata"))
        root.integer("TimeoutSeconds", least=1, most=99_999_999)
        root.text("Comment")
        root.text("Version")
        if definition.get("QueryLanguage", "JSONPath") != "JSONPath":
            self.language = "JSONata"
        self.states(root, 0)

    def states(self, place: Place, depth: int) -> None:
        """StartAt and States of a machine, branch or item processor."""
        place.required("States", "StartAt")
        if "States" not in place.value:
            return
        states = place.value["States"]
        if not isinstance(states, dict):
            place.add_problem("Expected value of type [OBJECT]", "States")
            return
        if not states:
            place.add_problem("Value cannot be empty", "States")
            return
        place.text("StartAt")
        for name, state in states.items():
            self.state(place.inside("States", name, value=state), name, depth)
        _Transitions(place, {name: state for name, state in states.items() if isinstance(state, dict)}).check()

    def state(self, place: Place, name: str, depth: int) -> None:
        if name in self.names:
            place.add_problem(f"Duplicate State name: {name}", code="DUPLICATE_STATE_NAME")
        self.names.add(name)
        if len(name) > 80:
            place.add_problem(f"A state name has at most 80 characters, this one has {len(name)}")
        if not place.is_object():
            return
        checker = StateChecker(place, name, self.language)
        checker.check()
        if depth >= MAX_NESTING:
            place.add_problem(f"Parallel and Map states are nested more than {MAX_NESTING} deep")
            return
        for inner in checker.machines:
            self.states(inner, depth + 1)


class _Transitions:
    """Checks that StartAt and all transitions lead to states, and that all states, and an end, are reachable."""

    def __init__(self, place: Place, states: dict[str, dict[str, AnyJSON]]) -> None:
        self.place = place
        self.states = states

    def check(self) -> None:
        start = self.place.value.get("StartAt")
        if not isinstance(start, str):
            return
        if start not in self.place.value["States"]:
            self.missing("StartAt", start, "StartAt")
            return
        reached = self.reached(start)
        for name in self.states:
            if name not in reached:
                message = f'State "{name}" is not reachable.'
                self.place.add_problem(message, "States", name, code="MISSING_TRANSITION_TARGET")
        if not any(_terminal(self.states.get(name, {})) for name in reached):
            self.place.add_problem("Missing end state", code="MISSING_END_STATE")

    def reached(self, start: str) -> set[str]:
        """All states that can be reached; a target that does not exist is reported as a problem."""
        reached, ahead = {start}, [start]
        while ahead:
            name = ahead.pop()
            for path, field, target in _targets(self.states.get(name, {})):
                if target not in self.place.value["States"]:
                    self.missing(field, target, "States", name, *path)
                elif target not in reached:
                    reached.add(target)
                    ahead.append(target)
        return reached

    def missing(self, field: str, target: str, *path: str | int) -> None:
        self.place.add_problem(f"Missing '{field}' target: {target}", *path, code="MISSING_TRANSITION_TARGET")


def _terminal(state: dict[str, AnyJSON]) -> bool:
    return state.get("End") is True or state.get("Type") in ("Succeed", "Fail") or "Type" not in state


def _targets(state: dict[str, AnyJSON]) -> list[tuple[tuple[str | int, ...], str, str]]:
    """(path inside the state, field, target) of each transition out of a state."""
    found: list[tuple[tuple[str | int, ...], str, AnyJSON]] = [
        ((field,), field, state.get(field)) for field in ("Next", "Default")
    ]
    for group in ("Choices", "Catch"):
        rules = state.get(group)
        for at, rule in enumerate(rules if isinstance(rules, list) else []):
            if isinstance(rule, dict):
                found.append(((group, at, "Next"), "Next", rule.get("Next")))
    return [(path, field, target) for path, field, target in found if isinstance(target, str)]
