"""From a definition to compiled states. Every expression, path and rule is compiled here, once."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final, Literal

from pupline.asl._context import ROLE_ARN
from pupline.asl._values import SyntaxProblem
from pupline.asl.states.base import State
from pupline.asl.states.catch import CatchingState
from pupline.asl.states.distributed import DistributedMapState
from pupline.asl.states.flow import ChoiceState, FailState, PassState, SucceedState
from pupline.asl.states.map import MapState
from pupline.asl.states.parallel import ParallelState
from pupline.asl.states.task import TaskState
from pupline.asl.states.wait import WaitState
from pupline.asl.validation.validate import create_error, json_problem, problems
from pupline.errors import PuplineError
from pupline.json_values import AnyJSON

MachineType = Literal["STANDARD", "EXPRESS"]

_STATES: Final[dict[str, type[State]]] = {
    cls.type: cls for cls in (PassState, SucceedState, FailState, ChoiceState, WaitState, TaskState)
}


class DefinitionError(PuplineError):
    """The definition is no state machine; the text is the message that CreateStateMachine gives.

    problems: (JSON path, message) of each problem found, not only the first.
    """

    def __init__(self, found: list[tuple[str, str]]) -> None:
        super().__init__(create_error(found))
        self.problems = found


class StateMachine:
    """A state machine, compiled; it can be shared by any number of executions.

    definition: as it was given, parsed. digest: SHA-256 (hex) of its canonical JSON and type. name: what the Context
    Object calls it, unless the execution says otherwise.
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
        """The machine of a definition, given as JSON text or as parsed JSON.

        Raises: DefinitionError with all problems, what is not supported among them.
        """
        if isinstance(definition, str):
            definition = _parsed(definition)
        found = problems(definition, type)
        if found:
            raise DefinitionError(found)
        jsonata = definition.get("QueryLanguage") == "JSONata"
        return cls(definition, type, compile_states(definition, jsonata=jsonata, where="$"))


def definition_digest(definition: dict[str, AnyJSON], type: str) -> str:  # noqa: A002
    """SHA-256 (hex) of a definition's canonical JSON and type, whether it is a valid one or not."""
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


def compile_states(definition: dict[str, AnyJSON], *, jsonata: bool, where: str) -> State:
    """The first state of a machine, branch or item processor; the others hang from it by `next`.

    jsonata: the machine's query language. where: the JSON path of `definition`, for problems. Raises DefinitionError.
    """
    states = {
        name: _compile_state(name, each, jsonata=jsonata, where=f"{where}.States.{name}")
        for name, each in definition["States"].items()
    }
    for name, state in states.items():
        _link(state, definition["States"][name], states)
    return states[definition["StartAt"]]


def _compile_state(name: str, definition: dict[str, AnyJSON], *, jsonata: bool, where: str) -> State:
    own = definition["QueryLanguage"] == "JSONata" if "QueryLanguage" in definition else jsonata
    kind = definition["Type"]
    try:
        if kind in ("Parallel", "Map"):
            return _compile_fork(name, definition, own=own, jsonata=jsonata, where=where)
        return _STATES[kind](name, definition, jsonata=own)
    except SyntaxProblem as problem:
        path = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in problem.path)
        raise DefinitionError([(f"{where}{path}", f"{problem.code}: {problem.message}")]) from problem


def _compile_fork(name: str, definition: dict[str, AnyJSON], *, own: bool, jsonata: bool, where: str) -> State:
    """A Parallel or Map state. The states in it inherit the machine's query language, not that of the state (`own`)."""

    def branch(inner: dict[str, AnyJSON], field: str) -> State:
        return compile_states(inner, jsonata=jsonata, where=f"{where}.{field}")

    if definition["Type"] == "Parallel":
        return ParallelState(name, definition, jsonata=own, compile_branch=branch)
    processor = definition.get("ItemProcessor") or definition["Iterator"]
    distributed = (processor.get("ProcessorConfig") or {}).get("Mode") == "DISTRIBUTED"
    kind = DistributedMapState if distributed else MapState
    return kind(name, definition, jsonata=own, compile_branch=branch)


def _link(state: State, definition: dict[str, AnyJSON], states: dict[str, State]) -> None:
    state.next = states.get(definition.get("Next", ""))
    if isinstance(state, ChoiceState):
        state.default = states[state.default_name] if state.default_name is not None else None
        for rule in state.rules:
            rule.next = states[rule.next_name]
    if isinstance(state, CatchingState):
        for catcher in state.catchers:
            catcher.next = states[catcher.next_name]
