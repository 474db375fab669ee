"""The end of an execution in a test, and assertions about it whose messages say how it ended."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pupline.asl import Result
from pupline.json_values import AnyJSON, dumps
from pupline.text import printable

_ANY: Final[Any] = object()


class ExecutionResult:
    """The end of an execution.

    result: the engine's own Result. Every assert_ method raises AssertionError with the difference, and how the
    execution ended.
    """

    def __init__(self, result: Result) -> None:
        self.result = result

    def __repr__(self) -> str:
        return f"<ExecutionResult {'; '.join(self._story())}>"

    @property
    def status(self) -> str:
        """SUCCEEDED, FAILED, TIMED_OUT or ABORTED."""
        return self.result.status

    @property
    def output(self) -> AnyJSON:
        """The output of an execution that succeeded, else None."""
        return self.result.output

    @property
    def error(self) -> str | None:
        """The Error Name of an execution that failed."""
        return self.result.error

    @property
    def cause(self) -> str | None:
        """The Cause of an execution that failed."""
        return self.result.cause

    @property
    def path(self) -> list[str]:
        """The names of the states in the order in which they were entered, those inside Map and Parallel included."""
        return self.result.path

    @property
    def failing_state(self) -> str | None:
        """The state in which the execution failed; None when it succeeded."""
        return self.result.failing_state

    @property
    def history(self) -> list[dict[str, AnyJSON]]:
        """The events, in the shape of GetExecutionHistory."""
        return self.result.history

    @property
    def nested(self) -> list[ExecutionResult]:
        """The executions that it started, in the order of their starts."""
        return [ExecutionResult(each) for each in self.result.nested]

    def events_of(self, state: str) -> list[dict[str, AnyJSON]]:
        """The events of a state at all its visits."""
        return self.result.events_of(state)

    # ---- assertions

    def assert_succeeded(self, output: AnyJSON = _ANY, *, path: Sequence[str] | None = None) -> ExecutionResult:
        """Assert that the execution succeeded, with this output and on this path where they are given."""
        __tracebackhide__ = True
        self._assert_status("SUCCEEDED")
        if output is not _ANY:
            self.assert_output(output)
        if path is not None:
            self.assert_path(path)
        return self

    def assert_failed(
        self,
        error: str | None = _ANY,
        cause: str | None = _ANY,
        *,
        state: str | None = None,
        path: Sequence[str] | None = None,
    ) -> ExecutionResult:
        """Assert that the execution failed, with this Error Name and Cause, in this state, where they are given."""
        __tracebackhide__ = True
        self._assert_status("FAILED")
        pairs = [("Error", self.error, error), ("Cause", self.cause, cause)]
        if state is not None:
            pairs.append(("the failing state", self.failing_state, state))
        for name, found, expected in pairs:
            if expected is not _ANY and found != expected:
                self._fail(f"{name} is {_shown(found)}, expected {_shown(expected)}")
        if path is not None:
            self.assert_path(path)
        return self

    def assert_output(self, expected: AnyJSON) -> ExecutionResult:
        """Assert that the execution succeeded with this output."""
        __tracebackhide__ = True
        self._assert_status("SUCCEEDED")
        if dumps(_sorted(self.output)) != dumps(_sorted(expected)):
            self._fail("the output differs", _difference(_lines(expected), _lines(self.output)))
        return self

    def assert_path(self, expected: Sequence[str]) -> ExecutionResult:
        """Assert that exactly these states were entered, in this order."""
        __tracebackhide__ = True
        if self.path != list(expected):
            self._fail("the path differs", _difference(list(expected), self.path))
        return self

    def assert_entered(self, *states: str) -> ExecutionResult:
        """Assert that these states were entered, at any time."""
        __tracebackhide__ = True
        missing = [state for state in states if state not in self.path]
        if missing:
            self._fail(f"never entered: {_names(missing)}")
        return self

    def assert_not_entered(self, *states: str) -> ExecutionResult:
        """Assert that none of these states was entered."""
        __tracebackhide__ = True
        found = [state for state in states if state in self.path]
        if found:
            self._fail(f"entered, but must not be: {_names(found)}")
        return self

    def assert_history(self, expected: Sequence[str | Mapping[str, AnyJSON]]) -> ExecutionResult:
        """Assert that the history has exactly these events, in this order.

        Each is a type, such as "TaskFailed", or an object with some members of the event, such as
        {"type": "TaskFailed", "taskFailedEventDetails": {"error": "Busy"}}; members that are left out are not compared.
        """
        __tracebackhide__ = True
        history = self.history
        same = len(history) == len(expected) and all(map(_fits, history, expected))
        if not same:
            pairs = [each if isinstance(each, str) else dumps(_sorted(each)) for each in expected]
            found = [
                event["type"] if at >= len(expected) or isinstance(expected[at], str) else _like(event, expected[at])
                for at, event in enumerate(history)
            ]
            self._fail("the history differs", _difference(pairs, found))
        return self

    def _assert_status(self, expected: str) -> None:
        __tracebackhide__ = True
        if self.status != expected:
            self._fail(f"the status is {self.status}, expected {expected}")

    def _fail(self, problem: str, lines: Sequence[str] = ()) -> None:
        __tracebackhide__ = True
        raise AssertionError("\n".join([problem, *(f"  {line}" for line in lines), *self._story()]))

    def _story(self) -> Iterator[str]:
        """How the execution ended, in a few lines."""
        result = self.result
        where = f" in state {_shown(self.failing_state)}" if self.failing_state else ""
        yield f"{result.status}{where}"
        if result.error is not None:
            yield f"Error: {printable(result.error)}"
        if result.cause is not None:
            yield f"Cause: {printable(result.cause, 1000)}"
        yield f"Path: {_names(self.path, ' -> ')}"
        if result.hint is not None:
            yield printable(result.hint, 1000)


def _fits(found: AnyJSON, expected: AnyJSON) -> bool:
    """Whether a part of an event has all that is expected of it. An event may be expected by its type alone."""
    if isinstance(expected, str) and isinstance(found, Mapping):
        return bool(found.get("type") == expected)
    if isinstance(expected, Mapping) and isinstance(found, Mapping):
        return all(key in found and _fits(found[key], value) for key, value in expected.items())
    return bool(found == expected)


def _like(event: Mapping[str, AnyJSON], expected: AnyJSON) -> str:
    """The members of an event that are expected of it, and its type."""

    def chosen(found: AnyJSON, wanted: AnyJSON) -> AnyJSON:
        if isinstance(found, Mapping) and isinstance(wanted, Mapping):
            return {key: chosen(found[key], value) for key, value in wanted.items() if key in found}
        return found

    return dumps(_sorted({"type": event["type"], **chosen(event, expected)}))


def _sorted(value: AnyJSON) -> AnyJSON:
    """A value with its keys in order, and 1.0 as 1."""
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    if isinstance(value, list | tuple):
        return [_sorted(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _lines(value: AnyJSON) -> list[str]:
    return json.dumps(_sorted(value), indent=2, ensure_ascii=False).splitlines()


def _difference(expected: list[str], found: list[str]) -> list[str]:
    lines = difflib.unified_diff(expected, found, "expected", "found", lineterm="", n=2)
    return [printable(line, 400) for line in lines if not line.startswith("@@")]


def _names(names: Sequence[str], separator: str = ", ") -> str:
    return printable(separator.join(names), 2000) or "empty"


def _shown(value: str | None) -> str:
    return "None" if value is None else repr(printable(value, 1000))
