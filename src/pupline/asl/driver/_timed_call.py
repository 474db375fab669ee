"""Calls with a time limit: one that hangs is left behind in its own thread."""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")
_Work = Callable[[], None]


class _CallThread:
    """A thread that runs one call after another, until None ends it."""

    def __init__(self) -> None:
        self.work: SimpleQueue[_Work | None] = SimpleQueue()
        self.done: SimpleQueue[None] = SimpleQueue()
        threading.Thread(target=self._run, name="pupline-task", daemon=True).start()

    def _run(self) -> None:
        while (work := self.work.get()) is not None:
            work()
            self.done.put(None)


_own = threading.local()


class TimedCall(Generic[T]):
    """A running call of `function`, in another thread, with the caller's context variables.

    Each calling thread keeps one worker thread. A late call keeps its worker, which ends with it: Python cannot stop a
    thread. seconds: of real time that the call may take in all.
    """

    def __init__(self, function: Callable[[], T], seconds: float) -> None:
        self._function = function
        self._deadline = time.monotonic() + seconds
        self._answers: list[T] = []
        self._problems: list[BaseException] = []
        self._context = contextvars.copy_context()
        worker: _CallThread | None = getattr(_own, "worker", None)
        self._worker = worker or _CallThread()
        _own.worker = self._worker
        self._worker.work.put(self._work)

    def _work(self) -> None:
        try:
            self._answers.append(self._context.run(self._function))
        except BaseException as problem:  # noqa: BLE001 - raised again in the caller's thread
            self._problems.append(problem)

    def answer(self, seconds: float = float("inf")) -> T:
        """The function's result; raises its exception, or TimeoutError after `seconds` or the time limit.

        After a TimeoutError it may be called again.
        """
        left = max(0.0, self._deadline - time.monotonic())
        try:
            self._worker.done.get(timeout=min(seconds, left))
        except Empty:
            if getattr(_own, "worker", None) is self._worker:
                _own.worker = None  # the next call gets a thread that is free
                self._worker.work.put(None)
            raise TimeoutError("no answer in time") from None
        if self._problems:
            raise self._problems[0]
        return self._answers[0]
