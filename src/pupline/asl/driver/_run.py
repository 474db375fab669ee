"""One execution of a simulation."""

from __future__ import annotations

from pupline.asl._commands import InvokeTask
from pupline.asl._context import execution_arn
from pupline.asl._execution import Execution


class Run:
    """An execution of a simulation.

    depth: how many executions started one another before this one.
    live: command id -> the number of what is scheduled for it. Anything else that is scheduled was cancelled or
    replaced. cancelled: commands that were cancelled while nothing was scheduled for them.
    is_ready: its commands are to be carried out. has_ended: its end has been reported.
    caller: the Run and the task that wait for the end of this one. children: those of this one, by command id.
    """

    __slots__ = ("caller", "cancelled", "children", "depth", "execution", "has_ended", "is_ready", "live")

    def __init__(self, execution: Execution, depth: int = 0) -> None:
        self.execution = execution
        self.depth = depth
        self.live: dict[str, int] = {}
        self.cancelled: set[str] = set()
        self.children: dict[str, Run] = {}
        self.caller: tuple[Run, InvokeTask] | None = None
        self.is_ready = False
        self.has_ended = False

    @property
    def arn(self) -> str:
        """The execution's ARN."""
        execution = self.execution
        return execution_arn(execution.machine.type, execution.machine_arn, execution.name)
