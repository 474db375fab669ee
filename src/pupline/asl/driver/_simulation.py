"""Executions in memory and in virtual time: one, and those that it starts.

Tasks are answered at once, or as soon as they have ended; timers and later answers in the order of their due times.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from pupline.asl._commands import CancelCommand, Command, InvokeTask, StartTimer
from pupline.asl._execution import Execution
from pupline.asl._facts import ExecutionAborted, Fact, TaskHeartbeat, TaskStarted, TaskSubmitted, TimerFired
from pupline.asl.driver._answers import NOTHING, AnswerableCommand, Answers, unanswered_result
from pupline.asl.driver._api import Api, end_of
from pupline.asl.driver._outcome import CommandResult, Delayed
from pupline.asl.driver._run import Run
from pupline.asl.driver._timed_call import TimedCall
from pupline.errors import ConfigurationError
from pupline.text import printable

#: Seconds to wait for a task before starting others, so that tasks that hang do so at the same time.
PATIENCE_SECONDS = 0.5

#: Calls with a time-out this long run in the same thread, as another thread would cost more than the engine itself.
#: A late answer has still timed out; only a call that never returns is waited for.
SAME_THREAD_FROM_SECONDS = 30

WORKER_NAME = "pupline"
"""The worker in the history of an activity whose task is answered here."""

Wait: TypeAlias = Callable[[Execution, float], None]
Scheduled: TypeAlias = CommandResult | TimerFired | TaskHeartbeat
Heartbeats: TypeAlias = tuple[float, float]
"""Seconds between two heartbeats, and the time at which they end."""

_SUBMITTED = {"SdkHttpMetadata": {"HttpStatusCode": 200}, "SdkResponseMetadata": {}}


def run_simulation(execution: Execution, answers: Answers, wait: Wait | None = None) -> list[Run]:
    """Run an execution to its end, and all that it starts, which are returned in the order of their starts.

    wait: called with the first execution and a number of seconds before so much time passes.
    Raises: ConfigurationError when it waits for what never comes.
    """
    simulation = Simulation(execution, answers, wait)
    simulation.run()
    return simulation.runs[1:]


class Simulation:
    """Runs an execution and all that it starts to their ends.

    now: seconds since the epoch. runs: all executions, in the order of their starts. tokens: of the tasks that wait for
    one, or did.
    """

    def __init__(self, execution: Execution, answers: Answers, wait: Wait | None = None) -> None:
        self.answers = answers
        self._wait = wait
        self.now = execution.now
        self.runs = [Run(execution)]
        self.tokens: dict[str, tuple[Run, str]] = {}
        self._numbers = itertools.count()
        self._scheduled: list[tuple[float, int, Run, Scheduled, Heartbeats | None]] = []
        self._slow: deque[tuple[Run, InvokeTask, TimedCall[CommandResult | Delayed]]] = deque()
        self._ready: deque[Run] = deque()
        self._open = 1
        self._api = None if answers.machines is None else Api(self, answers.machines)

    def run(self) -> None:
        """Run until every execution has ended, or waits for what never comes.

        Raises: ConfigurationError when the first one waits so.
        """
        first = self.runs[0]
        self._step(first)
        while self._open:
            if self._ready:
                run = self._ready.popleft()
                run.is_ready = False
                self._step(run)
            elif self._slow:  # virtual time does not pass while a task may still answer
                self._wait_for_slow(*self._slow.popleft())
            elif self._scheduled:
                self._happen_next()
            else:
                break
        if first.execution.status == "RUNNING":
            raise _never_ends(first.execution)

    def add(self, run: Run) -> None:
        """Take over an execution."""
        self.runs.append(run)
        self._open += 1
        self._mark_ready(run)

    def _step(self, run: Run) -> None:
        """Carry out the commands of an execution until it waits or has ended."""
        execution = run.execution
        while execution.status == "RUNNING":
            commands = execution.commands()
            if not commands:
                return
            for command in commands:
                if execution.status == "RUNNING":
                    self._carry_out(run, command)
        if not run.has_ended:
            self._ended(run)

    def _carry_out(self, run: Run, command: Command) -> None:
        if isinstance(command, StartTimer):
            self._schedule(run, command.due, TimerFired(command.id))
        elif isinstance(command, CancelCommand):
            self._cancel(run, command.id)
        elif command.id not in run.cancelled:
            if isinstance(command, InvokeTask):
                self._invoke(run, command)
            else:
                self.give(run, command.id, self._answer(run, command, self.answers.find(command)))

    # ---- tasks

    def _invoke(self, run: Run, task: InvokeTask) -> None:
        """Answer a task by what was given for it, by the API of Step Functions, or by the default."""
        if task.task_token is not None:
            self.tokens[task.task_token] = (run, task.id)
        answer = self.answers.given(task)
        if answer is NOTHING:
            if self._api is not None and (not run.execution.is_waiting(task.id) or self._api.call(run, task)):
                return
            answer = self.answers.default
        if task.task_token is not None or ".sync" in task.integration:
            self._submit(run, task)
            if not run.execution.is_waiting(task.id):
                return  # cancelled by another task's failure, or the history is full
        if task.timeout_seconds is None:
            self.give(run, task.id, self._answer(run, task, answer))
        else:
            self._call(run, task, answer, task.timeout_seconds)

    def _submit(self, run: Run, task: InvokeTask) -> None:
        """What comes before the answer of a job, a callback or an activity."""
        if not run.execution.is_waiting(task.id):
            return
        is_activity = task.resource == task.integration and ":activity:" in task.resource
        run.execution.receive(TaskSubmitted(task.id, None if is_activity else _SUBMITTED), now=self.now)
        if is_activity:
            run.execution.receive(TaskStarted(task.id, WORKER_NAME), now=self.now)

    def _call(self, run: Run, task: InvokeTask, answer: object, limit: int) -> None:
        """Call the answer, and give what it returns unless it is late: then the time-out follows in virtual time."""
        if limit >= SAME_THREAD_FROM_SECONDS:
            start = time.monotonic()
            result = self._answer(run, task, answer)
            if time.monotonic() - start <= limit:
                self.give(run, task.id, result)
        else:
            call = TimedCall(lambda: self._answer(run, task, answer), limit)
            try:
                result = call.answer(PATIENCE_SECONDS)
            except TimeoutError:
                self._slow.append((run, task, call))
                return
            self.give(run, task.id, result)

    def _answer(self, run: Run, command: AnswerableCommand, answer: object) -> CommandResult | Delayed:
        if answer is NOTHING:
            return unanswered_result(command, self.answers)
        return self.answers.result(command, answer, execution=run.execution.name)

    def _wait_for_slow(self, run: Run, task: InvokeTask, call: TimedCall[CommandResult | Delayed]) -> None:
        if not run.execution.is_waiting(task.id):
            return
        try:
            result = call.answer()
        except TimeoutError:
            return  # its time-out follows in virtual time
        self.give(run, task.id, result)
        self._mark_ready(run)

    # ---- facts

    def give(self, run: Run, command_id: str, result: CommandResult | Delayed) -> None:
        """Give a result to the execution now, or schedule it."""
        if not isinstance(result, Delayed):
            run.execution.receive(result, now=self.now)
            return
        end = self.now + result.seconds
        if result.fact is not None:
            self._schedule(run, end, result.fact)
        else:
            run.live[command_id] = next(self._numbers)
        if result.heartbeat_every is not None:
            self._schedule_heartbeat(run, command_id, (result.heartbeat_every, end))

    def receive(self, run: Run, fact: Fact) -> None:
        """Give a fact to an execution whose commands are carried out later."""
        if run.execution.status == "RUNNING":
            run.execution.receive(fact, now=self.now)
            self._mark_ready(run)

    def _mark_ready(self, run: Run) -> None:
        if not run.is_ready:
            run.is_ready = True
            self._ready.append(run)

    def _schedule(self, run: Run, due: float, fact: CommandResult | TimerFired) -> None:
        number = run.live[fact.id] = next(self._numbers)
        heapq.heappush(self._scheduled, (due, number, run, fact, None))

    def _schedule_heartbeat(self, run: Run, command_id: str, heartbeats: Heartbeats) -> None:
        """Schedule the next of the heartbeats (seconds between two, end)."""
        every, end = heartbeats
        if self.now + every < end:
            number = next(self._numbers)
            heapq.heappush(self._scheduled, (self.now + every, number, run, TaskHeartbeat(command_id), heartbeats))

    def _happen_next(self) -> None:
        """Let what is due next happen."""
        due, number, run, fact, heartbeats = heapq.heappop(self._scheduled)
        if heartbeats is None:
            if run.live.get(fact.id) != number:
                return
            del run.live[fact.id]
        elif fact.id not in run.live:
            return
        if run.has_ended or not (type(fact) is TimerFired or run.execution.is_waiting(fact.id)):
            return  # the task's token was sent back by another
        if due > self.now:
            if self._wait is not None:
                self._wait(self.runs[0].execution, due - self.now)
            self.now = due
        if heartbeats is not None:
            self._schedule_heartbeat(run, fact.id, heartbeats)
        run.execution.receive(fact, now=self.now)
        self._step(run)

    def _cancel(self, run: Run, command_id: str) -> None:
        """Forget a command. A child that a `.sync` task waits for is stopped, as on AWS."""
        child = run.children.pop(command_id, None)
        if child is not None:
            child.caller = None
            self.receive(child, ExecutionAborted())
        elif run.live.pop(command_id, None) is None:
            run.cancelled.add(command_id)

    def _ended(self, run: Run) -> None:
        """Stop the children that a `.sync` task waited for, and tell the caller."""
        run.has_ended = True
        self._open -= 1
        if run.children:
            for command_id in list(run.children):
                self._cancel(run, command_id)
        if run.caller is not None:
            caller, task = run.caller
            caller.children.pop(task.id, None)
            self.receive(caller, end_of(run, task))


def _never_ends(execution: Execution) -> ConfigurationError:
    """The error for an execution in which nothing is going to happen: what it waits for has no answer."""
    waiting = ", ".join(printable(each) for each in execution.waiting_ids)
    return ConfigurationError(
        f"the execution waits forever for an answer to {waiting}: give one, or the state a TimeoutSeconds"
    )
