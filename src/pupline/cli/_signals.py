"""Ctrl-C and SIGTERM for every command: the first one interrupts, or has a run stop; the second one always ends.

Whatever hangs at the second, a cleanup, a system call that does not return, a thread that somebody waits for: a thread
of its own hears signals as they arrive, and ends the process when it has not ended by itself in a moment. Nothing is
lost by that, as by any kill; worker processes end with this one.
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
"""How long a command may clean up after the second signal. At a third one it ends at once."""

_SHOW_CURSOR = b"\x1b[?25h"
_ASKED = frozenset({signal.SIGINT, signal.SIGTERM})


def end_on_signals() -> None:
    """Have both signals raise KeyboardInterrupt in the main thread, and the second end the process in any case."""
    receiver, sender = os.pipe()
    os.set_blocking(sender, False)
    signal.set_wakeup_fd(sender, warn_on_full_buffer=False)
    for number in _ASKED:
        signal.signal(number, _interrupt)
    threading.Thread(target=_listen, args=(receiver,), name="pupline-signals", daemon=True).start()


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _listen(receiver: int) -> NoReturn:
    heard = 0
    while True:
        heard += sum(number in _ASKED for number in os.read(receiver, 64))
        if heard > 2:
            _end()
        if heard == 2:
            threading.Thread(target=_end_later, name="pupline-end", daemon=True).start()


def _end_later() -> NoReturn:
    time.sleep(PATIENCE_SECONDS)
    _end()


def _end() -> NoReturn:
    os.write(2, (_SHOW_CURSOR if os.isatty(2) else b"") + b"\npupline: interrupted\n")
    os._exit(INTERRUPTED)
