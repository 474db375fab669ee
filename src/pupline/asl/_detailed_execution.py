"""An execution whose child executions can be looked at, while it runs and afterwards."""

from __future__ import annotations

from pupline.asl import _history as history
from pupline.asl._execution import Execution, Status
from pupline.asl._texts import Texts
from pupline.asl._thread import Frame, Thread
from pupline.asl.states import MapRun, child_arn
from pupline.json_values import AnyJSON


class ChildExecution:
    """One child execution of a Map Run, and its history.

    index: of its item or batch, from 0. item_count: the number of items in its batch, or 1.
    """

    __slots__ = ("arn", "cause", "error", "frame", "index", "item_count", "map_run_arn", "output",
                 "state_machine_arn", "status", "stop_time")  # fmt: skip

    def __init__(self, frame: Frame, machine_arn: str, run: MapRun, index: int) -> None:
        self.frame = frame
        self.arn = child_arn(machine_arn, run, frame.name)
        self.state_machine_arn = f"{machine_arn}/{run.label}"
        self.map_run_arn = run.arn
        self.index = index
        self.item_count = 1 if run.fork is None else run.fork.sizes.get(index, 1)
        self.status: Status = "RUNNING"
        self.output: AnyJSON = None
        self.error: str | None = None
        self.cause: str | None = None
        self.stop_time: float | None = None

    @property
    def name(self) -> str:
        """The execution's name."""
        return self.frame.name

    @property
    def input(self) -> AnyJSON:
        """The execution's input."""
        return self.frame.input

    @property
    def start_time(self) -> float:
        """When it was started; seconds since the epoch."""
        return self.frame.start

    @property
    def history(self) -> list[dict[str, AnyJSON]]:
        """Its events so far, in the shape of GetExecutionHistory."""
        return history.render(self.frame.events, Texts())

    def end(self, status: Status, last: int, now: float, ending: tuple[AnyJSON, ...]) -> None:
        """Set the end, and write its event after the event `last`. ending: the output, or error and cause."""
        self.status, self.stop_time = status, now
        if status == "SUCCEEDED":
            (self.output,) = ending
            self.frame.events.append((history.EXECUTION_SUCCEEDED, last, now, *ending))
        else:
            self.error, self.cause = ending
            self.frame.events.append((history.END_EVENTS[status], last, now, *ending))


class DetailedExecution(Execution):
    """An Execution that keeps the child executions of its Map Runs, with their histories.

    children: ARN of a Map Run -> index -> child execution. It takes memory for every event of every child, which is why
    the plain Execution drops a child that has ended.
    """

    __slots__ = ("children",)

    def _begin(self) -> None:
        self.children: dict[str, dict[int, ChildExecution]] = {}
        super()._begin()

    def child_changed(self, run: MapRun, child: Thread, status: Status, *ending: AnyJSON) -> None:
        """Keep the child, or its end; a child that is redriven begins again, or continues its history."""
        children = self.children.setdefault(run.arn, {})
        kept = children.get(child.index)
        if status != "RUNNING" and kept is not None:
            kept.end(status, child.last, self.now, ending)
        else:
            children[child.index] = ChildExecution(child.frame, self.machine_arn, run, child.index)
