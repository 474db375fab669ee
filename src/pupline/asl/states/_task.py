"""Task: asks the driver to do something and waits for the answer."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from pupline.asl._commands import InvokeTask, StartTimer
from pupline.asl._errors import (
    DATA_LIMIT_EXCEEDED,
    QUERY_EVALUATION_ERROR,
    RUNTIME,
    TIMEOUT,
    DataLimitExceeded,
    EvaluationError,
)
from pupline.asl._expression import Scope
from pupline.asl._facts import Fact, TaskFailed, TaskHeartbeat, TaskSubmitted, TaskSucceeded
from pupline.asl._values import java_text
from pupline.asl.jsonata import compile_jsonata_value, not_whole
from pupline.asl.jsonpath import compile_path
from pupline.asl.states._base import Evaluate, State, path_or_none
from pupline.asl.states._catch import CatchingState
from pupline.asl.states._integrations import integration_for
from pupline.json_values import AnyJSON

if TYPE_CHECKING:
    from pupline.asl._execution import Execution
    from pupline.asl._thread import Thread

#: "Task state": TimeoutSeconds and HeartbeatSeconds go from 1 to 99,999,999.
MAX_TIMEOUT_SECONDS = 99_999_999


class Timeout:
    """TimeoutSeconds or HeartbeatSeconds, each a number, a path or JSONata."""

    __slots__ = ("evaluate", "field", "fixed", "given")

    def __init__(self, field: str, definition: dict[str, AnyJSON], *, jsonata: bool) -> None:
        self.field = field
        self.fixed: int | None = None
        self.evaluate: Evaluate | None = None
        value = self.given = definition.get(field)
        if f"{field}Path" in definition:
            self.field = f"{field}Path"
            self.evaluate = compile_path(definition[self.field], field=self.field).evaluate
        elif isinstance(value, str) and jsonata:
            self.evaluate = compile_jsonata_value(value, location=field).evaluate
        else:
            self.fixed = value

    def seconds(self, scope: Scope) -> int | None:
        """The seconds, or None when there is no such field. Raises EvaluationError for what is no time-out."""
        if self.evaluate is None:
            return self.fixed
        value = self.evaluate(scope)
        whole = int(value) if isinstance(value, float) and value.is_integer() else value
        if isinstance(whole, int) and not isinstance(whole, bool) and 0 < whole <= MAX_TIMEOUT_SECONDS:
            return whole
        if not self.field.endswith("Path") and (isinstance(whole, bool) or not isinstance(whole, int)):
            raise not_whole(self.given, self.field, value)
        error, location = (RUNTIME, None) if self.field.endswith("Path") else (QUERY_EVALUATION_ERROR, self.field)
        cause = f"The {self.field} parameter must be a whole number from 1 to {MAX_TIMEOUT_SECONDS}: {java_text(value)}"
        raise EvaluationError(error, cause, location)


class TaskState(CatchingState):
    """Task: one InvokeTask per attempt, with a timer for each time-out."""

    __slots__ = ("arguments", "credentials", "heartbeat", "input_path", "integration", "timeout")

    type = "Task"

    def __init__(self, name: str, definition: dict[str, AnyJSON], *, jsonata: bool) -> None:
        super().__init__(name, definition, jsonata=jsonata)
        self.integration = integration_for(definition["Resource"])
        self.input_path = None if jsonata else path_or_none(definition, "InputPath")
        self.arguments = self.compile_field(definition, "Arguments" if jsonata else "Parameters")
        self.credentials = self.compile_field(definition, "Credentials")
        self.timeout = Timeout("TimeoutSeconds", definition, jsonata=jsonata)
        self.heartbeat = Timeout("HeartbeatSeconds", definition, jsonata=jsonata)

    def start(self, execution: Execution, thread: Thread) -> State | None:
        """Evaluate the arguments, write ...Scheduled and ...Started, and ask for the call."""
        integration = self.integration
        command_id = thread.command_id(self.key)
        if integration.waits_for_token:
            thread.token = task_token(execution.name, command_id)
        scope, arguments = self._arguments(execution, thread)
        timeout, heartbeat = self.timeout.seconds(scope), self.heartbeat.seconds(scope)
        role = None if self.credentials is None else self.credentials(scope).get("RoleArn")
        if arguments is not thread.raw and execution.size_quota.exceeds(arguments):
            raise DataLimitExceeded(self.name)
        resource, payload = integration.call(arguments)
        events = thread.events
        events.append((integration.scheduled, thread.last, execution.now, arguments, timeout, heartbeat, role))
        events.append((integration.started, len(events), execution.now))
        thread.last = len(events)
        token, thread.token = thread.token, None
        execution.command(
            InvokeTask(command_id, self.name, resource, payload, timeout, heartbeat, integration.resource, token),
            self._answered,
            thread,
        )
        thread.deadline = None if timeout is None else execution.now + timeout
        if timeout is not None:
            late = StartTimer(f"{command_id}/timeout", execution.now + timeout, "task")
            execution.command(late, self._late, thread)
        if heartbeat is not None:
            silent = StartTimer(f"{command_id}/heartbeat", execution.now + heartbeat, "task")
            execution.command(silent, self._silent, thread)
        return None

    def _arguments(self, execution: Execution, thread: Thread) -> tuple[Scope, AnyJSON]:
        if self.jsonata:
            scope = self.jsonata_scope(execution, thread)
            return scope, thread.raw if self.arguments is None else self.arguments(scope)
        scope = self.scope(execution, thread, thread.raw)
        value = thread.raw
        if self.input_path is not None:
            value = scope.input = self.input_path(scope)
        return scope, value if self.arguments is None else self.arguments(scope)

    def _answered(self, execution: Execution, thread: Thread, fact: Fact) -> State | None:
        if type(fact) is TaskSucceeded:
            execution.cancel_all(thread)
            return self._succeeded(execution, thread, fact.output)
        if type(fact) is TaskFailed:
            execution.cancel_all(thread)
            return self.failed(execution, thread, fact.error, self.integration.cause(fact.cause))
        if type(fact) is TaskSubmitted:
            self._write(execution, thread, self.integration.submitted, fact.output)
        elif type(fact) is TaskHeartbeat:
            self._beat(execution, thread)
        else:
            raise execution.unexpected(fact)
        execution.wait_again(fact.id, self._answered, thread)
        return None

    def _succeeded(self, execution: Execution, thread: Thread, answer: AnyJSON) -> State | None:
        integration = self.integration
        result = answer if integration.submits else integration.result(answer, self._called_with(thread))
        if execution.size_quota.exceeds(result):
            problem = DataLimitExceeded(integration.limited_name)
            return self.failed(execution, thread, DATA_LIMIT_EXCEEDED, problem.cause)
        self._write(execution, thread, integration.succeeded, result)
        return self.leave(execution, thread, result)

    @staticmethod
    def _called_with(thread: Thread) -> AnyJSON:
        """The arguments of the running attempt: its newest event is ...Started, which points at ...Scheduled."""
        events = thread.events
        return events[events[thread.last - 1][1] - 1][3]

    def failed(self, execution: Execution, thread: Thread, error: str, cause: str | None) -> State | None:
        """Write ...Failed, or ...TimedOut when the driver says so; Retry and Catch decide what is next."""
        integration = self.integration
        kind = integration.timed_out if error == TIMEOUT else integration.failed
        self._write(execution, thread, kind, error, cause)
        return execution.state_failed(thread, error, cause)

    def _late(self, execution: Execution, thread: Thread, _: Fact) -> State | None:
        return self._timed_out(execution, thread, heartbeat=False)

    def _silent(self, execution: Execution, thread: Thread, _: Fact) -> State | None:
        return self._timed_out(execution, thread, heartbeat=True)

    def note_timed_out(self, execution: Execution, thread: Thread) -> None:
        """Write ...TimedOut for a task that stops because another one has timed out at the same time."""
        if not self.retriers and not self.catchers:
            self._write(execution, thread, self.integration.timed_out, TIMEOUT, None)

    def _timed_out(self, execution: Execution, thread: Thread, *, heartbeat: bool) -> State | None:
        execution.cancel_all(thread)
        self._write(execution, thread, self.integration.timed_out, TIMEOUT, None)
        return execution.state_failed(thread, TIMEOUT, None, heartbeat=heartbeat)

    def _beat(self, execution: Execution, thread: Thread) -> None:
        """A heartbeat starts its timer anew; the old timer's command is replaced."""
        timer = f"{thread.command_id(self.key)}/heartbeat"
        seconds = next((event[5] for event in reversed(thread.events) if event[0] is self.integration.scheduled), None)
        if seconds is not None and timer in (thread.waiting or ()):
            execution.restart(StartTimer(timer, execution.now + seconds, "task"))

    @staticmethod
    def _write(execution: Execution, thread: Thread, kind: AnyJSON, *values: AnyJSON) -> None:
        events = thread.events
        events.append((kind, thread.last, execution.now, *values))
        thread.last = len(events)


def task_token(execution_name: str, command_id: str) -> str:
    """`$$.Task.Token` of a task: opaque to the workflow, and the same over replay."""
    return base64.urlsafe_b64encode(f"{execution_name}\n{command_id}".encode()).decode()
