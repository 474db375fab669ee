"""Parallel: several threads on the same input; the results in the order of the branches."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pupline.asl._errors import DataLimitExceeded
from pupline.asl._fork import Fork
from pupline.asl._history import plain
from pupline.asl._thread import Thread
from pupline.asl.states._base import State, path_or_none
from pupline.asl.states._catch import CatchingState
from pupline.json_values import AnyJSON

if TYPE_CHECKING:
    from pupline.asl._execution import Execution

_STARTED = plain("ParallelStateStarted")
_SUCCEEDED = plain("ParallelStateSucceeded")
_FAILED = plain("ParallelStateFailed")


class ParallelFork(Fork):
    """The branches of one attempt."""

    __slots__ = ()

    def first(self, index: int) -> State:
        """The first state of a branch."""
        state = self.state_of
        assert isinstance(state, ParallelState)  # noqa: S101 - it has made this fork
        return state.branches[index]

    def succeeded(self, execution: Execution, child: Thread) -> None:
        """When the last branch has ended, the parent goes on from there."""
        super().succeeded(execution, child)
        if not self.live:
            self.parent.last = child.last
            execution.make_ready(self.parent, _join)


def _join(execution: Execution, thread: Thread) -> State | None:
    fork, thread.child = thread.child, None
    assert fork is not None  # noqa: S101 - only a fork makes its parent ready to join
    thread.events.append((_SUCCEEDED, thread.last, execution.now))
    state = thread.state
    assert state is not None  # noqa: S101 - as above
    if execution.size_quota.exceeds(fork.results):
        raise DataLimitExceeded(state.name)
    return state.leave(execution, thread, fork.results)


class ParallelState(CatchingState):
    """Parallel."""

    __slots__ = ("arguments", "branches", "input_path")

    type = "Parallel"

    def __init__(
        self,
        name: str,
        definition: dict[str, AnyJSON],
        *,
        jsonata: bool,
        compile_branch: Callable[..., State],
    ) -> None:
        super().__init__(name, definition, jsonata=jsonata)
        self.branches = [
            compile_branch(branch, "Branches", number) for number, branch in enumerate(definition["Branches"])
        ]
        self.input_path = None if jsonata else path_or_none(definition, "InputPath")
        self.arguments = self.compile_field(definition, "Arguments" if jsonata else "Parameters")

    def start(self, execution: Execution, thread: Thread) -> State | None:
        """Start all branches; they run when this thread has stopped running."""
        value = self._value(execution, thread)
        events = thread.events
        events.append((_STARTED, thread.last, execution.now))
        thread.last = len(events)
        fork = ParallelFork(thread, len(self.branches))
        prefix = thread.command_id(self.key)
        for index, branch in enumerate(self.branches):
            execution.make_ready(fork.child(index, value, prefix, thread.last), branch.enter)
        return None

    def _value(self, execution: Execution, thread: Thread) -> AnyJSON:
        value = thread.raw
        if self.jsonata:
            return value if self.arguments is None else self.arguments(self.jsonata_scope(execution, thread))
        if self.input_path is not None:
            value = self.input_path(self.scope(execution, thread, value))
        return value if self.arguments is None else self.arguments(self.scope(execution, thread, value))

    def abandon(self, execution: Execution, thread: Thread) -> None:
        """Write ParallelStateFailed, after the last attempt only."""
        thread.events.append((_FAILED, thread.last, execution.now))
        thread.last = len(thread.events)
