"""Seconds, CPU and memory of a command and of all processes it starts. Linux only: reads /proc."""

import contextlib
import os
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import IO

SAMPLE_SECONDS = 0.25
"""How often memory is sampled. A sample costs about 2 ms per 100 MB, on the cores that are being measured."""

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """One run of a command. seconds: from exec to exit. cpu_seconds: user and system, with all descendants.

    peak_bytes: the most that the process tree held at once; shared memory is counted once.
    """

    status: int
    seconds: float
    cpu_seconds: float
    peak_bytes: int


def run_measured(
    command: Sequence[str], log: Path, *, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Usage:
    """Run a command to its end, with its output in the file `log`."""
    with log.open("wb") as output:
        start = time.perf_counter()
        process = _started(command, output, env, cwd)
        with _MemoryWatch(process.pid) as watch:
            _, status, used = os.wait4(process.pid, 0)
            seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
    return Usage(process.returncode, seconds, used.ru_utime + used.ru_stime, watch.peak_bytes)


def median_usage(usages: Sequence[Usage]) -> Usage:
    """The median of each figure. status: the worst."""
    return Usage(
        max(usage.status for usage in usages),
        median(usage.seconds for usage in usages),
        median(usage.cpu_seconds for usage in usages),
        int(median(usage.peak_bytes for usage in usages)),
    )


def cpu_seconds_of(pid: int) -> float:
    """User and system time so far of a process and its living children."""
    return sum(_own_cpu_seconds(one) for one in tree(pid))


def tree(pid: int) -> Iterator[int]:
    """A process and its living descendants."""
    yield pid
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from tree(int(child))


def _started(
    command: Sequence[str], output: IO[bytes], env: Mapping[str, str] | None, cwd: Path | None
) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, **(env or {})}
    return subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment, cwd=cwd
    )


def _own_cpu_seconds(pid: int) -> float:
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS
    return 0.0


class _MemoryWatch:
    """Samples the memory of a process tree in a thread, within a `with` block."""

    def __init__(self, pid: int) -> None:
        self.peak_bytes = 0
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> "_MemoryWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while True:
            self.peak_bytes = max(self.peak_bytes, sum(_proportional_bytes(pid) for pid in tree(self._pid)))
            if self._ended.wait(SAMPLE_SECONDS):
                return


def _proportional_bytes(pid: int) -> int:
    """Resident memory in which a page that n processes share counts 1/n for each."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
