"""Waiting in real time, with what is waited for on stderr."""

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from pupline.asl import Execution
from pupline.cli._output import message
from pupline.cli._progress import duration
from pupline.text import printable

_TELL_FROM_SECONDS = 2.0
_STEP_SECONDS = 0.2
_CLEAR_LINE = "\r\x1b[K"


@dataclass(frozen=True)
class Pacing:
    """scale: of all waits; None for virtual time, in which they take none."""

    scale: float | None
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic

    def wait(self, execution: Execution, seconds: float) -> None:
        """Wait for `seconds` of the execution's time."""
        real = seconds * (self.scale or 0)
        what = f"{_where(execution)}: {duration(seconds)}"
        if self.scale != 1:
            what += f", in {real:.1f} s"
        if not sys.stderr.isatty():
            if real >= _TELL_FROM_SECONDS:
                message(f"waiting in {what}")
            self.sleep(real)
            return
        end = self.clock() + real
        try:
            while (left := end - self.clock()) > 0:
                sys.stderr.write(f"{_CLEAR_LINE}waiting in {what}, {duration(left)} left")
                sys.stderr.flush()
                self.sleep(min(left, _STEP_SECONDS))
        finally:
            sys.stderr.write(_CLEAR_LINE)
            sys.stderr.flush()


def _where(execution: Execution) -> str:
    """The states that the execution waits in, from the ids of its commands."""
    names = {each.rpartition("@")[0].rpartition("/")[2] for each in execution.waiting_ids if "@" in each}
    for escaped, sign in (("%2F", "/"), ("%40", "@"), ("%23", "#"), ("%25", "%")):
        names = {name.replace(escaped, sign) for name in names}
    shown = sorted(names)[:3]
    return printable(", ".join(shown)) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
