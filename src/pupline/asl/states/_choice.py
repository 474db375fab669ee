"""Choice: evaluates its rules in order and goes where the first one that matches leads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pupline.asl._errors import RUNTIME, EvaluationError
from pupline.asl.states._base import State, place_in
from pupline.asl.states._choice_rule import compile_rule
from pupline.json_values import AnyJSON

if TYPE_CHECKING:
    from pupline.asl._execution import Execution
    from pupline.asl._thread import Thread


class ChoiceRule:
    """One Choice Rule: a condition and where it leads."""

    __slots__ = ("assign", "condition", "next", "next_name", "output", "place")

    def __init__(self, state: State, definition: dict[str, AnyJSON], number: int) -> None:
        where = f"Choices[{number}]"
        self.place = place_in(state.name, where)
        self.condition = compile_rule(definition, jsonata=state.jsonata, where=where)
        self.next_name: str = definition["Next"]
        self.next: State | None = None
        self.assign = state.compile_assign(definition)
        self.output = state.compile_field(definition, "Output", location=f"{where}/Output") if state.jsonata else None


class ChoiceState(State):
    """Choice: the first rule that matches, else Default, else the execution fails."""

    __slots__ = ("default", "default_name", "default_place", "rules")

    type = "Choice"

    def __init__(self, name: str, definition: dict[str, AnyJSON], *, jsonata: bool) -> None:
        super().__init__(name, definition, jsonata=jsonata)
        self.rules = [ChoiceRule(self, rule, number) for number, rule in enumerate(definition["Choices"])]
        self.default_name: str | None = definition.get("Default")
        self.default: State | None = None
        self.default_place = place_in(name, "Default")

    def enter(self, execution: Execution, thread: Thread) -> State | None:
        """A rule's own Assign and Output replace the state's, which apply only when Default is taken."""
        self.write_entered(execution, thread)
        scope = self.input_scope(execution, thread)
        for rule in self.rules:
            if rule.condition(scope):
                following, assign, output, place = rule.next, rule.assign, rule.output, rule.place
                break
        else:
            following, assign, output, place = self.default, self.assign, self.output, self.default_place
        if following is None:
            # The States Language calls this States.NoChoiceMatched; AWS says States.Runtime, which nothing can catch.
            cause = "Failed to transition out of the state. The state does not point to a next state."
            raise EvaluationError(RUNTIME, cause)
        execution.taken.add(place)
        assigned = None if assign is None else assign(scope)
        value = scope.input
        if output is not None:
            value = output(scope)
        elif self.output_path is not None:
            value = self.output_path(scope)
        return self.exit(execution, thread, value, assigned, following)
