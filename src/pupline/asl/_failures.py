"""What follows a failure: Retry, Catch, the failure of the thread (rules 3 to 6 and 11 of `_execution`)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pupline.asl import _history as history
from pupline.asl._errors import (
    QUERY_EVALUATION_ERROR,
    RUNTIME,
    TIMEOUT,
    DataLimitExceeded,
    EvaluationError,
    TimestampProblem,
)
from pupline.asl._limits import HISTORY_FULL, MAX_EXPRESS_EVENTS
from pupline.asl._thread import Thread

if TYPE_CHECKING:
    from pupline.asl._execution import Execution
    from pupline.asl.states import State


def handle(
    execution: Execution, thread: Thread, error: str | None, cause: str | None, *, heartbeat: bool = False
) -> State | None:
    """Retry, catch or fail: the thread's current state has failed. Returns the next state, if it runs at once."""
    try:
        return _retry_or_catch(execution, thread, error, cause, heartbeat=heartbeat)
    except EvaluationError as problem:  # of a Catcher's own Output, Assign or ResultPath, which nothing handles
        execution.thread_failed(thread, problem.error, _report(execution, thread, problem))
        return None


def _retry_or_catch(
    execution: Execution, thread: Thread, error: str | None, cause: str | None, *, heartbeat: bool
) -> State | None:
    state = thread.state
    assert state is not None  # noqa: S101 - a thread without a state has not begun
    catching = state.catching
    if catching is not None and error != RUNTIME:
        if catching.retriers and catching.schedule_retry(execution, thread, error, heartbeat=heartbeat):
            return None
        catcher = catching.catcher_for(error, heartbeat=heartbeat)
        if catcher is not None:
            catching.write_state_failed(execution, thread)
            return catching.catch(execution, thread, catcher, error, cause)
    if error != RUNTIME:
        state.write_state_failed(execution, thread)
    execution.thread_failed(thread, error, cause)
    return None


def evaluation_failed(execution: Execution, thread: Thread, problem: EvaluationError) -> State | None:
    """An expression of the thread's current state has failed (rules 5 and 6)."""
    execution.cancel_all(thread)
    if thread.child is not None:
        thread.child.stop(execution, thread.last)
    return handle(execution, thread, problem.error, _report(execution, thread, problem))


def _report(execution: Execution, thread: Thread, problem: EvaluationError) -> str:
    """Write EvaluationFailed for JSONata; the full cause."""
    state = thread.state
    assert state is not None  # noqa: S101 - only states hold expressions
    if isinstance(problem, DataLimitExceeded):
        return problem.cause
    entered = thread.entered
    cause = f"An error occurred while executing the state '{state.name}' (entered at the event id #{entered}). "
    cause += problem.cause
    if problem.error == QUERY_EVALUATION_ERROR:
        before = entered if isinstance(problem, TimestampProblem) else thread.before
        values = (problem.error, cause, state.name, problem.location)
        thread.events.append((history.EVALUATION_FAILED, before, execution.now, *values))
        thread.last = len(thread.events)
    return cause


def fill_history(execution: Execution, thread: Thread) -> None:
    """End the execution that the thread belongs to, the whole one or a child, as its history is full (rule 11)."""
    while thread.fork is not None and thread.fork.parent.frame is thread.frame:
        thread = thread.fork.parent
    fork = thread.fork
    if fork is None:
        execution.history_filled()
        return
    if fork.running.get(thread.index) is not thread:
        return  # its last event was the last one that there was room for
    most = thread.frame.max_events
    del thread.events[most - 1 :]
    thread.last = len(thread.events)
    execution.cancel_all(thread)
    if thread.child is not None:
        thread.child.freeze(execution)
    if most == MAX_EXPRESS_EVENTS:
        fork.failed(execution, thread, TIMEOUT, None)
    else:
        fork.failed(execution, thread, RUNTIME, HISTORY_FULL)
