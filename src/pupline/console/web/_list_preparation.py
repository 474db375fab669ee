"""A thread that keeps the index of the lists up to date, with the lowest priority."""

import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress

from pupline.backends import Backend
from pupline.errors import PuplineError, local_trouble

_PAUSE_SECONDS = 30.0
"""Until the next look, where nothing was left to do."""

_NICENESS = 15


class ListPreparation:
    """Calls `prepare` of the lists again and again. It works for at most half of the time, so that others have theirs.

    What it cannot do now it tries again later: the lists are complete without it.
    """

    def __init__(self, reader: Callable[[], AbstractContextManager[Backend]]) -> None:
        self._reader = reader
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="pupline-list-index", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, after the piece that is being worked on."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        if sys.platform == "linux":  # elsewhere the priority is one of the whole process
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), _NICENESS)
        pause = 0.5
        while not self._stopping.wait(pause):
            began = time.monotonic()
            has_more = self._prepared_some()
            pause = time.monotonic() - began if has_more else _PAUSE_SECONDS

    def _prepared_some(self) -> bool:
        try:
            with self._reader() as backend:
                return backend.pages.prepare()
        except Exception as error:
            if not isinstance(error, PuplineError) and local_trouble(error) is None:
                raise
            return False  # a database that cannot be read now is what every page says
