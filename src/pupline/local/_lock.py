"""One process at a time runs executions on a data directory.

The lock is `flock` on a file, not the file's existence: the kernel lets go of it when its holder ends, however it
ended, so there are no stale locks. The process id inside is only for the message.
"""

import fcntl
import os
from pathlib import Path

from pupline.errors import ConfigurationError


class DirectoryLock:
    """Holds `<data directory>/lock` until `release`."""

    def __init__(self, data_dir: Path) -> None:
        """Take the lock. Raises: ConfigurationError, naming the process that has it."""
        self.path = data_dir / "lock"
        try:
            self._file = self.path.open("a+", encoding="ascii")
        except OSError as err:
            raise ConfigurationError(
                f"{self.path} cannot be opened for writing ({err.strerror}): look at the directory and its permissions"
            ) from err
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as err:
            holder = _process_in(self.path)
            self._file.close()
            if not isinstance(err, BlockingIOError):
                raise ConfigurationError(f"{self.path} cannot be locked: {err.strerror}") from err
            raise ConfigurationError(
                f"{data_dir} is in use by another pupline{holder}; wait for it, stop it, "
                "or give another data directory with --data"
            ) from err
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def release(self) -> None:
        """Let go. Harmless when done twice. The file stays: removing it would race with the next one to lock it."""
        self._file.close()


def _process_in(path: Path) -> str:
    text = path.read_text(encoding="ascii", errors="replace").strip()
    return f" (process {text})" if text.isdigit() else ""
