"""Ctrl-C and SIGTERM for every command: the first one interrupts, or stops a run; the second one ends the process.

At the second signal a cleanup, a system call or a thread that is waited for may hang. A thread of its own therefore
receives the signals as they arrive, and ends the process unless it ends by itself in a moment. That loses no more than
any kill; worker processes end with this one.
"""

import os
import signal
import threading
import time
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130
"""The exit code of a command that was interrupted."""

PATIENCE_SECONDS = 5.0
"""Time for cleaning up after the second signal. A third one ends the process at once."""

_SHOW_CURSOR = b"\x1b[?25h"
_SIGNALS = frozenset({signal.SIGINT, signal.SIGTERM})


def end_on_signals() -> None:
    """Make both signals raise KeyboardInterrupt in the main thread, and the second end the process in any case."""
    receiver, sender = os.pipe()
    os.set_blocking(sender, False)
    signal.set_wakeup_fd(sender, warn_on_full_buffer=False)
    for number in _SIGNALS:
        signal.signal(number, _interrupt)
    threading.Thread(target=_listen, args=(receiver,), name="pupline-signals", daemon=True).start()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _listen(receiver: int) -> NoReturn:
    received = 0
    while True:
        received += sum(number in _SIGNALS for number in os.read(receiver, 64))
        if received > 2:
            _end()
        if received == 2:
            threading.Thread(target=_end_later, name="pupline-end", daemon=True).start()


def _end_later() -> NoReturn:
    time.sleep(PATIENCE_SECONDS)
    _end()


def _end() -> NoReturn:
    os.write(2, (_SHOW_CURSOR if os.isatty(2) else b"") + b"\npupline: interrupted\n")
    os._exit(INTERRUPTED)
