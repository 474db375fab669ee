"""Ctrl-C and SIGTERM, for whatever runs on one machine."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType


@dataclass(frozen=True, slots=True)
class StopRequested:
    """Ctrl-C or SIGTERM was heard. Told from within the signal handler: whoever hears it should do little."""


@contextmanager
def stopping_on_signals(stop: Callable[[], None]) -> Iterator[None]:
    """Have the first Ctrl-C or SIGTERM call `stop`, from within the handler; a second one raises KeyboardInterrupt.

    So does each one outside of this, where the command line has it so; that it also ends what hangs is its doing.
    In another thread than the main one nothing is changed: only that one may have handlers.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    asked = False

    def handle(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True
        stop()

    before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
