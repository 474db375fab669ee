"""A Task whose Resource is an activity: a worker asks for it, and answers it.

The driver's facts, in this order: TaskSubmitted when the activity exists and the task waits for a worker, TaskStarted
when a worker has taken it, TaskHeartbeat, TaskSucceeded or TaskFailed. A driver may leave out the first two. A
TaskFailed with States.Runtime before TaskSubmitted means that the activity does not exist: nothing was scheduled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pupline.asl._commands import InvokeTask
from pupline.asl._errors import RUNTIME, EvaluationError
from pupline.asl._facts import Fact, TaskFailed, TaskStarted, TaskSubmitted
from pupline.asl.states._base import State
from pupline.asl.states._task import TaskState, task_token
from pupline.json_values import AnyJSON

if TYPE_CHECKING:
    from pupline.asl._execution import Execution, Handler
    from pupline.asl._thread import Thread


class ActivityState(TaskState):
    """Task with an activity; its time-outs count from the moment when a worker has taken the task."""

    __slots__ = ()

    def issue(self, execution: Execution, thread: Thread, values: tuple[AnyJSON, ...]) -> None:
        """Issue the InvokeTask command. values: of ActivityScheduled, which the first fact writes."""
        arguments, timeout, heartbeat, _ = values
        command_id, arn = thread.command_id(self.key), self.integration.resource
        token, calls = task_token(execution.name, command_id), execution.calls
        calls[self.name] = attempt = calls.get(self.name, -1) + 1
        execution.command(
            InvokeTask(command_id, self.name, arn, arguments, timeout, heartbeat, arn, token, attempt),
            self._first(values),
            thread,
        )
        thread.deadline = None

    def _first(self, values: tuple[AnyJSON, ...]) -> Handler:
        def receive_first(execution: Execution, thread: Thread, fact: Fact) -> State | None:
            if type(fact) is TaskFailed and fact.error == RUNTIME:
                raise EvaluationError(RUNTIME, fact.cause or "")
            thread.write(self.integration.scheduled, execution.now, *values)
            if type(fact) is TaskSubmitted:
                execution.wait_again(fact.id, self._receive_next(values), thread)
                return None
            return self._receive_next(values)(execution, thread, fact)

        return receive_first

    def _receive_next(self, values: tuple[AnyJSON, ...]) -> Handler:
        def receive_next(execution: Execution, thread: Thread, fact: Fact) -> State | None:
            _, timeout, heartbeat, _ = values
            worker = fact.worker_name if type(fact) is TaskStarted else None
            thread.write(self.integration.started, execution.now, worker)
            self.start_timers(execution, thread, timeout, heartbeat)
            if type(fact) is TaskStarted:
                execution.wait_again(fact.id, self.receive, thread)
                return None
            return self.receive(execution, thread, fact)

        return receive_next
