"""A file of mocks: its form, its cases, and the states that they answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pupline.asl.mocks._answers import AnswerReader, ReadFile, problem, refuse_others, shown
from pupline.asl.mocks._expectation import Expectation
from pupline.asl.mocks._states import MockedState, mocked_states
from pupline.json_values import AnyJSON
from pupline.text import nearest

_CASE_FIELDS = ("Input", "States", "Expect")


@dataclass(frozen=True, slots=True)
class MockCase:
    """One case. states: answers by state, for `execute`. has_input: it has an input of its own, `input`.

    name: empty for a simple file without cases. ignored: names of states in it that are never called, such as a Pass.
    """

    name: str
    states: Mapping[str, Any]
    has_input: bool = False
    input: AnyJSON = None
    expect: Expectation | None = None
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Mocks:
    """The mocks for one machine. A simple file without cases has one with an empty name.

    file: its name, for messages.
    """

    file: str
    _cases: Mapping[str, AnyJSON]
    _states: Mapping[str, MockedState]
    _responses: Mapping[str, AnyJSON] | None
    _read_file: ReadFile | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the cases, in the order of the file."""
        return tuple(self._cases)

    @property
    def has_cases(self) -> bool:
        """Whether the file has cases with names."""
        return self.names != ("",)

    def case(self, name: str) -> MockCase:
        """The case with this name. Raises: ConfigurationError for a name that is not there, and what it has wrong."""
        if name not in self._cases:
            known = f"; it has {_list(self.names)}" if self.has_cases else "; it has no cases"
            raise problem(self.file, f"it has no case {shown(name)}{_suggestion(name, self.names) or known}")
        content = self._cases[name]
        where = f"{self.file}, case {shown(name)}" if name else self.file
        if not isinstance(content, Mapping):
            raise problem(where, "it must be an object by state")
        reader = AnswerReader(self._read_file)
        if self._responses is not None:
            return self._aws_case(name, content, where, reader)
        return self._simple_case(name, content, where, reader)

    def _aws_case(self, name: str, content: Mapping[str, AnyJSON], where: str, reader: AnswerReader) -> MockCase:
        responses = self._responses or {}
        answers = {}
        for state, response in content.items():
            mocked = self._state(state, where)
            if not isinstance(response, str):
                raise problem(f"{where}, state {shown(state)}", "it must be the name of an entry of MockedResponses")
            if response not in responses:
                advice = _suggestion(response, responses) or f"; it has {_list(responses)}"
                raise problem(f"{where}, state {shown(state)}", f"MockedResponses has no {shown(response)}{advice}")
            answers[state] = reader.by_attempts(
                responses[response], f"{self.file}, MockedResponses {shown(response)}", mocked
            )
        ignored = tuple(state for state in answers if not self._states[state].is_called)
        return MockCase(name, answers, ignored=ignored)

    def _simple_case(self, name: str, content: Mapping[str, AnyJSON], where: str, reader: AnswerReader) -> MockCase:
        own: dict[str, AnyJSON] = {}
        answered: Mapping[str, AnyJSON] = content
        if any(key in content for key in _CASE_FIELDS if key not in self._states):
            refuse_others(content, _CASE_FIELDS, where, "an object")
            own, answered = dict(content), content.get("States", {})
            if not isinstance(answered, Mapping):
                raise problem(f"{where}, States", "it must be an object by state")
        answers = {}
        for state, answer in answered.items():
            mocked = self._state(state, where)
            if not mocked.is_called:
                raise problem(
                    f"{where}, state {shown(state)}",
                    f"it is a {mocked.type} state, which calls nothing; only Tasks, ItemReaders and ResultWriters do",
                )
            answers[state] = reader.simple(answer, f"{where}, state {shown(state)}", mocked)
        expect = Expectation.read(own["Expect"], f"{where}, Expect") if "Expect" in own else None
        return MockCase(name, answers, "Input" in own, own.get("Input"), expect)

    def _state(self, name: str, where: str) -> MockedState:
        if name in self._states:
            return self._states[name]
        advice = _suggestion(name, self._states)
        called = [state for state, found in self._states.items() if found.is_called]
        raise problem(where, f"the state machine has no state {shown(name)}{advice or f'; it has {_list(called)}'}")


