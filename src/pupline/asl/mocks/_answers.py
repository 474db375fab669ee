"""Answers as they are written in a file of mocks."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from pupline.asl.driver import Attempts, Later, NoAnswer, Return, Throw
from pupline.asl.mocks._states import MockedState
from pupline.errors import ConfigurationError
from pupline.json_values import AnyJSON
from pupline.text import nearest, printable

MAX_DEPTH = 20
"""Of a Later inside a Later."""

ReadFile: TypeAlias = Callable[[str], bytes]

_SPAN = re.compile(r"([0-9]{1,9})(?:-([0-9]{1,9}))?")
_INVOKE_RESPONSE = frozenset(
    ("ExecutedVersion", "FunctionError", "LogResult", "Payload", "SdkHttpMetadata", "SdkResponseMetadata", "StatusCode")
)
_WORDS = frozenset(("Return", "Throw", "NoAnswer", "Later"))


@dataclass
class AnswerReader:
    """Reads the answers of one case.

    read_file: the bytes of a file that an ItemReader's answer names. Every method raises ConfigurationError.
    """

    read_file: ReadFile | None = None

    def by_attempts(self, response: AnyJSON, where: str, state: MockedState) -> Attempts:
        """The answers of an object by attempts, such as {"0": {"Throw": ...}, "1-2": {"Return": ...}}.

        There may be none: on Step Functions Local that is an error only when the state is called.
        """
        if not isinstance(response, Mapping):
            raise problem(where, 'it must be an object by attempts, such as {"0": {"Return": ...}}')
        spans = []
        for key, answer in response.items():
            first, last = _span(key, where)
            at = f"{where}, attempt {key}"
            if not _is_marked(answer):
                raise problem(at, "it must be an object with either Return or Throw")
            spans.append((first, last, self._marked(answer, at, state, MAX_DEPTH)))
        try:
            return Attempts(spans)
        except ValueError as error:
            raise problem(where, str(error)) from error

    def simple(self, value: AnyJSON, where: str, state: MockedState) -> Any:
        """An answer of the simple form: one with Return, Throw and so on, a list by attempt, or any JSON value.

        An array for an ItemReader is the items.
        """
        if isinstance(value, list):
            if state.reads_items and not any(map(_is_marked, value)):
                return Return(value)
            return [self._one(each, f"{where}, attempt {number}", state) for number, each in enumerate(value)]
        if isinstance(value, Mapping) and value and all(_is_span(key) for key in value):
            return self.by_attempts(value, where, state)
        return self._one(value, where, state)

    def _one(self, value: AnyJSON, where: str, state: MockedState) -> Any:
        if _is_marked(value):
            return self._marked(value, where, state, MAX_DEPTH)
        if isinstance(value, Mapping) and value and _WORDS.issuperset(value):
            raise problem(where, f"it has {' and '.join(value)}; an answer is one of them")
        if state.reads_items and isinstance(value, Mapping) and list(value) == ["File"]:
            return self._file(value["File"], where)
        if state.invokes and _is_response(value):
            return Return(value)  # the whole response was meant, as it stands in a MockConfigFile
        return value

    def _marked(self, value: Mapping[str, AnyJSON], where: str, state: MockedState, depth: int) -> Any:
        [(word, content)] = value.items()
        if word == "Return":
            return Return(_returned(content, state))
        if word == "Throw":
            return _thrown(content, where)
        if word == "NoAnswer":
            return NoAnswer()
        return self._later(content, where, state, depth)

    def _later(self, content: AnyJSON, where: str, state: MockedState, depth: int) -> Later:
        where = f"{where}, Later"
        known = ("Seconds", "Answer", "HeartbeatEvery")
        refuse_others(content, known, where, 'an object such as {"Seconds": 5, "Answer": {"Return": ...}}')
        for name in ("Seconds", "HeartbeatEvery"):
            if name in content and not _is_length(content[name]):
                raise problem(where, f"{name} must be a number of seconds")
        if "Seconds" not in content or not depth:
            raise problem(where, "Seconds is missing" if depth else "Later is nested too deeply")
        answer = content.get("Answer")
        if _is_marked(answer):
            answer = self._marked(answer, where, state, depth - 1)
        return Later(content["Seconds"], answer, content.get("HeartbeatEvery"))

    def _file(self, name: AnyJSON, where: str) -> AnyJSON:
        if not isinstance(name, str) or self.read_file is None:
            raise problem(where, "File must be the name of a file")
        try:
            return self.read_file(name)
        except OSError as error:
            raise problem(where, f"the file {printable(name)} cannot be read: {error.strerror}") from error


def problem(where: str, what: str) -> ConfigurationError:
    """The error for something in a file of mocks."""
    return ConfigurationError(f"{where}: {what}")


def refuse_others(value: AnyJSON, known: tuple[str, ...], where: str, expected: str) -> None:
    """Raise ConfigurationError unless the value is an object with known keys alone."""
    if not isinstance(value, Mapping):
        raise problem(where, f"it must be {expected}")
    for key in value:
        if key not in known:
            near = nearest(str(key), known)
            advice = f"did you mean {near}?" if near else f"it may have {', '.join(known)}"
            raise problem(where, f"{shown(key)} is not known; {advice}")


def shown(name: object) -> str:
    """A name from a file, in quotes."""
    return f"'{printable(str(name), 100)}'"


def _span(key: str, where: str) -> tuple[int, int]:
    found = _SPAN.fullmatch(key)
    if found is None:
        raise problem(where, f'{shown(key)} is not an attempt; write "0", or a range such as "1-3"')
    first, last = int(found[1]), int(found[2] or found[1])
    if last < first:
        raise problem(where, f"the range {shown(key)} ends before it begins")
    return first, last


def _is_span(key: str) -> bool:
    return _SPAN.fullmatch(key) is not None


def _is_marked(value: AnyJSON) -> bool:
    return isinstance(value, Mapping) and len(value) == 1 and next(iter(value)) in _WORDS


def _is_length(value: AnyJSON) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 1e10


def _returned(value: AnyJSON, state: MockedState) -> AnyJSON:
    """For a Lambda function's ARN the Payload alone: the file has the Invoke API's response, as for lambda:invoke."""
    return value["Payload"] if state.is_function and _is_response(value) else value


def _is_response(value: AnyJSON) -> bool:
    """Whether the value looks like the response of Lambda's Invoke API."""
    return isinstance(value, Mapping) and "Payload" in value and _INVOKE_RESPONSE.issuperset(value)


def _thrown(content: AnyJSON, where: str) -> Throw:
    where = f"{where}, Throw"
    if isinstance(content, str):
        return Throw(content)
    refuse_others(content, ("Error", "Cause"), where, 'an object such as {"Error": "MyError", "Cause": "why"}')
    error, cause = content.get("Error"), content.get("Cause")
    if not isinstance(error, str) or not isinstance(cause, str | None):
        raise problem(where, "Error and Cause must be strings" if error is not None else "Error is missing")
    return Throw(error, cause)
