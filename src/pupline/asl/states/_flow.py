"""Pass, Succeed and Fail: the states that never wait and lead to one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pupline.asl._errors import RUNTIME, EvaluationError
from pupline.asl._expression import Evaluate
from pupline.asl.jsonata import unexpected_type
from pupline.asl.jsonpath import compile_payload_string
from pupline.asl.states._base import State
from pupline.json_values import AnyJSON, dumps

if TYPE_CHECKING:
    from pupline.asl._execution import Execution
    from pupline.asl._thread import Thread


class PassState(State):
    """Pass: its output is its input, a constant Result, or the evaluated Parameters."""

    __slots__ = ("has_result", "is_plain", "parameters", "result")

    type = "Pass"

    def __init__(self, name: str, definition: dict[str, AnyJSON], *, jsonata: bool) -> None:
        super().__init__(name, definition, jsonata=jsonata)
        self.parameters = self.compile_field(definition, "Parameters")
        self.has_result = "Result" in definition
        self.result = definition.get("Result")
        steps = (self.input_path, self.parameters, self.assign, self.output, self.output_path)
        self.is_plain = not self.has_result and self.result_path is True and all(step is None for step in steps)

    def enter(self, execution: Execution, thread: Thread) -> State | None:
        """Enter and leave at once."""
        self.write_entered(execution, thread)
        if self.is_plain:
            events = thread.events
            events.append((self.exited, thread.last, execution.now, thread.value, None))
            thread.last = len(events)
            if self.next is None:
                execution.thread_succeeded(thread)
            return self.next
        if self.parameters is not None:
            result = self.parameters(self.input_scope(execution, thread))
        else:
            result = self.effective_input(execution, thread)
        return self.leave(execution, thread, self.result if self.has_result else result)


class SucceedState(State):
    """Succeed: ends the thread successfully."""

    __slots__ = ()

    type = "Succeed"

    def enter(self, execution: Execution, thread: Thread) -> State | None:
        """Leave with the input, through InputPath and OutputPath, or with Output."""
        self.write_entered(execution, thread)
        return self.leave(execution, thread, self.effective_input(execution, thread))


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
        return self.compile_field(definition, field)

    def enter(self, execution: Execution, thread: Thread) -> State | None:
        """Evaluate Error and Cause, and fail; the only event is FailStateEntered."""
        self.write_entered(execution, thread)
        scope = self.input_scope(execution, thread)
        error = None if self.error is None else self._text(self.error(scope), "Error")
        cause = None if self.cause is None else self._text(self.cause(scope), "Cause")
        execution.thread_failed(thread, error, cause)
        return None

    def _text(self, value: AnyJSON, field: str) -> str:
        if isinstance(value, str):
            return value
        if self.jsonata:
            raise unexpected_type(self.definition[field], field, "string", value)
        raise EvaluationError(RUNTIME, f"The {field}Path field must select a string, but it selected {dumps(value)}")