def parse_mocks(
    value: AnyJSON,
    definition: AnyJSON,
    *,
    file: str = "the mocks",
    machine: str | None = None,
    likely: tuple[str, ...] = (),
    read_file: ReadFile | None = None,
) -> Mocks:
    """The mocks for a definition in a file's value, in the form of AWS Step Functions Local or in the simple one.

        {"StateMachines": {"Orders": {"TestCases": {"HappyPath": {"Charge": "Charged"}}}},
         "MockedResponses": {"Charged": {"0": {"Return": {"StatusCode": 200, "Payload": 1}}}}}
        {"Charge": {"Return": 1}, "Ship": [{"Throw": {"Error": "Busy"}}, {"Return": 2}], "Bill": 3}
        {"TestCases": {"HappyPath": {"Input": {}, "States": {"Charge": 1}, "Expect": {"Output": 1}}}}

    definition: a valid one. file: the file's name, for messages. machine: the entry of StateMachines to take; without
    it the only one, or one of the names that are likely, or the only one whose states are all in the definition.
    read_file: the bytes of a file that an ItemReader's answer names, as in {"File": "items.csv"}; may raise OSError.
    Raises: ConfigurationError. What is wrong in a case is found by `Mocks.case`.
    """
    if not isinstance(value, Mapping):
        raise problem(file, "mocks are an object: a MockConfigFile of Step Functions Local, or answers by state")
    states = mocked_states(definition)
    if "StateMachines" in value and "StateMachines" not in states:
        responses = value.get("MockedResponses", {})
        if not isinstance(responses, Mapping):
            raise problem(f"{file}, MockedResponses", "it must be an object")
        cases = _test_cases(_chosen(value["StateMachines"], states, file, machine, likely), file)
        return Mocks(file, cases, states, responses, read_file)
    if machine is not None:
        raise problem(file, f"it has no StateMachines, and so none with the name {shown(machine)}")
    if "TestCases" in value and "TestCases" not in states:
        refuse_others(value, ("TestCases", "Comment"), file, "an object")
        return Mocks(file, _test_cases(value, file), states, None, read_file)
    return Mocks(file, {"": value}, states, None, read_file)


def _chosen(
    machines: AnyJSON, states: Mapping[str, MockedState], file: str, name: str | None, likely: tuple[str, ...]
) -> AnyJSON:
    """The entry of StateMachines for this definition."""
    if not isinstance(machines, Mapping) or not machines:
        raise problem(f"{file}, StateMachines", "it must be an object with at least one state machine")
    if name is not None and name not in machines:
        advice = _suggestion(name, machines) or f"; it has {_list(machines)}"
        raise problem(file, f"StateMachines has no {shown(name)}{advice}")
    if name is None and len(machines) > 1:
        wanted = {_plain(each) for each in likely}
        found = [each for each in machines if _plain(each) in wanted]
        found = found or [each for each, content in machines.items() if _fits(content, states)]
        if len(found) != 1:
            raise problem(file, f"it has several StateMachines: {_list(machines)}; name one: --mocks FILE#NAME")
        name = found[0]
    return machines[name or next(iter(machines))]


def _plain(name: str) -> str:
    """A name without its case, and without what only some ways of writing have: `order-flow` is `OrderFlow`."""
    return re.sub(r"[^a-z0-9]|statemachine", "", name.lower())


def _fits(machine: AnyJSON, states: Mapping[str, MockedState]) -> bool:
    """Whether all states that the cases of a machine name are in the definition."""
    cases = machine.get("TestCases") if isinstance(machine, Mapping) else None
    if not isinstance(cases, Mapping):
        return False
    return all(isinstance(case, Mapping) and states.keys() >= case.keys() for case in cases.values())


def _test_cases(value: AnyJSON, file: str) -> Mapping[str, AnyJSON]:
    cases = value.get("TestCases") if isinstance(value, Mapping) else None
    if not isinstance(cases, Mapping) or not cases:
        raise problem(f"{file}, TestCases", "it must be an object with at least one case")
    if "" in cases:
        raise problem(f"{file}, TestCases", "a case has an empty name")
    return cases


def _suggestion(name: str, names: Mapping[str, object] | tuple[str, ...]) -> str:
    near = nearest(name, names)
    return f"; did you mean {shown(near)}?" if near else ""


def _list(names: Mapping[str, object] | list[str] | tuple[str, ...]) -> str:
    """The first names, for a message."""
    found = list(names)
    more = f" and {len(found) - 10} more" if len(found) > 10 else ""
    return (", ".join(map(shown, found[:10])) or "none") + more
