"""Choice: which rule holds, and where it leads."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pupline.asl._errors import RUNTIME, EvaluationError
from pupline.asl._expression import Scope
from pupline.asl.jsonata import compile_jsonata_value
from pupline.asl.states._base import Evaluate, State, path_or_none
from pupline.asl.states._choice_rule import compile_rule
from pupline.json_values import AnyJSON

if TYPE_CHECKING:
    from pupline.asl._execution import Execution
    from pupline.asl._thread import Thread


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
