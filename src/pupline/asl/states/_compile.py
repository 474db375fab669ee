"""From the States of a definition to compiled states. Every expression, path and rule is compiled here, once."""

from __future__ import annotations

from typing import Final

from pupline.asl._errors import SyntaxProblem
from pupline.asl.states._activity import ActivityState
from pupline.asl.states._base import State
from pupline.asl.states._catch import CatchingState
from pupline.asl.states._choice import ChoiceState
from pupline.asl.states._distributed_map import DistributedMapState
from pupline.asl.states._flow import FailState, PassState, SucceedState
from pupline.asl.states._map import MapState
from pupline.asl.states._parallel import ParallelState
from pupline.asl.states._resource import is_activity
from pupline.asl.states._task import TaskState
from pupline.asl.states._wait import WaitState
from pupline.json_values import AnyJSON

_STATES: Final[dict[str, type[State]]] = {
    cls.type: cls for cls in (PassState, SucceedState, FailState, ChoiceState, WaitState, TaskState)
}


def compile_states(definition: dict[str, AnyJSON], *, jsonata: bool) -> State:
    """The first state of a machine, branch or item processor; the others hang from it by `next`.

    jsonata: the machine's query language. Raises: SyntaxProblem with the path inside `definition`.
    """
    states: dict[str, State] = {}
    for name, each in definition["States"].items():
        try:
            states[name] = _compile_state(name, each, jsonata=jsonata)
        except SyntaxProblem as problem:
            raise problem.inside("States", name) from problem
    for name, state in states.items():
        _link(state, definition["States"][name], states)
    return states[definition["StartAt"]]


def _compile_state(name: str, definition: dict[str, AnyJSON], *, jsonata: bool) -> State:
    """One state. The states inside it inherit the machine's query language, not the state's own."""

    def compile_branch(inner: dict[str, AnyJSON], *path: str | int) -> State:
        try:
            return compile_states(inner, jsonata=jsonata)
        except SyntaxProblem as problem:
            raise problem.inside(*path) from problem

    own = definition["QueryLanguage"] == "JSONata" if "QueryLanguage" in definition else jsonata
    kind = definition["Type"]
    if kind == "Parallel":
        return ParallelState(name, definition, jsonata=own, compile_branch=compile_branch)
    if kind == "Map":
        processor = definition.get("ItemProcessor") or definition["Iterator"]
        distributed = (processor.get("ProcessorConfig") or {}).get("Mode") == "DISTRIBUTED"
        map_state = DistributedMapState if distributed else MapState
        return map_state(name, definition, jsonata=own, compile_branch=compile_branch)
    if kind == "Task" and is_activity(definition["Resource"]):
        return ActivityState(name, definition, jsonata=own)
    return _STATES[kind](name, definition, jsonata=own)


def _link(state: State, definition: dict[str, AnyJSON], states: dict[str, State]) -> None:
    state.next = states.get(definition.get("Next", ""))
    if isinstance(state, ChoiceState):
        state.default = states[state.default_name] if state.default_name is not None else None
        for rule in state.rules:
            rule.next = states[rule.next_name]
    if isinstance(state, CatchingState):
        for catcher in state.catchers:
            catcher.next = states[catcher.next_name]
