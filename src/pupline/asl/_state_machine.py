"""A state machine: its definition, checked and compiled."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal

from pupline.asl._context import ROLE_ARN
from pupline.asl._errors import SyntaxProblem
from pupline.asl.states import State, compile_states
from pupline.asl.validation import create_error, json_path, json_problem, problems
from pupline.errors import PuplineError
from pupline.json_values import AnyJSON

MachineType = Literal["STANDARD", "EXPRESS"]


class DefinitionError(PuplineError):
    """The definition is not a valid state machine; the text is CreateStateMachine's message.

    problems: (JSON path, message) of each problem found, not only the first.
    """

    def __init__(self, found: list[tuple[str, str]]) -> None:
        super().__init__(create_error(found))
        self.problems = found


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
    def parse(cls, definition: str | dict[str, Any], *, type: MachineType = "STANDARD") -> StateMachine:  # noqa: A002
        """The machine of a definition, as JSON text or as parsed JSON.

        Raises: DefinitionError with all problems, unsupported features included.
        """
        if isinstance(definition, str):
            definition = _parsed(definition)
        found = problems(definition, type)
        if found:
            raise DefinitionError(found)
        try:
            start = compile_states(definition, jsonata=definition.get("QueryLanguage") == "JSONata")
        except SyntaxProblem as problem:
            raise DefinitionError([(json_path(problem.path), f"{problem.code}: {problem.message}")]) from problem
        return cls(definition, type, start)


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
        raise DefinitionError(problems(found))
    return found
