"""Choice rules compiled into predicates over a Scope: their Condition in JSONata, or their Variables in JSONPath.

A `Variable` that selects nothing fails the execution, except under IsPresent. `pupline.choice_rules` has the operators.
"""

from collections.abc import Callable
from typing import TypeAlias

from pupline.asl._errors import SyntaxProblem
from pupline.asl._expression import Scope
from pupline.asl.jsonata import compile_condition
from pupline.asl.jsonpath import compile_path, compile_presence
from pupline.choice_rules import RulePath, RuleProblem, compile_choice_rule
from pupline.json_values import AnyJSON

Rule: TypeAlias = Callable[[Scope], bool]


def compile_rule(rule: dict[str, AnyJSON], *, jsonata: bool, where: str = "Choices[0]") -> Rule:
    """A Choice rule as a predicate: its Condition (JSONata), or its Variable, And, Or, Not (JSONPath).

    where: the rule's place in its state, such as "Choices[1]", for JSONata's error texts.
    Raises: SyntaxProblem; when called, EvaluationError.
    """
    if jsonata:
        return compile_condition(rule.get("Condition"), location=f"{where}/Condition")
    try:
        return compile_choice_rule(rule, _PathVariable)
    except RuleProblem as problem:
        raise SyntaxProblem(problem.message, problem.path) from problem


class _PathVariable:
    """A Variable that is a JSONPath. Raises: SyntaxProblem."""

    def __init__(self, text: AnyJSON, path: RulePath) -> None:
        self._text = text
        try:
            self.value = compile_path(text, field="Variable").evaluate
        except SyntaxProblem as problem:
            raise SyntaxProblem(f"Value is not a Reference Path: {problem.message}", path) from problem

    def presence(self) -> Rule:
        """Whether the path selects something."""
        return compile_presence(self._text)
