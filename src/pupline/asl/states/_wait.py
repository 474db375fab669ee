"""Wait: until a time, or for some seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pupline.asl._commands import StartTimer
from pupline.asl._errors import QUERY_EVALUATION_ERROR, RUNTIME, EvaluationError, TimestampProblem
from pupline.asl._expression import Evaluate
from pupline.asl._facts import Fact
from pupline.asl._timestamp import epoch_seconds
from pupline.asl._values import java_text
from pupline.asl.jsonata import compile_jsonata_value, not_whole, unexpected_type
from pupline.asl.jsonpath import compile_path
from pupline.asl.states._base import State
from pupline.asl.states._numbers import whole
from pupline.json_values import AnyJSON

if TYPE_CHECKING:
    from pupline.asl._execution import Execution
    from pupline.asl._thread import Thread

#: AWS refuses a wait that a signed 32-bit number of seconds cannot hold: 24,855 days and a bit.
MAX_DELAY_SECONDS = 2**31

#: The largest number that SecondsPath accepts as a long.
MAX_LONG = 2**63 - 1

#: "Wait state" of the States Language guide: up to 99,999,999 for a literal or computed number.
MAX_SECONDS = 99_999_999


class WaitState(State):
    """Wait: Seconds, SecondsPath, Timestamp or TimestampPath."""

    __slots__ = ("evaluate", "field", "path", "source")

    type = "Wait"

    def __init__(self, name: str, definition: dict[str, AnyJSON], *, jsonata: bool) -> None:
        super().__init__(name, definition, jsonata=jsonata)
        fields = ("Seconds", "SecondsPath", "Timestamp", "TimestampPath")
        self.field = next(field for field in fields if field in definition)
        self.source: AnyJSON = definition[self.field]
        self.path: str = self.source if self.field.endswith("Path") else ""
        self.evaluate = self._compile(self.source)

    def _compile(self, value: AnyJSON) -> Evaluate:
        if self.path:
            return compile_path(self.path, field=self.field).evaluate
        if self.jsonata:
            return compile_jsonata_value(value, location=self.field).evaluate
        return lambda _: value

    def enter(self, execution: Execution, thread: Thread) -> State | None:
        """Start the timer; a time in the past ends the wait at once."""
        self.write_entered(execution, thread)
        due = self._due(execution, thread)
        if due <= execution.now:
            return self.leave(execution, thread, self.effective_input(execution, thread))
        if due - execution.now >= MAX_DELAY_SECONDS:
            raise EvaluationError(RUNTIME, "Wait state delay is too long.")
        thread.count_visit(self.key)
        timer = f"{thread.path}{self.key}@{thread.visit}"
        command = StartTimer(timer, due, "pause" if "Seconds" in self.field else "moment")
        execution.command(command, self._fired, thread)
        return None

    def _fired(self, execution: Execution, thread: Thread, _: Fact) -> State | None:
        thread.waiting = None
        return self.leave(execution, thread, self.effective_input(execution, thread))

    def _due(self, execution: Execution, thread: Thread) -> float:
        value = self._value(execution, thread)
        if "Seconds" in self.field:
            return execution.now + (self._seconds(value) if self.jsonata else self._long(value))
        if self.jsonata and not isinstance(value, str):
            raise unexpected_type(self.source, "Timestamp", "string", value)
        moment = epoch_seconds(value)
        if moment is not None:
            return moment
        if self.jsonata:
            text = "cannot be parsed as an ISO-8601 extended offset date-time format string"
            cause = f"The Timestamp field {text}: {java_text(value)}"
            raise TimestampProblem(QUERY_EVALUATION_ERROR, cause, "Timestamp")
        text = "does not reference a valid ISO-8601 extended offset date-time format string"
        raise EvaluationError(RUNTIME, f"The {self.field} parameter {text}: {self.path} == {java_text(value)}")

    def _value(self, execution: Execution, thread: Thread) -> AnyJSON:
        scope = self.input_scope(execution, thread)
        try:
            return self.evaluate(scope)
        except EvaluationError as err:
            if not self.path:
                raise
            cause = f"The {self.field} parameter does not reference an input value: {self.path}"
            raise EvaluationError(RUNTIME, cause) from err

    def _long(self, value: AnyJSON) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value > MAX_LONG:
            cause = f"The {self.field} parameter cannot be parsed as a long value: {self.path} == {java_text(value)}"
            raise EvaluationError(RUNTIME, cause)
        if value < 0:
            cause = f"The {self.field} parameter references a negative value: {self.path} == {value}"
            raise EvaluationError(RUNTIME, cause)
        return value

    def _seconds(self, value: AnyJSON) -> int:
        number = whole(value)
        if number is None:
            raise not_whole(self.source, "Seconds", value)
        if not 0 <= number <= MAX_SECONDS:
            cause = f"Seconds must be between 0 and {MAX_SECONDS}, but was {number}"
            raise EvaluationError(QUERY_EVALUATION_ERROR, cause, "Seconds")
        return number
