"""Writes the files of a run in a thread while the other threads wait for the network, so that its end is short."""

import threading
from typing import TYPE_CHECKING

from pupline.local import LocalBackend

if TYPE_CHECKING:
    from pupline.bulk._outputs import RunOutputs


class OutputsAhead:
    """The thread, which is started at once. Close it: what was not taken is dropped.

    It loads the modules that the end needs, too: pyarrow alone takes a fifth of a second.
    """

    def __init__(self, backend: LocalBackend, run_id: str) -> None:
        self._backend = backend
        self._run_id = run_id
        self._outputs: RunOutputs | None = None
        self._changed = threading.Event()
        self._is_over = False
        self._thread = threading.Thread(target=self._work, name="pupline-outputs", daemon=True)
        self._thread.start()

    def more_done(self) -> None:
        """More items are done. Returns at once."""
        self._changed.set()

    def take(self) -> "RunOutputs":
        """The files as far as they are written. The caller closes them. Raises: StorageError."""
        from pupline.bulk._outputs import RunOutputs

        self._stop()
        outputs, self._outputs = self._outputs, None
        return outputs or RunOutputs(self._backend, self._run_id)

    def close(self) -> None:
        """Drop what was written and not taken. Idempotent."""
        self._stop()
        if self._outputs:
            self._outputs.close()

    def _stop(self) -> None:
        self._is_over = True
        self._changed.set()
        self._thread.join()

    def _work(self) -> None:
        try:
            from pupline.bulk._outputs import RunOutputs
            from pupline.parquet import why_unavailable

            why_unavailable()
            while self._has_more():
                self._outputs = self._outputs or RunOutputs(self._backend, self._run_id)
                self._outputs.advance(lambda: self._is_over)
        except Exception:  # noqa: BLE001 - the end writes all of it again, and raises what is still wrong then
            outputs, self._outputs = self._outputs, None
            if outputs:
                outputs.close()

    def _has_more(self) -> bool:
        """Wait until more items are done; False when nothing is to be written here any more."""
        self._changed.wait()
        self._changed.clear()
        return not self._is_over
