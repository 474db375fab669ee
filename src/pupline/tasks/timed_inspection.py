"""Looking at an image for no longer than its deadline allows, whatever its bytes make a walker do.

A thread cannot be ended from outside, but Python code in it can be interrupted: an exception that another thread sets
is raised before its next instruction. So one thread watches over all that look at images, and those that take too long
get one. Code that never comes back to Python is not reached by that: none of ours does that with bytes from outside,
and `pupline ingest` ends a worker process that says nothing any more.
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
"""What an inspection has at least, where the body took nearly all of the time: a thousand times what it needs."""

_LOOK_SECONDS = 0.1
_Made = TypeVar("_Made")


class _TimeUp(BaseException):
    """Raised in a thread that looks at an image for too long. No Exception, so that no walker takes it for its own."""


class _Look:
    """One piece of work under watch. thread: who does it. due: on the monotonic clock."""

    __slots__ = ("due", "is_over", "thread")

    def __init__(self, seconds: float) -> None:
        self.thread = threading.get_ident()
        self.due = time.monotonic() + seconds
        self.is_over = False


class _Watch:
    """The thread that interrupts. It begins at the first work, and never ends.

    `_lock` is held while an exception is set and while work is taken off: it is never set for work that is over.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looks: dict[_Look, None] = {}
        self._thread: threading.Thread | None = None

    def within(self, seconds: float, work: Callable[[], _Made]) -> _Made:
        """What `work` gives. Raises: what it raises; _TimeUp after so many seconds."""
        look = _Look(seconds)
        self._looks[look] = None
        if self._thread is None:
            self._begin()
        try:
            return work()
        finally:
            self._remove(look)

    def _begin(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._interrupt, name="pupline-inspection", daemon=True)
                self._thread.start()

    def _remove(self, look: _Look) -> None:
        with self._lock:
            self._looks.pop(look, None)
            if look.is_over:
                _set_exception(look.thread, None)  # set, and not raised yet: it must not be raised in other work

    def _interrupt(self) -> None:
        while True:
            time.sleep(_LOOK_SECONDS)
            with self._lock:
                now = time.monotonic()
                for look in [look for look in list(self._looks) if look.due <= now]:
                    self._looks.pop(look, None)
                    look.is_over = True
                    _set_exception(look.thread, _TimeUp)


_watch = _Watch()


def inspect_within(seconds: float, body: bytes, *, max_pixels: int) -> Inspection:
    """What `body` is, as `pupline.images.inspect`.

    Raises: InspectionTimeout after so many seconds; InspectionFailed for whatever else goes wrong, which is trouble of
    this image alone: memory that it asks for in vain, say, is there for the next one.
    """
    try:
        return _watch.within(max(seconds, MIN_INSPECTION_SECONDS), lambda: inspect(body, max_pixels=max_pixels))
    except _TimeUp:
        raise InspectionTimeout(
            f"its {len(body):,} bytes could not be looked through in the time for it; look at the image, and please "
            "report it as a mistake in pupline"
        ) from None
    except Exception as err:
        if isinstance(err, RuntimeError) and (trouble := local_trouble(err)):  # no thread for the watch
            raise trouble from err
        raise InspectionFailed(
            f"its {len(body):,} bytes could not be looked through ({type(err).__name__}: {printable(str(err), 80)}); "
            "please report the image as a mistake in pupline"
        ) from err


def _set_exception(thread: int, kind: type[BaseException] | None) -> None:
    """Have it raised in the thread before its next instruction; None: have nothing raised after all."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(kind) if kind else None)
