"""Inspecting an image within a deadline, whatever its bytes make the code do.

A thread cannot be stopped from outside, but Python code in it can be interrupted: an exception that another thread sets
is raised before the next instruction. One watchdog thread does that to all inspections that take too long. It cannot
interrupt code that never returns to Python. None of ours passes bytes from outside to such code, and `pupline ingest`
ends a worker process that no longer responds.
"""

import ctypes
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from pupline.errors import InspectionFailed, InspectionTimeout, local_trouble
from pupline.images import Inspection, inspect
from pupline.text import printable

MIN_INSPECTION_SECONDS = 1.0
"""The least time for an inspection, where the request took nearly all of it: a thousand times what one needs. Also what
it may still compute when its time is up: a busy machine, or one that was suspended, may have given it none of it."""

_CHECK_SECONDS = 0.1
_Result = TypeVar("_Result")


class _TimeUp(BaseException):
    """Raised in a thread whose inspection takes too long. Not an Exception, so that no inspection catches it."""


class _WatchedCall:
    """One call under the watchdog. thread: its thread. due: on the monotonic clock.

    cpu_due: on the thread's own clock, once the other is past; None before.
    """

    __slots__ = ("cpu_due", "due", "is_interrupted", "thread")

    def __init__(self, seconds: float) -> None:
        self.thread = threading.get_ident()
        self.due = time.monotonic() + seconds
        self.is_interrupted = False
        self.cpu_due: float | None = None

    def is_over(self) -> bool:
        """Whether the call has had its time, and has computed for long since. Call it while the thread exists."""
        if self.due > time.monotonic():
            return False
        if not hasattr(time, "pthread_getcpuclockid"):  # macOS
            return True
        computed = time.clock_gettime(time.pthread_getcpuclockid(self.thread))
        if self.cpu_due is None:
            self.cpu_due = computed + MIN_INSPECTION_SECONDS
        return computed >= self.cpu_due


class _Watchdog:
    """The thread that interrupts. It starts with the first call and never ends.

    `_lock` is held while an exception is set and while a call is removed, so no exception is set after its call.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls: dict[_WatchedCall, None] = {}
        self._thread: threading.Thread | None = None

    def within(self, seconds: float, work: Callable[[], _Result]) -> _Result:
        """The result of `work`. Raises: what it raises; _TimeUp after so many seconds."""
        call = _WatchedCall(seconds)
        self._calls[call] = None
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(target=self._interrupt, name="pupline-inspection", daemon=True)
                    self._thread.start()
        try:
            return work()
        finally:
            with self._lock:
                self._calls.pop(call, None)
                if call.is_interrupted:
                    _set_exception(call.thread, None)  # set but not yet raised: it must not be raised in other work

    def _interrupt(self) -> None:
        while True:
            time.sleep(_CHECK_SECONDS)
            with self._lock:
                for call in [call for call in list(self._calls) if call.is_over()]:
                    self._calls.pop(call, None)
                    call.is_interrupted = True
                    _set_exception(call.thread, _TimeUp)


_watchdog = _Watchdog()


def inspect_within(seconds: float, body: bytes, *, max_pixels: int) -> Inspection:
    """The inspection of `body`, as `pupline.images.inspect`.

    Raises: InspectionTimeout after so many seconds; InspectionFailed for any other error, which concerns this image
    only: the next one may have the memory that this one asked for.
    """
    try:
        return _watchdog.within(max(seconds, MIN_INSPECTION_SECONDS), lambda: inspect(body, max_pixels=max_pixels))
    except _TimeUp:
        raise InspectionTimeout(
            f"the inspection of its {len(body):,} bytes did not end in time; look at the image, and please report it "
            "as a bug in pupline"
        ) from None
    except Exception as err:
        if isinstance(err, RuntimeError) and (trouble := local_trouble(err)):  # no thread for the watchdog
            raise trouble from err
        raise InspectionFailed(
            f"the inspection of its {len(body):,} bytes failed ({type(err).__name__}: {printable(str(err), 80)}); "
            "please report the image as a bug in pupline"
        ) from err


def _set_exception(thread: int, kind: type[BaseException] | None) -> None:
    """Raise it in the thread before its next instruction; None: cancel what was set."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(kind) if kind else None)
