"""The process between the console and a command: it starts it once, keeps its output within bounds, records its end.

Run as a script, with the standard library alone: `python -I _supervisor.py DIRECTORY LOCK PROGRAM...`. It outlives the
console, so that a command's end is known even when the console was killed.

LOCK is the inherited descriptor of the job's lock, which the console took: it is held until this process and the
command have ended. `started` is created once, before the command; where it exists already the command has begun, or
was about to, and is not begun a second time. `result` appears with a rename, before the command's process is reaped:
as long as it is missing and the lock is held, the process id in `process` is the command's.
"""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from pupline.files import sync_directory

HEAD_BYTES = 256 * 1024
TAIL_BYTES = 256 * 1024
"""Kept of the output: its begin, and at least so much of its end."""

_PAUSES = (*(0.1,) * 10, *(1.0,) * 600)
"""Seconds between attempts to write how a command ended."""

CANNOT_START = 126
_SIGNAL_BASE = 128


class Output:
    """The files `head`, `tail` and `tail.before` in a directory, which stay within the bounds."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._head = (directory / "head").open("ab", buffering=0)
        self._tail: BinaryIO | None = None
        self._room = HEAD_BYTES
        self._left_out = 0

    def write(self, data: bytes) -> None:
        """Keep the bytes. Raises: OSError."""
        first, rest = data[: self._room], data[self._room :]
        if first:
            self._head.write(first)
            self._room -= len(first)
        if rest:
            self._write_tail(rest)

    def _write_tail(self, data: bytes) -> None:
        tail = self._directory / "tail"
        if self._tail is None:
            self._tail = tail.open("ab", buffering=0)
        if self._tail.tell() + len(data) > TAIL_BYTES:
            self._tail.close()
            before = self._directory / "tail.before"
            self._left_out += before.stat().st_size if before.exists() else 0
            (self._directory / "left_out").write_text(str(self._left_out))
            tail.rename(before)
            self._tail = tail.open("ab", buffering=0)
        self._tail.write(data)


def write_durably(path: Path, value: object) -> None:
    """Write JSON so that the file is either absent or whole."""
    temporary = path.with_name(f"{path.name}.new")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(value, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(path)


def start_of(process: int) -> str:
    """What tells the process from a later one with its number: the time it started, in ticks; empty where unknown."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def supervise(directory: Path, lock: int, program: list[str]) -> None:
    """Run the program to its end, unless it was started before. Raises: OSError."""
    try:
        output = _begun(directory)
    except FileExistsError:
        return
    given = directory / "input"
    try:
        with (given if given.exists() else Path(os.devnull)).open("rb") as standard_input:
            child = subprocess.Popen(  # noqa: S603 - without a shell
                program,
                stdin=standard_input,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                process_group=0,
                pass_fds=(lock,),
            )
    except OSError as err:
        with suppress(OSError):
            output.write(f"pupline: {program[0]} cannot be started: {err.strerror}\n".encode())
        _write_result(directory, CANNOT_START)
        return
    with suppress(OSError):  # on a full disk the command runs all the same, and cannot be stopped from the console
        write_durably(directory / "process", {"process": child.pid, "start": start_of(child.pid)})
    if child.stdout is not None:
        _pump(child.stdout.fileno(), output)
    ended = os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    status = 1 if ended is None else ended.si_status
    is_signal = ended is not None and ended.si_code != os.CLD_EXITED
    code = status + _SIGNAL_BASE if is_signal else status
    _write_result(directory, code)
    child.wait()


def _begun(directory: Path) -> Output:
    """The output of a command that counts as begun from now on. Raises: FileExistsError where it did before; OSError.

    After any other error it has not begun, and the console starts it again.
    """
    mark = directory / "started"
    started = os.open(mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        try:
            os.write(started, str(time.time()).encode())
            os.fsync(started)
        finally:
            os.close(started)
        sync_directory(directory)  # with the mark, a power cut would take the memory that it has begun
        return Output(directory)
    except OSError:
        mark.unlink()
        raise


def _write_result(directory: Path, exit_code: int) -> None:
    """Write how the command ended. On a full disk it waits for some room, for a while."""
    result = {"exit_code": exit_code, "ended_at": time.time()}
    for pause in _PAUSES:
        try:
            write_durably(directory / "result", result)
        except OSError:
            time.sleep(pause)
        else:
            return


def _pump(pipe: int, output: Output) -> None:
    """Copy the output. On a full disk the rest is read and dropped: the command must not fail for it."""
    while data := os.read(pipe, 65536):
        try:
            output.write(data)
        except OSError:
            continue


def main() -> None:
    """Supervise the command that the arguments name. Signals do not end it: it ends with its command."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda _number, _frame: None)  # SIG_IGN would be inherited by the command
    supervise(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])


if __name__ == "__main__":
    main()
