"""A file of mocks for a machine, to begin with: in AWS's form, with a sample response for every Task."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from pupline.asl._walk import Steps, walk_states
from pupline.asl.mocks._samples import sample_response
from pupline.asl.states import ErrorMatcher
from pupline.json_values import AnyJSON

_OTHER_ERROR: Final = "MockedError"
"""Thrown for a wildcard, unless a Catcher before it has this very name."""

_WILDCARDS = ("States.ALL", "States.TaskFailed")
_MAX_ATTEMPTS = 1000
_CALLS_IN_MAP = 100
_RETRIER_DEFAULT = 3

State = dict[str, AnyJSON]


def mocks_skeleton(definition: AnyJSON, name: str) -> dict[str, AnyJSON]:
    """A MockConfigFile for the state machine `name`: a case with a response of every Task, one for each Catcher and
    Retrier of a Task, and one for each Catcher of a Parallel or Map.

    Sample values come from the API models where botocore is installed; else responses of services are {}.
    A Catcher that cannot be reached, because another handles each of its errors first, has no case.
    """
    return _Skeleton(definition).written(name)


class _Skeleton:
    def __init__(self, definition: AnyJSON) -> None:
        self.states = list(walk_states(definition))
        self.tasks = {name: state for _, name, state in self.states if state["Type"] == "Task"}
        maps = [path for path, _, state in self.states if state["Type"] == "Map"]
        self.in_map = {name for path, name, _ in self.states if any(_is_inside(path, each) for each in maps)}
        self.words: dict[str, str] = {}
        self.responses: dict[str, AnyJSON] = {}

    def written(self, name: str) -> dict[str, AnyJSON]:
        happy = {state: self.happy(state, found) for _, state, found in self.states if _is_called(found)}
        cases: dict[str, AnyJSON] = {"HappyPath": happy}
        for path, state, found in self.states:
            for number, retrier in enumerate(found.get("Retry", ())):
                self.retrier_case(cases, state, number, retrier)
            for number in range(len(found.get("Catch", ()))):
                self.catcher_case(cases, state, found, path, number)
        return {"StateMachines": {name: {"TestCases": cases}}, "MockedResponses": self.responses}

    def happy(self, name: str, state: State) -> str:
        """The name of the response of a Task; for a Map with an ItemReader, that of its items."""
        if state["Type"] == "Map":
            return self.response(name, "Items", {self.attempts(name, 0): {"Return": [{}]}})
        response = sample_response(str(state.get("Resource", "")))
        return self.response(name, "Success", {self.attempts(name, 0): {"Return": response}})

    def attempts(self, name: str, first: int) -> str:
        """The attempts from `first` on of a state that succeeds; inside a Map it is called for each item."""
        return f"{first}-{first + _CALLS_IN_MAP - 1}" if name in self.in_map else str(first)

    def retrier_case(self, cases: dict[str, AnyJSON], name: str, number: int, retrier: State) -> None:
        task = self.tasks.get(name)
        if task is None:
            return
        error = _error_for(task["Retry"], number, "")
        if error is None:
            return
        [success] = self.responses[f"{self.word(name)}Success"].values()
        attempts: dict[str, AnyJSON] = {"0": _thrown(error)}
        if retrier.get("MaxAttempts", _RETRIER_DEFAULT):
            attempts[self.attempts(name, 1)] = success
        label = f"Retry{number}"
        response = self.response(name, label, attempts)
        cases[f"{self.word(name)}{label}"] = {**cases["HappyPath"], name: response}

    def catcher_case(self, cases: dict[str, AnyJSON], name: str, state: State, path: Steps, number: int) -> None:
        error = _error_for(state["Catch"], number, _OTHER_ERROR)
        thrower = name if name in self.tasks else self.first_task(path)
        if error is None or thrower is None:
            return
        label = f"Catch{number}" if thrower == name else f"Fails{self.word(name)}Catch{number}"
        last = _attempts(self.tasks[thrower], error) - 1
        [success] = self.responses[f"{self.word(thrower)}Success"].values()
        attempts = {f"0-{last}" if last else "0": _thrown(error), self.attempts(thrower, last + 1): success}
        response = self.response(thrower, label, attempts)
        cases[f"{self.word(name)}Catch{number}"] = {**cases["HappyPath"], thrower: response}

    def first_task(self, path: Steps) -> str | None:
        """The first Task inside a Parallel or Map that does not catch errors itself."""
        inside = ((name, state) for at, name, state in self.states if _is_inside(at, path))
        return next((name for name, state in inside if name in self.tasks and not state.get("Catch")), None)

    def response(self, state: str, label: str, attempts: AnyJSON) -> str:
        name = f"{self.word(state)}{label}"
        self.responses[name] = attempts
        return name

    def word(self, state: str) -> str:
        """A state's name without blanks and signs: a case's name stands after a `#` in an ARN."""
        if state not in self.words:
            word = "".join(part[:1].upper() + part[1:] for part in re.findall(r"[A-Za-z0-9]+", state)) or "State"
            taken = set(self.words.values())
            self.words[state] = next(each for each in _numbered(word) if each not in taken)
        return self.words[state]


def _numbered(word: str) -> Iterator[str]:
    yield word
    number = 2
    while True:
        yield f"{word}_{number}"
        number += 1


def _is_inside(path: Steps, around: Steps) -> bool:
    return len(path) > len(around) and path[: len(around)] == around


def _is_called(state: State) -> bool:
    return state["Type"] == "Task" or (state["Type"] == "Map" and ("ItemReader" in state or "ResultWriter" in state))


def _thrown(error: str) -> AnyJSON:
    return {"Throw": {"Error": error, "Cause": "mocked"}}


def _error_for(handlers: list[State], number: int, other: str) -> str | None:
    """An Error Name that the handler with this number is the first to match; None when there is none."""
    names: list[str] = handlers[number]["ErrorEquals"]
    candidates = [name for name in names if name not in _WILDCARDS]
    candidates += [other or _OTHER_ERROR, f"{_OTHER_ERROR}{number}"]
    for error in candidates:
        first = next((at for at, each in enumerate(handlers) if ErrorMatcher(each["ErrorEquals"]).matches(error)), None)
        if first == number:
            return error
    return None


def _attempts(task: State, error: str) -> int:
    """How often a Task is called when it fails with this error each time."""
    for retrier in task.get("Retry", ()):
        if ErrorMatcher(retrier["ErrorEquals"]).matches(error):
            return min(int(retrier.get("MaxAttempts", _RETRIER_DEFAULT)) + 1, _MAX_ATTEMPTS)
    return 1
