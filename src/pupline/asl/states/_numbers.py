"""Numbers of a Map state that may be written down, selected by a path, or computed: MaxConcurrency and its like."""

from __future__ import annotations

import re

from pupline.asl._errors import QUERY_EVALUATION_ERROR, RUNTIME, EvaluationError
from pupline.asl._expression import Scope
from pupline.asl.jsonata import compile_jsonata_value, not_whole
from pupline.asl.jsonpath import compile_path
from pupline.asl.states._base import Evaluate
from pupline.json_values import AnyJSON, dumps

_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_FLOAT = re.compile(r"[+-]?(\d{1,18}(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


class Number:
    """A field such as MaxConcurrency, its ...Path, or its JSONata; `percentage` allows 0 to 100 and fractions, `signed`
    negative numbers.

    A path may select a number in a string, as AWS does; JSONata must give a number.
    """

    __slots__ = ("evaluate", "field", "fixed", "given", "path", "percentage", "signed")

    def __init__(
        self,
        field: str,
        definition: dict[str, AnyJSON],
        *,
        jsonata: bool,
        percentage: bool = False,
        signed: bool = False,
    ) -> None:
        self.field = field
        self.percentage = percentage
        self.signed = signed
        self.path: str | None = definition.get(f"{field}Path")
        self.fixed: float | None = None
        self.evaluate: Evaluate | None = None
        value = self.given = definition.get(field)
        if self.path is not None:
            self.evaluate = compile_path(self.path, field=f"{field}Path").evaluate
        elif isinstance(value, str) and jsonata:
            self.evaluate = compile_jsonata_value(value, location=field).evaluate
        else:
            self.fixed = value

    def value(self, scope: Scope) -> float | None:
        """The number, or None when there is no such field. Raises EvaluationError for what is none, or out of range."""
        if self.evaluate is None:
            return self.fixed
        found = self.evaluate(scope)
        number = self._number(found)
        if number is None:
            raise self._not_a_number(found)
        if self.percentage and not 0 <= number <= 100:
            raise self._problem(f"{self.field} must be between 0 and 100.")
        if number < 0 and not self.signed:
            raise self._problem(f"{self.field} cannot be negative.")
        return number

    def _number(self, found: AnyJSON) -> float | None:
        if isinstance(found, str) and self.path is not None:
            if not (_FLOAT if self.percentage else _INTEGER).fullmatch(found):
                return None
            found = float(found) if self.percentage else int(found)
        if isinstance(found, bool) or not isinstance(found, int | float):
            return None
        if self.percentage:
            return found
        return int(found) if isinstance(found, int) or found.is_integer() else None

    def _not_a_number(self, found: AnyJSON) -> EvaluationError:
        if self.path is None:
            return not_whole(self.given, self.field, found)
        shown = found if isinstance(found, str) else dumps(found)
        kind = "float" if self.percentage else "integer"
        cause = f'The {self.field}Path field refers to value "{shown}" which is not a valid {kind}: {self.path}'
        return self._problem(cause)

    def _problem(self, cause: str) -> EvaluationError:
        if self.path is None:
            return EvaluationError(QUERY_EVALUATION_ERROR, cause, self.field)
        return EvaluationError(RUNTIME, cause)
