"""What nothing answers in a machine, found before it runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pupline.asl._commands import InvokeTask, ReadItems, WriteResults
from pupline.asl._state_machine import StateMachine
from pupline.asl._walk import walk_states
from pupline.asl.driver._answer import NothingAnswers
from pupline.asl.driver._answers import NOTHING, AnswerableCommand, Answers, function_name, no_answer_for
from pupline.asl.driver._nested import OPERATIONS, api_operation
from pupline.errors import ConfigurationError
from pupline.json_values import AnyJSON
from pupline.text import nearest, printable


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A Task, an ItemReader or a ResultWriter that nothing answers.

    keys: the names under which it can be given an answer: first in `states`, then in `tasks`.
    """

    state: str
    resource: str
    keys: tuple[str, ...]

    def __str__(self) -> str:
        return f"nothing answers {no_answer_for(self.state, [*self.keys])}"


def unanswered(machine: StateMachine, answers: Answers) -> list[Unanswered]:
    """Everything in `machine` that no answer can be found for, in the order of the definition.

    A function whose name an expression computes counts as answered when `tasks` has any answer.
    """
    if answers.default is not NOTHING:
        return []
    return [each for name, state in states_of(machine.definition) for each in _of_state(name, state, answers)]


def refuse_unanswered(machine: StateMachine, answers: Answers) -> None:
    """Raise NothingAnswers, with a line for each, when something is not answered."""
    found = unanswered(machine, answers)
    if found:
        raise NothingAnswers("\n".join(map(str, found)))


def refuse_unknown_states(names: Mapping[str, Any], machines: Iterable[StateMachine]) -> None:
    """Raise ConfigurationError for a name in `states` that is not a state of any of the machines."""
    known = {name for machine in machines for name, _ in states_of(machine.definition)}
    for name in names:
        if name not in known and name.rpartition(".")[0] not in known:
            near = nearest(name, known)
            hint = f"did you mean {printable(near)!r}?" if near else f"it has {printable(', '.join(sorted(known)))}"
            raise ConfigurationError(f"there is no state {printable(name)!r} to give an answer to; {hint}")


def states_of(definition: dict[str, AnyJSON]) -> Iterator[tuple[str, dict[str, AnyJSON]]]:
    """(name, definition) of each state, those inside Parallel and Map states included."""
    return ((name, state) for _, name, state in walk_states(definition))


def _of_state(name: str, state: dict[str, AnyJSON], answers: Answers) -> Iterator[Unanswered]:
    places: list[tuple[str | None, type[AnswerableCommand], str]] = [
        (_resource(state) if state["Type"] == "Task" else None, InvokeTask, ""),
        ((state.get("ItemReader") or {}).get("Resource"), ReadItems, ".ItemReader"),
        ((state.get("ResultWriter") or {}).get("Resource"), WriteResults, ".ResultWriter"),
    ]
    for resource, kind, part in places:
        if resource is not None and answers.for_state(name, kind) is NOTHING and not _is_answered(resource, answers):
            keys = (name + part, resource) if resource else (name + part,)
            yield Unanswered(name, resource, keys)


def _is_answered(resource: str, answers: Answers) -> bool:
    if answers.machines is not None and api_operation(resource) in OPERATIONS:
        return True
    return answers.for_resource(resource) is not NOTHING if resource else bool(answers.tasks)


def _resource(state: dict[str, AnyJSON]) -> str:
    """The function's name or ARN, or the integration's ARN; "" for a function whose name is computed."""
    resource: str = state["Resource"]
    if not resource.endswith(":states:::lambda:invoke"):
        return function_name(resource) if ":function:" in resource else resource
    arguments = state.get("Parameters") or state.get("Arguments") or {}
    name = arguments.get("FunctionName") if isinstance(arguments, dict) else None
    return function_name(name) if isinstance(name, str) and not name.startswith("{%") else ""
