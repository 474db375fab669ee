"""Task: has the driver call a resource, and waits for the answer."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from pupline.asl._commands import InvokeTask, StartTimer
from pupline.asl._errors import DATA_LIMIT_EXCEEDED, TIMEOUT, DataLimitExceeded
from pupline.asl._facts import Fact, TaskFailed, TaskHeartbeat, TaskSubmitted, TaskSucceeded
from pupline.asl.states._base import State
from pupline.asl.states._catch import CatchingState
from pupline.asl.states._integration import integration_for
from pupline.asl.states._numbers import Timeout
from pupline.asl.states._resource import in_one_partition
from pupline.json_values import AnyJSON

if TYPE_CHECKING:
    from pupline.asl._execution import Execution
    from pupline.asl._thread import Thread


class TaskState(CatchingState):
    """Task: one InvokeTask per attempt, with a timer for each time-out."""

    __slots__ = ("arguments", "credentials", "heartbeat", "integration", "timeout")

    type = "Task"

    def __init__(self, name: str, definition: dict[str, AnyJSON], *, jsonata: bool) -> None:
        super().__init__(name, definition, jsonata=jsonata)
        self.integration = integration_for(in_one_partition(definition["Resource"]))
        self.arguments = self.compile_field(definition, "Arguments" if jsonata else "Parameters")
        self.credentials = self.compile_field(definition, "Credentials")
        self.timeout = Timeout("TimeoutSeconds", definition, jsonata=jsonata)
        self.heartbeat = Timeout("HeartbeatSeconds", definition, jsonata=jsonata)

    def start(self, execution: Execution, thread: Thread) -> State | None:
        """Evaluate the arguments and the time-outs, and issue the InvokeTask command."""
        if self.integration.waits_for_token:
            thread.token = task_token(execution.name, thread.command_id(self.key))
        scope = self.input_scope(execution, thread)
        arguments = scope.input if self.arguments is None else self.arguments(scope)
        timeout, heartbeat = self.timeout.seconds(scope), self.heartbeat.seconds(scope)
        role = None if self.credentials is None else self.credentials(scope).get("RoleArn")
        if arguments is not thread.state_input and execution.texts.exceeds_quota(arguments):
            raise DataLimitExceeded(self.name)
        self.issue(execution, thread, (arguments, timeout, heartbeat, role))
        return None

    def issue(self, execution: Execution, thread: Thread, values: tuple[AnyJSON, ...]) -> None:
        """Write the events and issue the commands. values: of ...Scheduled."""
        arguments, timeout, heartbeat, _ = values
        integration = self.integration
        resource, payload = integration.call(arguments)
        events = thread.events
        events.append((integration.scheduled, thread.last, execution.now, *values))
        events.append((integration.started, len(events), execution.now))
        thread.last = len(events)
        token, thread.token = thread.token, None
        command_id, name, calls = thread.command_id(self.key), self.name, execution.calls
        calls[name] = attempt = calls.get(name, -1) + 1
        execution.command(
            InvokeTask(command_id, name, resource, payload, timeout, heartbeat, integration.resource, token, attempt),
            self.receive,
            thread,
        )
        if timeout is None and heartbeat is None:
            thread.deadline = None
        else:
            self.start_timers(execution, thread, timeout, heartbeat)

    def start_timers(self, execution: Execution, thread: Thread, timeout: int | None, heartbeat: int | None) -> None:
        """Start a timer for each time-out of the call."""
        thread.deadline = None if timeout is None else execution.now + timeout
        if timeout is not None:
            timer = StartTimer(f"{thread.command_id(self.key)}/timeout", execution.now + timeout, "task")
            execution.command(timer, self._timeout_fired, thread)
        if heartbeat is not None:
            timer = StartTimer(f"{thread.command_id(self.key)}/heartbeat", execution.now + heartbeat, "task")
            execution.command(timer, self._heartbeat_missed, thread)

    def receive(self, execution: Execution, thread: Thread, fact: Fact) -> State | None:
        """Continue with an answer to the call."""
        if type(fact) is TaskSucceeded:
            execution.cancel_all(thread)
            return self._succeeded(execution, thread, fact)
        if type(fact) is TaskFailed:
            execution.cancel_all(thread)
            if fact.at_submission and self.integration.submits:
                thread.write(self.integration.submit_failed, execution.now, fact.error, fact.cause)
                return execution.state_failed(thread, fact.error, fact.cause)
            return self.failed(execution, thread, fact.error, self.integration.cause(fact.cause))
        if type(fact) is TaskSubmitted:
            thread.write(self.integration.submitted, execution.now, fact.output)
        elif type(fact) is TaskHeartbeat:
            self._restart_heartbeat(execution, thread)
        else:
            raise execution.unexpected_fact(fact)
        execution.wait_again(fact.id, self.receive, thread)
        return None

    def _succeeded(self, execution: Execution, thread: Thread, fact: TaskSucceeded) -> State | None:
        integration = self.integration
        result = fact.output
        if not (integration.submits or fact.whole_response):
            events = thread.events  # the newest is ...Started, which points at ...Scheduled, which holds the arguments
            result = integration.result(result, events[events[thread.last - 1][1] - 1][3])
        if execution.texts.exceeds_quota(result):
            problem = DataLimitExceeded(integration.limited_name)
            return self.failed(execution, thread, DATA_LIMIT_EXCEEDED, problem.cause)
        thread.write(integration.succeeded, execution.now, result)
        return self.leave(execution, thread, result)

    def failed(self, execution: Execution, thread: Thread, error: str, cause: str | None) -> State | None:
        """Write ...Failed, or ...TimedOut when the driver reports States.Timeout; then Retry and Catch apply."""
        integration = self.integration
        kind = integration.timed_out if error == TIMEOUT else integration.failed
        thread.write(kind, execution.now, error, cause)
        return execution.state_failed(thread, error, cause)

    def _timeout_fired(self, execution: Execution, thread: Thread, _: Fact) -> State | None:
        return self._time_out(execution, thread, heartbeat=False)

    def _heartbeat_missed(self, execution: Execution, thread: Thread, _: Fact) -> State | None:
        return self._time_out(execution, thread, heartbeat=True)

    def write_timed_out(self, execution: Execution, thread: Thread) -> None:
        """Write ...TimedOut for a task that is stopped because another one has timed out at the same time."""
        if not self.retriers and not self.catchers:
            thread.write(self.integration.timed_out, execution.now, TIMEOUT, None)

    def _time_out(self, execution: Execution, thread: Thread, *, heartbeat: bool) -> State | None:
        execution.cancel_all(thread)
        thread.write(self.integration.timed_out, execution.now, TIMEOUT, None)
        return execution.state_failed(thread, TIMEOUT, None, heartbeat=heartbeat)

    def _restart_heartbeat(self, execution: Execution, thread: Thread) -> None:
        """A heartbeat replaces its timer."""
        timer = f"{thread.command_id(self.key)}/heartbeat"
        seconds = next((event[5] for event in reversed(thread.events) if event[0] is self.integration.scheduled), None)
        if seconds is not None and timer in (thread.waiting or ()):
            execution.restart_timer(StartTimer(timer, execution.now + seconds, "task"))


def task_token(execution_name: str, command_id: str) -> str:
    """`$$.Task.Token` of a task: opaque to the workflow, and the same in a replay."""
    return base64.urlsafe_b64encode(f"{execution_name}\n{command_id}".encode()).decode()
