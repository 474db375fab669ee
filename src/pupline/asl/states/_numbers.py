"""Number fields that may be literal, selected by a path, or computed: MaxConcurrency, TimeoutSeconds and the like."""

from __future__ import annotations

import re

from pupline.asl._errors import QUERY_EVALUATION_ERROR, RUNTIME, EvaluationError
from pupline.asl._expression import Evaluate, Scope
from pupline.asl._values import java_text
from pupline.asl.jsonata import compile_jsonata_value, not_whole
from pupline.asl.jsonpath import compile_path
from pupline.json_values import AnyJSON, dumps

_INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_FLOAT = re.compile(r"[+-]?(\d{1,18}(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)

#: "Task state": TimeoutSeconds and HeartbeatSeconds go from 1 to 99,999,999.
MAX_TIMEOUT_SECONDS = 99_999_999


class _NumberField:
    """A field, its ...Path, or its JSONata. literal: the number as written, None when there is none."""

    __slots__ = ("evaluate", "field", "literal", "path", "source")

    def __init__(self, field: str, definition: dict[str, AnyJSON], *, jsonata: bool) -> None:
        self.field = field
        self.path: str | None = definition.get(f"{field}Path")
        self.literal: float | None = None
        self.evaluate: Evaluate | None = None
        self.source: AnyJSON = definition.get(field)
        if self.path is not None:
            self.evaluate = compile_path(self.path, field=f"{field}Path").evaluate
        elif isinstance(self.source, str) and jsonata:
            self.evaluate = compile_jsonata_value(self.source, location=field).evaluate
        else:
            self.literal = self.source

    def error(self, cause: str) -> EvaluationError:
        """The error for a value that is not valid in this field."""
        if self.path is None:
            return EvaluationError(QUERY_EVALUATION_ERROR, cause, self.field)
        return EvaluationError(RUNTIME, cause)


class Timeout(_NumberField):
    """TimeoutSeconds or HeartbeatSeconds."""

    __slots__ = ()

    def seconds(self, scope: Scope) -> int | None:
        """The seconds, or None if the field is absent. Raises EvaluationError for an invalid time-out."""
        if self.evaluate is None:
            return None if self.literal is None else int(self.literal)
        value = self.evaluate(scope)
        number = whole(value)
        if number is not None and 0 < number <= MAX_TIMEOUT_SECONDS:
            return number
        if self.path is None and number is None:
            raise not_whole(self.source, self.field, value)
        name = self.field if self.path is None else f"{self.field}Path"
        text = f"must be a whole number from 1 to {MAX_TIMEOUT_SECONDS}: {java_text(value)}"
        raise self.error(f"The {name} parameter {text}")


class Number(_NumberField):
    """A number of a Map state; `percentage` allows 0 to 100 and fractions, `signed` negative numbers.

    A path may select a number in a string, as on AWS; JSONata must return a number.
    """

    __slots__ = ("percentage", "signed")

    def __init__(
        self,
        field: str,
        definition: dict[str, AnyJSON],
        *,
        jsonata: bool,
        percentage: bool = False,
        signed: bool = False,
    ) -> None:
        super().__init__(field, definition, jsonata=jsonata)
        self.percentage = percentage
        self.signed = signed

    def value(self, scope: Scope) -> float | None:
        """The number, or None if the field is absent. Raises EvaluationError for an invalid or excessive one."""
        if self.evaluate is None:
            return self.literal
        found = self.evaluate(scope)
        number = self._parse(found)
        if number is None:
            raise self._not_a_number(found)
        if self.percentage and not 0 <= number <= 100:
            raise self.error(f"{self.field} must be between 0 and 100.")
        if number < 0 and not self.signed:
            raise self.error(f"{self.field} cannot be negative.")
        return number

    def _parse(self, found: AnyJSON) -> float | None:
        if isinstance(found, str) and self.path is not None:
            if not (_FLOAT if self.percentage else _INTEGER).fullmatch(found):
                return None
            found = float(found) if self.percentage else int(found)
        if self.percentage:
            return found if isinstance(found, int | float) and not isinstance(found, bool) else None
        return whole(found)

    def _not_a_number(self, found: AnyJSON) -> EvaluationError:
        if self.path is None:
            return not_whole(self.source, self.field, found)
        shown = found if isinstance(found, str) else dumps(found)
        kind = "float" if self.percentage else "integer"
        cause = f'The {self.field}Path field refers to value "{shown}" which is not a valid {kind}: {self.path}'
        return self.error(cause)


def whole(value: AnyJSON) -> int | None:
    """A whole number as an int; None for anything else, true and false among it."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None
