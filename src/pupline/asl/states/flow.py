"""Pass, Succeed, Fail and Choice: the states that never wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pupline.asl._retry import RUNTIME
from pupline.asl._values import EvaluationError, Scope
from pupline.asl.jsonata.expression import compile_jsonata_value, unexpected_type
from pupline.asl.jsonpath.template import compile_payload_string, compile_template
from pupline.asl.states.base import Evaluate, State, path_or_none
from pupline.asl.states.choice import compile_rule
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


class ChoiceRule:
    """One Choice Rule: a condition and where it leads."""

    __slots__ = ("assign", "condition", "next", "next_name", "output")

    def __init__(self, state: State, definition: dict[str, AnyJSON], number: int) -> None:
        self.condition: Callable[[Scope], bool] = compile_rule(
            definition, jsonata=state.jsonata, where=f"Choices[{number}]"
        )
        self.next_name: str = definition["Next"]
        self.next: State | None = None
        self.assign = state.compile_assign(definition)
        self.output: Evaluate | None = None
        if state.jsonata and "Output" in definition:
            where = f"Choices[{number}]/Output"
            self.output = compile_jsonata_value(definition["Output"], location=where).evaluate


class ChoiceState(State):
    """Choice: goes where the first rule that holds says, else to Default, else fails."""

    __slots__ = ("default", "default_name", "input_path", "rules")

    type = "Choice"

    def __init__(self, name: str, definition: dict[str, AnyJSON], *, jsonata: bool) -> None:
        super().__init__(name, definition, jsonata=jsonata)
        self.input_path = None if jsonata else path_or_none(definition, "InputPath")
        self.rules = [ChoiceRule(self, rule, number) for number, rule in enumerate(definition["Choices"])]
        self.default_name: str | None = definition.get("Default")
        self.default: State | None = None

    def enter(self, execution: Execution, thread: Thread) -> State | None:
        """A rule's own Assign and Output replace the state's, which apply only when Default is taken."""
        self.note_entered(execution, thread)
        value = thread.value
        if self.jsonata:
            scope = self.jsonata_scope(execution, thread)
        else:
            scope = self.scope(execution, thread, value)
            if self.input_path is not None:
                value = scope.input = self.input_path(scope)
        for rule in self.rules:
            if rule.condition(scope):
                return self._leave(execution, thread, scope, value, rule.next, rule.assign, rule.output)
        if self.default is not None:
            return self._leave(execution, thread, scope, value, self.default, self.assign, self.output)
        # The States Language calls this States.NoChoiceMatched; AWS says States.Runtime, which nothing can catch.
        cause = "Failed to transition out of the state. The state does not point to a next state."
        raise EvaluationError(RUNTIME, cause)

    def _leave(
        self,
        execution: Execution,
        thread: Thread,
        scope: Scope,
        value: AnyJSON,
        following: State | None,
        assign: Evaluate | None,
        output: Evaluate | None,
    ) -> State | None:
        assigned = None if assign is None else assign(scope)
        if output is not None:
            value = output(scope)
        elif self.output_path is not None:
            value = self.output_path(self.scope(execution, thread, value))
        return self.exit(execution, thread, value, assigned, following)
