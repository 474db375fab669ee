"""Start and end of worker processes, as the coordinator sees them.

Imports little: all of it is loaded before the first process starts.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from pupline.errors import ConfigurationError

_END_SECONDS = 5.0

# sys.path is passed on: the worker imports the same pupline, and nothing from the current directory.
_BOOT = """import sys
sys.path[:] = sys.argv[2:]
try:
    from pupline.bulk._worker import main
except (ImportError, MemoryError, OSError) as err:
    if isinstance(err, ImportError) and "segment" not in str(err):
        raise
    import os
    os._exit(os.EX_OSERR)
main(int(sys.argv[1]))
"""

# A body that the allocator takes from the system and gives back, image after image, costs its page faults each time:
# half as much as its hashing. These are glibc's variables; other libraries ignore them.
_ALLOCATOR = {
    "MALLOC_TRIM_THRESHOLD_": str(64 << 20),
    "MALLOC_TOP_PAD_": str(16 << 20),
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
}


@dataclass(frozen=True, slots=True)
class WorkerProcess:
    """A process that waits for its settings at the other end of `sock`."""

    process: subprocess.Popen[bytes]
    sock: socket.socket

    @classmethod
    def start(cls) -> "WorkerProcess":
        """A new one. Raises: ConfigurationError."""
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = subprocess.Popen(  # noqa: S603 - our own interpreter and program
                    [sys.executable, "-c", _BOOT, str(theirs.fileno()), *sys.path],
                    pass_fds=(theirs.fileno(),),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    env={**os.environ, **_ALLOCATOR},
                    process_group=0,  # Ctrl-C is for the coordinator
                )
            except OSError as err:
                ours.close()
                raise ConfigurationError(
                    f"a worker process cannot be started ({err.strerror}); look at the limits of processes and memory, "
                    "or try --workers 1"
                ) from err
        return cls(process, ours)

    def end(self) -> int:
        """Close its socket and wait for its end, or kill it. Its exit status."""
        self.sock.close()
        try:
            return self.process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


WorkerFactory: TypeAlias = Callable[[], WorkerProcess]
"""Gives a worker process that is new, or still booting. Raises: ConfigurationError."""


@dataclass(slots=True)
class PrestartedWorkers:
    """Processes that were started, and not taken yet."""

    _waiting: list[WorkerProcess] = field(default_factory=list)

    def start(self, count: int) -> None:
        """Start so many. Raises: ConfigurationError."""
        for _ in range(count):
            self._waiting.append(WorkerProcess.start())

    def take(self) -> WorkerProcess:
        """One of them, or a new one. Raises: ConfigurationError."""
        return self._waiting.pop() if self._waiting else WorkerProcess.start()

    def close(self) -> None:
        """End those that were not taken."""
        for waiting in self._waiting:
            waiting.end()
        self._waiting.clear()


def worker_count(concurrency: int, workers: int | None) -> int:
    """How many processes to use for so many requests at once: one for each CPU at most, with four threads each.

    workers: the user's number; more than one for each request would be useless.
    """
    if workers is not None:
        return min(workers, concurrency)
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(cpus, -(-concurrency // 4)))
