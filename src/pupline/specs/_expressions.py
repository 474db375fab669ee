"""JMESPath expressions of specs, checked when the spec is read and not when the thousandth page arrives."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import jmespath
from jmespath.exceptions import (
    IncompleteExpressionError,
    JMESPathError,
    LexerError,
    ParseError,
)
from jmespath.functions import Functions
from jmespath.visitor import TreeInterpreter

from pupline.errors import SourceError
from pupline.text import printable

_MAX_STEPS = 100


@dataclass(frozen=True, slots=True)
class Expression:
    """A valid JMESPath expression (https://jmespath.org/specification.html)."""

    text: str
    _compiled: Any = field(repr=False, compare=False)

    @classmethod
    def parse(cls, text: str) -> "Expression":
        """Raises: ValueError, with the problem and its character."""
        try:
            compiled = jmespath.compile(text)
        except JMESPathError as err:
            raise ValueError(_complaint(err, text)) from err
        except RecursionError as err:
            raise ValueError("the expression is nested too deeply") from err
        if _is_deep(compiled.parsed):
            raise ValueError(f"the expression has more than {_MAX_STEPS} steps in a row")
        for name in _functions_of(compiled.parsed):
            if name not in Functions.FUNCTION_TABLE:
                raise ValueError(f"there is no function {printable(name, 40)}() in JMESPath")
        return cls(text, compiled)

    @property
    def tree(self) -> dict[str, Any]:
        """The library's syntax tree."""
        tree: dict[str, Any] = self._compiled.parsed
        return tree

    def search(self, value: Any, interpreter: TreeInterpreter | None = None) -> Any:
        """Its result for `value`. interpreter: evaluates `tree`, for a caller that observes the evaluation.

        Raises: SourceError where a function gets a value of the wrong type.
        """
        try:
            return (interpreter or TreeInterpreter()).visit(self.tree, value)
        except JMESPathError as err:
            why = printable(_first_line(err))
            raise SourceError(
                f"the expression {printable(self.text)!r} cannot be applied to the answer: {why}"
            ) from err


def _complaint(err: JMESPathError, text: str) -> str:
    if isinstance(err, IncompleteExpressionError):
        return "the expression is incomplete: something is missing at its end"
    if isinstance(err, LexerError):
        return f"at character {err.lexer_position + 1}: {printable(str(err.message), 80)}"
    if isinstance(err, ParseError):
        rest = printable(text[err.lex_position :], 20)
        return f"at character {err.lex_position + 1}: {rest!r} cannot stand there"
    return printable(_first_line(err), 120)


def _first_line(err: JMESPathError) -> str:
    return str(err).partition("\n")[0]


def _is_deep(node: dict[str, Any]) -> bool:
    """Whether the tree is too deep for the library, which walks it by recursion."""
    level = [node]
    for _ in range(_MAX_STEPS):
        level = [child for parent in level for child in parent["children"] if isinstance(child, dict)]
        if not level:
            return False
    return True


def _functions_of(node: dict[str, Any]) -> Iterator[str]:
    if node["type"] == "function_expression":
        yield node["value"]
    for child in node["children"]:
        if isinstance(child, dict):
            yield from _functions_of(child)
