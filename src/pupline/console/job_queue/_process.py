"""The process of a job, seen through the files in its directory: it may have been started by an earlier console."""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pupline.console.job_queue import _supervisor
from pupline.console.job_queue._job import JobOutput
from pupline.console.job_queue._supervisor import start_of
from pupline.local import WAIT_VARIABLE


@dataclass(frozen=True, slots=True)
class ProcessState:
    """What is known of a job's process.

    has_begun: its command was started, or was about to be. is_alive: it, or what supervises it, has not ended.
    exit_code: None while it runs, and where it ended without anybody to see it. process: the command's ID.
    """

    has_begun: bool
    is_alive: bool
    started_at: float | None
    ended_at: float | None
    exit_code: int | None
    process: int | None


class Supervisor(subprocess.Popen[bytes]):
    """The process that supervises a command. It may outlive this one, which is no reason for a ResourceWarning."""

    def __del__(self) -> None:
        """Leave it as it is."""


class JobProcess:
    """The process of the job whose files are in `directory`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def prepare(self, given: str | None) -> None:
        """Make the directory, empty but for what the command reads. Raises: OSError."""
        self.remove()
        self._directory.mkdir(parents=True, mode=0o700)
        if given is not None:
            (self._directory / "input").write_text(given, encoding="utf-8")

    def remove(self) -> None:
        """Remove the directory, if it is there. Raises: OSError."""
        if self._directory.exists():
            shutil.rmtree(self._directory)

    def start(self, program: Sequence[str], directory: str, *, wait: bool) -> Supervisor | None:
        """Start the program, supervised. Returns the supervisor; None where one is there already. Raises: OSError.

        directory: the working directory. wait: for the lock of the data directory.
        """
        lock = self._lock()
        if lock is None:
            return None
        try:
            return Supervisor(
                [sys.executable, "-I", _supervisor.__file__, str(self._directory), str(lock), *program],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                pass_fds=(lock,),
                cwd=directory,
                env={**os.environ, **({WAIT_VARIABLE: "1"} if wait else {})},
            )
        finally:
            os.close(lock)

    def state(self) -> ProcessState:
        """The state now. Raises: OSError."""
        lock = self._lock()  # before the files: what is alive may end in between, but not begin
        if lock is not None:
            os.close(lock)
        started, process, result = self._directory / "started", self._read("process"), self._read("result")
        return ProcessState(
            has_begun=started.exists(),
            is_alive=lock is None,
            started_at=started.stat().st_mtime if started.exists() else None,
            ended_at=result.get("ended_at"),
            exit_code=result.get("exit_code"),
            process=process.get("process"),
        )

    def signal(self, number: signal.Signals) -> bool:
        """Send a signal to the command and its workers, as Ctrl-C does; whether there was something to send it to."""
        state, found = self.state(), self._read("process")
        if not state.is_alive or state.exit_code is not None or state.process is None:
            return False
        if start_of(state.process) != found["start"]:  # another process that got its number
            return False
        try:
            os.killpg(state.process, number)
        except ProcessLookupError:
            return False
        return True

    def note(self, text: str) -> None:
        """Add a line of the console's own to the output. Raises: OSError."""
        with (self._directory / "head").open("a", encoding="utf-8") as file:
            file.write(text)

    def output(self) -> JobOutput:
        """What the command has written. Raises: OSError."""
        head, before, tail = (self._bytes(name) for name in ("head", "tail.before", "tail"))
        left_out = int(self._bytes("left_out") or b"0")
        if not left_out:
            head, before, tail = head + before + tail, b"", b""
        return JobOutput(head.decode("utf-8", "replace"), (before + tail).decode("utf-8", "replace"), left_out)

    def last_line(self) -> str:
        """The last whole line of the output; empty where there is none. Raises: OSError."""
        text = (self._bytes("tail") or self._bytes("head"))[-2000:]
        lines = text.decode("utf-8", "replace").splitlines()
        return lines[-1] if lines else ""

    def size(self) -> int:
        """Bytes of output so far, within the bounds."""
        found = (self._directory / name for name in ("head", "tail.before", "tail", "left_out"))
        return sum(path.stat().st_size for path in found if path.exists())

    def _bytes(self, name: str) -> bytes:
        path = self._directory / name
        return path.read_bytes() if path.exists() else b""

    def _read(self, name: str) -> Mapping[str, Any]:
        text = self._bytes(name)
        return json.loads(text) if text else {}

    def _lock(self) -> int | None:
        """A descriptor that holds the job's lock; None while its process holds it."""
        descriptor = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor
