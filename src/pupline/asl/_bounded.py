"""Call a function and wait for it for some seconds at most: what hangs is left behind, in a thread of its own."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import TypeVar

T = TypeVar("T")
_Work = Callable[[], None]


class _Worker:
    """A thread that does one thing after another, until it is told to end."""

    def __init__(self) -> None:
        self.work: SimpleQueue[_Work | None] = SimpleQueue()
        self.done: SimpleQueue[None] = SimpleQueue()
        threading.Thread(target=self._run, name="pupline-task", daemon=True).start()

    def _run(self) -> None:
        while (work := self.work.get()) is not None:
            work()
            self.done.put(None)

    def carry_out(self, work: _Work, seconds: float) -> bool:
        """Do `work`; whether it ended in time. If not, the worker ends when the work does."""
        self.work.put(work)
        try:
            self.done.get(timeout=seconds)
        except Empty:
            self.work.put(None)
            return False
        return True


_own = threading.local()


def within(seconds: float, function: Callable[[], T]) -> T:
    """What `function` returns, or raises; TimeoutError when it takes longer than `seconds` of real time.

    It runs in another thread (one is kept for each calling thread), with the caller's context variables. When it is
    late it goes on there and nobody waits for it: Python cannot stop a thread.
    """
    answers: list[T] = []
    problems: list[BaseException] = []
    context = contextvars.copy_context()

    def work() -> None:
        try:
            answers.append(context.run(function))
        except BaseException as problem:  # noqa: BLE001 - raised again below, in the caller's thread
            problems.append(problem)

    worker: _Worker | None = getattr(_own, "worker", None)
    if worker is None:
        worker = _own.worker = _Worker()
    if not worker.carry_out(work, seconds):
        _own.worker = None
        raise TimeoutError(f"no answer within {seconds} s")
    if problems:
        raise problems[0]
    return answers[0]
