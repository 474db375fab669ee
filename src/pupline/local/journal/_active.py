"""Executions in memory: they receive facts and give commands. Nothing is visible until the turn is committed."""

from collections import Counter

from pupline.asl import (
    CancelCommand,
    Command,
    Fact,
    InvokeTask,
    TaskFailed,
    TaskHeartbeat,
    TaskStarted,
    TaskSubmitted,
    TaskSucceeded,
)
from pupline.local.alerts import LocalTopic, PublishFailed
from pupline.local.database import storable
from pupline.local.journal._events import ExecutionFinished, TaskAttemptFailed
from pupline.local.journal._timers import Alarms
from pupline.local.journal._turn import ActiveExecution, Turn

_PUBLISH = "arn:aws:states:::sns:publish"


class ActiveExecutions:
    """Executions by id and by name, with their open calls and timers. finished: how many ended, by status.

    poisoned: names of executions at which the engine had an internal error.
    """

    def __init__(self, topic: LocalTopic | None, poisoned: set[str]) -> None:
        self._topic = topic
        self.poisoned = poisoned
        self.by_id: dict[int, ActiveExecution] = {}
        self.by_name: dict[str, ActiveExecution] = {}
        self.open_calls: set[tuple[int, str]] = set()
        self.alarms: Alarms[tuple[int, str]] = Alarms()
        self.finished: Counter[str] = Counter()

    def add(self, active: ActiveExecution, commands: list[Command], turn: Turn) -> None:
        """Take an execution into memory, with the commands that it waits for."""
        self.enter(active)
        self._collect(active, commands, turn)

    def enter(self, active: ActiveExecution) -> None:
        """Take an execution into memory that has ended, to be redriven."""
        self.by_id[active.execution_id] = active
        self.by_name[active.core.name] = active

    def answer(self, active: ActiveExecution, fact: Fact, turn: Turn) -> None:
        """Give the execution the answer to a command, unless it no longer waits for it."""
        command_id = getattr(fact, "id", "")
        if self.by_id.get(active.execution_id) is not active or command_id not in active.waiting:
            return
        command = active.waiting[command_id]
        if isinstance(fact, TaskSubmitted):
            active.submitted[command_id] = fact.output
        elif isinstance(fact, TaskStarted):
            active.taken.add(command_id)
        elif not isinstance(fact, TaskHeartbeat):
            del active.waiting[command_id]
            active.forget_progress(command_id)
        self.open_calls.discard((active.execution_id, command_id))
        if isinstance(fact, TaskFailed) and isinstance(command, InvokeTask):
            turn.events.append(TaskAttemptFailed(active.core.name, command.state, fact.error, fact.cause))
        self.receive(active, fact, turn, getattr(command, "resource", None))

    def receive(self, active: ActiveExecution, fact: Fact, turn: Turn, resource: str | None = None) -> None:
        """Journal the fact, give it to the core, and collect its new commands. resource: of an answered task."""
        now = active.last_now = max(turn.at.now, active.last_now)  # a clock that was set back must not undo the order
        if active.has_facts:
            turn.facts.append((active.execution_id, active.facts, now, resource, fact, active.worked(turn.at)))
        active.facts += 1
        try:
            active.core.receive(fact, now=now)
        except Exception:  # a bug of ours: the turn is lost, and this execution is not driven again
            self.poisoned.add(active.core.name)
            raise
        self._collect(active, active.core.commands(), turn)

    def _collect(self, active: ActiveExecution, commands: list[Command], turn: Turn) -> None:
        """Note the execution's commands, or that it has ended."""
        for command in commands:
            if isinstance(command, CancelCommand):
                cancelled = active.waiting.pop(command.id, None)
                active.forget_progress(command.id)
                self._forget_command(active, command.id)
                if isinstance(cancelled, InvokeTask):
                    turn.cancelled.append((active.core.name, cancelled))
            else:
                active.waiting[command.id] = command
                turn.commands.append((active, command))
        if active.api is not None and active.is_durable and len(active.core.map_runs) > active.map_runs:
            new = active.core.map_runs[active.map_runs :]
            turn.map_runs.extend((storable(run.arn), active.execution_id) for run in new)
            active.map_runs += len(new)
        if active.core.status != "RUNNING":
            self._end(active, turn)

    def publish(self, turn: Turn) -> None:
        """Publish within the turn that gives the command: publishing means rows in the same transaction."""
        if self._topic is None:
            return
        for active, command in turn.commands:  # grows in this loop, by what the executions want next
            if not isinstance(command, InvokeTask) or command.resource != _PUBLISH:
                continue
            if active.waiting.get(command.id) is not command:
                continue
            try:
                alert = self._topic.prepare(active.core.name, command.id, command.payload)
            except PublishFailed as err:
                fact: Fact = TaskFailed(command.id, err.error, str(err))
            else:
                turn.alerts.append(alert)
                fact = TaskSucceeded(command.id, {"MessageId": alert.message_id})
            self.answer(active, fact, turn)

    def _end(self, active: ActiveExecution, turn: Turn) -> None:
        core = active.core
        turn.ended.append(active)
        self.finished[core.status] += 1
        turn.events.append(
            ExecutionFinished(
                execution=core.name,
                run_id=active.run_id,
                status=core.status,
                output=core.output,
                error=core.error,
                cause=core.cause,
                start_time=core.start_time,
                stop_time=active.last_now,
            )
        )

    def remove(self, active: ActiveExecution) -> None:
        """Drop an execution that has ended, once that is committed: until then its name is taken."""
        for command_id in active.waiting:
            self._forget_command(active, command_id)
        del self.by_id[active.execution_id]
        del self.by_name[active.core.name]

    def _forget_command(self, active: ActiveExecution, command_id: str) -> None:
        self.open_calls.discard((active.execution_id, command_id))
        self.alarms.cancel((active.execution_id, command_id))
