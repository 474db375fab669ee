"""Measuring: rates, peak memory, a new process for each part, and a description of the machine."""

import contextlib
import multiprocessing
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build"
"""Where measurements put their data: on the project's disk, because /tmp may be in memory."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Figure:
    """One row. what: the workload. who: the engine or the variant. value: None if there is none; `note` says why."""

    what: str
    who: str
    value: float | None
    unit: str
    note: str = ""


def spacious_directory() -> Path:
    """A directory for directories with thousands of files, one for each measurement.

    ext4 puts each of its subdirectories into another part of the disk (TOPDIR flag). In one part they would slow each
    other down for minutes after many files were removed, because recently freed inodes are skipped one by one.
    """
    directory = BUILD / "bench"
    directory.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(OSError):
        subprocess.run(["chattr", "+T", str(directory)], capture_output=True, check=False)
    return directory


def isolated(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """The result of `function` in a new process, so that no part slows another down or adds to its memory."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(function, *args, **kwargs).result()


def rate(run: Callable[[], object], *, seconds: float = 1.0, rounds: int = 3) -> float:
    """Calls per second: the best of `rounds` that take about `seconds` each, after a short warm-up."""
    count = 1
    while (taken := _seconds_of(run, count)) < seconds / 20:
        count *= 4
    count = max(1, int(count * seconds / taken))
    return count / min(_seconds_of(run, count) for _ in range(rounds))


def _seconds_of(run: Callable[[], object], count: int) -> float:
    start = time.perf_counter()
    for _ in range(count):
        run()
    return time.perf_counter() - start


def peak_bytes() -> int:
    """Peak resident memory of this process. Linux only: getrusage would include the parent's."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError("/proc/self/status has no VmHWM")


def machine() -> str:
    """CPU, cores, Python, disk and load of the machine."""
    load = os.getloadavg()[0]
    cores = os.cpu_count()
    return (
        f"{_cpu()}, {cores} cores, {_memory_gib():.0f} GiB; {platform.system()} {platform.release()}; "
        f"{platform.python_implementation()} {platform.python_version()}; fsync {1e3 * _fsync_seconds():.2f} ms; "
        f"load when it began {load:.1f}" + (" (busy: figures are lower than they could be)" if load > 0.5 else "")
    )


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _fsync_seconds(times: int = 50) -> float:
    """The median time to make 4 KiB durable."""
    BUILD.mkdir(exist_ok=True)
    taken = []
    with tempfile.TemporaryFile(dir=BUILD) as file:
        for _ in range(times):
            start = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            taken.append(time.perf_counter() - start)
    return sorted(taken)[times // 2]
