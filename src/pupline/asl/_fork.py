"""Threads inside a state: the branches of a Parallel, the iterations of a Map.

A fork lives as long as one attempt of its state. When a child fails, the others are stopped at once: what they wait for
is cancelled, and the history says that their states were aborted. All those events, like the ...Failed of the state
itself, point at the event the failing child ended with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pupline.asl._errors import TIMEOUT
from pupline.asl._history import Event, plain
from pupline.asl._thread import Thread
from pupline.json_values import AnyJSON

if TYPE_CHECKING:
    from pupline.asl._execution import Execution
    from pupline.asl.states import State

_ABORTED = {kind: plain(f"{kind}StateAborted") for kind in ("Task", "Wait", "Parallel", "Map")}


class Fork:
    """One attempt of a state that holds threads.

    parent: the thread that is in the state. results: by index. live: children that were started and have not ended.
    dead: children that have failed or were stopped, for a redrive.
    """

    __slots__ = ("dead", "live", "parent", "results", "state_of")

    def __init__(self, parent: Thread, size: int) -> None:
        self.parent = parent
        self.results: list[AnyJSON] = [None] * size
        self.live: dict[int, Thread] = {}
        self.dead: dict[int, Thread] = {}
        self.state_of = parent.state
        parent.child = self
        parent.wreck = None

    def child(self, index: int, value: AnyJSON, prefix: str, last: int) -> Thread:
        """A new thread in this fork. It sees the parent's variables; what it assigns is its own."""
        parent = self.parent
        thread = Thread(parent.frame, value, f"{prefix}/{index}/", parent.variables, last)
        thread.fork = self
        thread.index = index
        thread.item = parent.item
        self.live[index] = thread
        return thread

    def succeeded(self, execution: Execution, child: Thread) -> None:  # noqa: ARG002 - subclasses need it
        """A child has ended with `child.value`."""
        self.results[child.index] = child.value
        del self.live[child.index]

    def failed(self, execution: Execution, child: Thread, error: str | None, cause: str | None) -> None:
        """A child has failed: stop the others, then let the parent's state fail."""
        parent = self.parent
        self.time_out_siblings(execution, child, error)
        self.note_failed(execution, child)
        if child.state is not None and child.state.type == "Task":
            child.events.append((_ABORTED["Task"], child.last, execution.now))
        self.dead[child.index] = self.live.pop(child.index)
        self.stop(execution, child.last)
        parent.last = child.last
        following = execution.state_failed(parent, error, cause)
        if following is not None:
            execution.make_ready(parent, following.enter)

    def time_out_siblings(self, execution: Execution, child: Thread, error: str | None) -> None:
        """When a time-out fails the fork, the tasks that are as late as that one have timed out too, says AWS."""
        if error != TIMEOUT:
            return
        for thread in self.live.values():
            if thread is not child and thread.deadline is not None and thread.deadline <= execution.now:
                state = thread.state
                if state is not None and state.catching is not None:
                    state.catching.note_timed_out(execution, thread)

    def note_failed(self, execution: Execution, child: Thread) -> None:
        """Write what says that the child failed; nothing for a branch."""

    def note_aborted(self, execution: Execution, child: Thread, cause: int) -> None:
        """Write what says that a child was stopped; nothing for a branch."""

    def stop(self, execution: Execution, cause: int) -> None:
        """Stop all children; `cause` is the id of the event that their last ones point at."""
        for thread in self.live.values():
            execution.cancel_all(thread)
            self.note_aborted(execution, thread, cause)
            if thread.child is not None:
                thread.child.stop(execution, cause)
            if thread.state is not None and (kind := _ABORTED.get(thread.state.type)) is not None:
                event: Event = (kind, cause, execution.now)
                thread.events.append(event)
        self.freeze(execution)

    def freeze(self, execution: Execution) -> None:
        """Stop all children without a word, and keep them for a redrive."""
        for thread in self.live.values():
            thread.stopped = True
            execution.cancel_all(thread)
            if thread.child is not None:
                thread.child.freeze(execution)
        self.dead.update(self.live)
        self.live.clear()
        self.parent.child = None
        self.parent.wreck = self

    def first(self, index: int) -> State:
        """The first state of a child."""
        raise NotImplementedError

    def revive(self, execution: Execution, last: int) -> None:
        """Redrive: let the children that did not succeed go on; `last` is the event they follow."""
        parent = self.parent
        parent.child, parent.wreck = self, None
        self.live.update(sorted(self.dead.items()))
        self.dead.clear()
        for thread in list(self.live.values()):
            revive(execution, thread, last)


def revive(execution: Execution, thread: Thread, last: int) -> None:
    """Redrive a thread: its forks' children, or else the state that it was in, do again what did not succeed."""
    thread.stopped = False
    fork, state = thread.wreck, thread.state
    if state is None:
        assert thread.fork is not None  # noqa: S101 - the execution's own thread has always a state
        execution.make_ready(thread, thread.fork.first(thread.index).enter)
    elif fork is not None and fork.state_of is state:
        fork.revive(execution, last)
    else:
        thread.last = last
        execution.make_ready(thread, state.again)
