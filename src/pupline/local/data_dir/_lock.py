"""The lock of a data directory: one process at a time runs executions in it.

The lock is `flock` on a file, not the file's existence: the kernel releases it when its holder ends, however that
happens, so there are no stale locks. The process id in the file is only for the message.
"""

import fcntl
import os
import sys
from contextlib import suppress
from pathlib import Path

from pupline.errors import ConfigurationError, DirectoryInUse, local_trouble

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC

WAIT_VARIABLE = "PUPLINE_WAIT"
"""In the environment, with any value: wait for the lock where another process has it. The console's jobs do."""

WAITING = "; waiting for it"
"""The end of the line on stderr that says so."""


class DirectoryLock:
    """Holds `<data directory>/lock` until `release`."""

    def __init__(self, data_dir: Path) -> None:
        """Take the lock. Raises: ConfigurationError, naming the process that has it; DirectoryInUse."""
        self.path = data_dir / "lock"
        try:
            self._descriptor = os.open(self.path, _FLAGS, 0o666)
        except OSError as err:
            trouble = local_trouble(err)
            reason = trouble.message if trouble else f"{err.strerror}; look at the directory and its permissions"
            raise ConfigurationError(f"{self.path} cannot be opened for writing: {reason}") from err
        try:
            self._take(data_dir, wait=bool(os.environ.get(WAIT_VARIABLE)))
        except BaseException:
            self.release()
            raise
        # On a full disk the lock holds all the same; the next necessary write will report the disk.
        with suppress(OSError):
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def _take(self, data_dir: Path, *, wait: bool) -> None:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as err:
            in_use = f"{data_dir} is in use by another pupline{self._holder()}"
            if not wait:
                raise DirectoryInUse(
                    f"{in_use}; wait for it, stop it, or give another data directory with --data"
                ) from err
            _say(f"{in_use}{WAITING}")
            fcntl.flock(self._descriptor, fcntl.LOCK_EX)
            _say(f"{data_dir} is free now")
        except OSError as err:
            raise ConfigurationError(
                f"{self.path} cannot be locked: {err.strerror}; if it is on a network file system, give a data "
                "directory on a disk of this machine with --data"
            ) from err

    def release(self) -> None:
        """Release the lock. Idempotent. The file stays: removing it would race with the next process that locks it."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _holder(self) -> str:
        text = os.pread(self._descriptor, 20, 0).decode("ascii", "replace").strip()
        return f" (process {text})" if text.isdigit() else ""


def _say(text: str) -> None:
    sys.stderr.write(f"pupline: {text}\n")
    sys.stderr.flush()
