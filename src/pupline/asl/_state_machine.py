"""A state machine: its definition, checked and compiled."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any, Literal

from pupline.asl._context import ROLE_ARN
from pupline.asl._errors import NOT_SUPPORTED, SyntaxProblem
from pupline.asl.states import State, compile_states
from pupline.asl.validation import Diagnostic, as_problems, create_error, in_order, inspect, json_problem
from pupline.errors import PuplineError
from pupline.json_values import AnyJSON

MachineType = Literal["STANDARD", "EXPRESS"]

_PLACEHOLDER = re.compile(r"\$\{([^}]*)\}")


class DefinitionError(PuplineError):
    """The definition is not a valid state machine; the text is CreateStateMachine's message.

    problems: (JSON path, message) of each problem found, not only the first. The messages also say what AWS does not:
    the reason, the position in an expression, and what was probably meant. unfilled: the placeholders that stand for
    numbers and the like, where nothing but their values is missing.
    """

    def __init__(self, errors: list[Diagnostic], unfilled: Sequence[str] = ()) -> None:
        super().__init__(create_error(errors))
        self.diagnostics = errors
        self.unfilled = tuple(dict.fromkeys(unfilled))
        self.problems = as_problems(errors)
        for each in errors:
            if each.hint and not each.consequence:
                self.add_note(f"{each.exact_path}: {each.hint}")


class StateMachine:
    """A state machine, compiled; it can be shared by any number of executions.

    definition: the parsed definition. digest: SHA-256 (hex) of its canonical JSON and type. name: in the Context
    Object, unless the execution overrides it.
    """

    __slots__ = ("definition", "digest", "name", "role_arn", "start", "timeout_seconds", "type")

    def __init__(self, definition: dict[str, AnyJSON], type: MachineType, start: State) -> None:  # noqa: A002
        self.definition = definition
        self.type = type
        self.start = start
        self.name = "StateMachine"
        self.role_arn = ROLE_ARN
        self.timeout_seconds: int | None = definition.get("TimeoutSeconds")
        self.digest = definition_digest(definition, type)

    @classmethod
    def parse(
        cls,
        definition: str | dict[str, Any],
        *,
        type: MachineType = "STANDARD",  # noqa: A002 - the API's word
        any_resource: bool = False,
    ) -> StateMachine:
        """The machine of a definition, as JSON text or as parsed JSON.

        any_resource: accept Tasks whose Resource AWS does not recognise, for executions in which they have answers.
        Raises: DefinitionError with all problems, unsupported features included.
        """
        if isinstance(definition, str):
            definition = _parsed(definition)
        found = inspect(definition, type)
        errors = [each for each in found.errors if not (any_resource and each.is_unknown_resource)]
        if errors:
            raise DefinitionError(errors)
        if found.unfilled:
            names = [name for _, text in found.unfilled for name in _PLACEHOLDER.findall(text)]
            raise DefinitionError([_unfilled(steps, text) for steps, text in found.unfilled], names)
        return cls(definition, type, _compiled(definition))

    @classmethod
    def compiled_again(cls, definition: dict[str, Any], *, type: MachineType) -> StateMachine:  # noqa: A002
        """The machine of a definition that `parse` accepted before, perhaps in an earlier version with fewer checks.

        Raises: DefinitionError when it cannot be compiled.
        """
        return cls(definition, type, _compiled(definition))


def diagnose(definition: str | dict[str, Any], type: MachineType = "STANDARD") -> list[Diagnostic]:  # noqa: A002
    """All diagnostics of a definition in the order of their places: errors, also of what is unsupported, and warnings.

    Consequences of other diagnostics are left out. A definition whose placeholders are not filled in may be valid.
    """
    try:
        parsed = _parsed(definition) if isinstance(definition, str) else definition
    except DefinitionError as error:
        return error.diagnostics
    found = inspect(parsed, type)
    if not found.errors and not found.unfilled:
        try:
            _compiled(parsed)
        except DefinitionError as error:
            return in_order([*error.diagnostics, *found.diagnostics], parsed)
    return [each for each in found.diagnostics if not each.consequence]


def _compiled(definition: dict[str, Any]) -> State:
    try:
        return compile_states(definition, jsonata=definition.get("QueryLanguage") == "JSONata")
    except SyntaxProblem as problem:
        raise DefinitionError([Diagnostic(problem.code, problem.message, problem.path)]) from problem


def _unfilled(steps: tuple[str | int, ...], text: str) -> Diagnostic:
    message = f"The placeholder in {text!r} must be filled in before the state machine can run"
    return Diagnostic(NOT_SUPPORTED, message, steps)


def definition_digest(definition: dict[str, AnyJSON], type: str) -> str:  # noqa: A002
    """SHA-256 (hex) of a definition's canonical JSON and type, valid or not."""
    canonical = json.dumps({"type": type, "definition": definition}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()


def _parsed(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as err:
        raise DefinitionError([json_problem(text, err)]) from err
    if not isinstance(found, dict):
        raise DefinitionError(inspect(found).errors)
    return found
