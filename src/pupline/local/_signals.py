"""Ctrl-C and SIGTERM during a run."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass(frozen=True, slots=True)
class StopRequested:
    """Ctrl-C or SIGTERM arrived. Emitted within the signal handler: a listener should do little."""


@contextmanager
def stopping_on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop`, within the handler, on the first Ctrl-C or SIGTERM; a second one raises KeyboardInterrupt.

    Outside this block each one does, by the command line's own handlers. In any thread but the main one nothing is
    changed: only the main thread may have handlers.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    is_requested = False

    def handle(_number: int, _frame: FrameType | None) -> None:
        nonlocal is_requested
        if is_requested:
            raise KeyboardInterrupt
        is_requested = True
        stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
