"""Pass, Succeed, Fail and Choice: the states that never wait."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pupline.asl._errors import RUNTIME, EvaluationError
from pupline.asl.jsonata import compile_jsonata_value, unexpected_type
from pupline.asl.jsonpath import compile_payload_string, compile_template
from pupline.asl.states._base import Evaluate, State, path_or_none
from pupline.json_values import AnyJSON, dumps

if TYPE_CHECKING:
    from pupline.asl._execution import Execution
    from pupline.asl._thread import Thread


class PassState(State):
    """Pass: hands on its input, a fixed Result, or what Parameters make of the input."""

    __slots__ = ("has_result", "input_path", "is_plain", "parameters", "result")

    type = "Pass"

    def __init__(self, name: str, definition: dict[str, AnyJSON], *, jsonata: bool) -> None:
        super().__init__(name, definition, jsonata=jsonata)
        self.input_path = None if jsonata else path_or_none(definition, "InputPath")
        self.parameters: Evaluate | None = None
        if "Parameters" in definition:
            self.parameters = compile_template(definition["Parameters"], field="Parameters").evaluate
        self.has_result = "Result" in definition
        self.result = definition.get("Result")
        steps = (self.input_path, self.parameters, self.assign, self.output, self.output_path)
        self.is_plain = not self.has_result and self.result_path is True and all(step is None for step in steps)

    def enter(self, execution: Execution, thread: Thread) -> State | None:
        """Pass does its work at once."""
        self.note_entered(execution, thread)
        if self.is_plain:
            events = thread.events
            events.append((self.exited, thread.last, execution.now, thread.value, None))
            thread.last = len(events)
            if self.next is None:
                execution.thread_succeeded(thread)
            return self.next
        result = thread.value
        if self.input_path is not None:
            result = self.input_path(self.scope(execution, thread, result))
        if self.parameters is not None:
            result = self.parameters(self.scope(execution, thread, result))
        if self.has_result:
            result = self.result
        return self.leave(execution, thread, result)


class SucceedState(State):
    """Succeed: ends the thread well."""

    __slots__ = ("input_path",)

    type = "Succeed"

    def __init__(self, name: str, definition: dict[str, AnyJSON], *, jsonata: bool) -> None:
        super().__init__(name, definition, jsonata=jsonata)
        self.input_path = None if jsonata else path_or_none(definition, "InputPath")

    def enter(self, execution: Execution, thread: Thread) -> State | None:
        """The output is the input, through InputPath and OutputPath or Output."""
        self.note_entered(execution, thread)
        value = thread.value
        if self.input_path is not None:
            value = self.input_path(self.scope(execution, thread, value))
        return self.leave(execution, thread, value)


class FailState(State):
    """Fail: ends the thread with an error; both Error and Cause may be missing."""

    __slots__ = ("cause", "definition", "error")

    type = "Fail"

    def __init__(self, name: str, definition: dict[str, AnyJSON], *, jsonata: bool) -> None:
        super().__init__(name, definition, jsonata=jsonata)
        self.definition = definition
        self.error = self._compile(definition, "Error")
        self.cause = self._compile(definition, "Cause")

    def _compile(self, definition: dict[str, AnyJSON], field: str) -> Evaluate | None:
        path = f"{field}Path"
        if path in definition:
            return compile_payload_string(definition[path], field=path).evaluate
        if field not in definition:
            return None
        if self.jsonata:
            return compile_jsonata_value(definition[field], location=field).evaluate
        fixed = definition[field]
        return lambda _: fixed

    def enter(self, execution: Execution, thread: Thread) -> State | None:
        """Evaluate Error and Cause, and fail; no event but FailStateEntered is written."""
        self.note_entered(execution, thread)
        error = cause = None
        scope = self.jsonata_scope(execution, thread) if self.jsonata else self.scope(execution, thread, thread.raw)
        if self.error is not None:
            error = self._text(self.error(scope), "Error")
        if self.cause is not None:
            cause = self._text(self.cause(scope), "Cause")
        execution.thread_failed(thread, error, cause)
        return None

    def _text(self, value: AnyJSON, field: str) -> str:
        if isinstance(value, str):
            return value
        if self.jsonata:
            raise unexpected_type(self.definition[field], field, "string", value)
        raise EvaluationError(RUNTIME, f"The {field}Path field must select a string, but it selected {dumps(value)}")
