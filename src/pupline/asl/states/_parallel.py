"""Parallel: several threads on the same input; the results in the order of the branches."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pupline.asl._errors import DataLimitExceeded
from pupline.asl._fork import Fork
from pupline.asl._history import EventKind
from pupline.asl._thread import Thread
from pupline.asl.states._base import State
from pupline.asl.states._catch import CatchingState
from pupline.json_values import AnyJSON

if TYPE_CHECKING:
    from pupline.asl._execution import Execution

_STARTED = EventKind("ParallelStateStarted")
_SUCCEEDED = EventKind("ParallelStateSucceeded")
_FAILED = EventKind("ParallelStateFailed")


class ParallelFork(Fork["ParallelState"]):
    """The branches of one attempt."""

    __slots__ = ()

    def first(self, index: int) -> State:
        """The first state of a branch."""
        return self.state.branches[index]

    def succeeded(self, execution: Execution, child: Thread) -> None:
        """When the last branch has ended, the parent continues from its last event."""
        super().succeeded(execution, child)
        if not self.running:
            self.parent.last = child.last
            execution.make_ready(self.parent, self.state.join)


class ParallelState(CatchingState):
    """Parallel."""

    __slots__ = ("arguments", "branches")

    type = "Parallel"

    def __init__(
        self, name: str, definition: dict[str, AnyJSON], *, jsonata: bool, compile_branch: Callable[..., State]
    ) -> None:
        super().__init__(name, definition, jsonata=jsonata)
        self.branches = [
            compile_branch(branch, "Branches", number) for number, branch in enumerate(definition["Branches"])
        ]
        self.arguments = self.compile_field(definition, "Arguments" if jsonata else "Parameters")

    def start(self, execution: Execution, thread: Thread) -> State | None:
        """Start all branches; they run when this thread has stopped running."""
        if self.arguments is None:
            value = self.effective_input(execution, thread)
        else:
            value = self.arguments(self.input_scope(execution, thread))
        thread.write(_STARTED, execution.now)
        fork = ParallelFork(self, thread, len(self.branches))
        prefix = thread.command_id(self.key)
        for index, branch in enumerate(self.branches):
            execution.make_ready(fork.child(index, value, prefix, thread.last), branch.enter)
        return None

    def join(self, execution: Execution, thread: Thread) -> State | None:
        """Leave with the results: all branches have succeeded."""
        fork, thread.child = thread.child, None
        assert fork is not None  # noqa: S101 - only a fork makes its parent ready to join
        thread.events.append((_SUCCEEDED, thread.last, execution.now))
        if execution.texts.exceeds_quota(fork.results):
            raise DataLimitExceeded(self.name)
        return self.leave(execution, thread, fork.results)

    def write_state_failed(self, execution: Execution, thread: Thread) -> None:
        """Write ParallelStateFailed, after the last attempt only."""
        thread.write(_FAILED, execution.now)
