"""Threads inside a state: the branches of a Parallel, the iterations of a Map.

A fork lives as long as one attempt of its state. When a child fails, the others are stopped at once: their commands are
cancelled, and the history says that their states were aborted. All those events, like the ...Failed of the state
itself, point at the failing child's last event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from pupline.asl._errors import TIMEOUT
from pupline.asl._history import EventKind
from pupline.asl._thread import Thread
from pupline.json_values import AnyJSON

if TYPE_CHECKING:
    from pupline.asl._execution import Execution
    from pupline.asl.states import State

ForkState = TypeVar("ForkState", bound="State")

_ABORTED = {kind: EventKind(f"{kind}StateAborted") for kind in ("Task", "Wait", "Parallel", "Map")}


class Fork(Generic[ForkState]):
    """One attempt of a state that holds threads.

    parent: the thread that is in the state. results: by index. running: children that were started and have not ended.
    unsuccessful: children that have failed or were stopped, for a redrive.
    """

    __slots__ = ("parent", "results", "running", "state", "unsuccessful")

    def __init__(self, state: ForkState, parent: Thread, size: int) -> None:
        self.state = state
        self.parent = parent
        self.results: list[AnyJSON] = [None] * size
        self.running: dict[int, Thread] = {}
        self.unsuccessful: dict[int, Thread] = {}
        parent.child = self
        parent.failed_fork = None

    def child(self, index: int, value: AnyJSON, prefix: str, last: int) -> Thread:
        """A new thread in this fork. It reads the parent's variables, but its Assign does not change them."""
        parent = self.parent
        thread = Thread(parent.frame, value, f"{prefix}/{index}/", parent.variables, last)
        thread.fork = self
        thread.index = index
        thread.item = parent.item
        self.running[index] = thread
        return thread

    def succeeded(self, execution: Execution, child: Thread) -> None:  # noqa: ARG002 - subclasses need it
        """A child has ended with `child.value`."""
        self.results[child.index] = child.value
        del self.running[child.index]

    def failed(self, execution: Execution, child: Thread, error: str | None, cause: str | None) -> None:
        """A child has failed: stop the others, then fail the parent's state."""
        parent = self.parent
        if error == TIMEOUT:
            self._time_out_siblings(execution, child)
        self.write_failed(execution, child)
        if child.state is not None and child.state.type == "Task":
            child.events.append((_ABORTED["Task"], child.last, execution.now))
        self.unsuccessful[child.index] = self.running.pop(child.index)
        self.stop(execution, child.last)
        parent.last = child.last
        following = execution.state_failed(parent, error, cause)
        if following is not None:
            execution.make_ready(parent, following.enter)

    def _time_out_siblings(self, execution: Execution, child: Thread) -> None:
        """AWS also writes ...TimedOut for the other tasks whose deadline has passed when one fails the fork."""
        for thread in self.running.values():
            if thread is not child and thread.deadline is not None and thread.deadline <= execution.now:
                state = thread.state
                if state is not None and state.catching is not None:
                    state.catching.write_timed_out(execution, thread)

    def write_failed(self, execution: Execution, child: Thread) -> None:
        """Write the child's ...Failed event; a branch has none."""

    def write_aborted(self, execution: Execution, child: Thread, cause: int) -> None:
        """Write the child's ...Aborted event; a branch has none."""

    def stop(self, execution: Execution, cause: int) -> None:
        """Stop all children; `cause` is the id of the event that their last ones point at."""
        for thread in self.running.values():
            execution.cancel_all(thread)
            self.write_aborted(execution, thread, cause)
            if thread.child is not None:
                thread.child.stop(execution, cause)
            if thread.state is not None and (kind := _ABORTED.get(thread.state.type)) is not None:
                thread.events.append((kind, cause, execution.now))
        self.freeze(execution)

    def freeze(self, execution: Execution) -> None:
        """Stop all children without writing events, and keep them for a redrive."""
        for thread in self.running.values():
            thread.stopped = True
            execution.cancel_all(thread)
            if thread.child is not None:
                thread.child.freeze(execution)
        self.unsuccessful.update(self.running)
        self.running.clear()
        self.parent.child = None
        self.parent.failed_fork = self

    def first(self, index: int) -> State:
        """The first state of a child."""
        raise NotImplementedError

    def resume(self, execution: Execution, last: int) -> None:
        """Redrive the children that did not succeed; `last` is the event that they follow."""
        parent = self.parent
        parent.child, parent.failed_fork = self, None
        self.running.update(sorted(self.unsuccessful.items()))
        self.unsuccessful.clear()
        for thread in list(self.running.values()):
            resume(execution, thread, last)


def resume(execution: Execution, thread: Thread, last: int) -> None:
    """Redrive a thread: the children of its failed fork, or else the state that it was in."""
    thread.stopped = False
    fork, state = thread.failed_fork, thread.state
    if state is None:
        assert thread.fork is not None  # noqa: S101 - the execution's own thread always has a state
        execution.make_ready(thread, thread.fork.first(thread.index).enter)
    elif fork is not None and fork.state is state:
        fork.resume(execution, last)
    else:
        thread.last = last
        execution.make_ready(thread, state.redrive)
