"""Memory and speed of `pupline ingest` with a hundred and a thousand times as many items.

The items are tiny, so that a million of them take minutes; each is fetched, checked, stored and audited.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.ingesting import PUPLINE
from benchmarks.measure import ROOT, Figure, spacious_directory
from benchmarks.processes import Usage, run_measured
from benchmarks.tiny_server import name

FEW, MANY, MILLION = 1_000, 100_000, 1_000_000


def flat(counts: Sequence[int] = (FEW, MANY)) -> list[Figure]:
    """Peak memory of the process tree, and the rate, for each number of items."""
    directories = [Path(tempfile.mkdtemp(prefix="growth-", dir=spacious_directory())) for _ in counts]
    try:
        with _server() as origin:
            measured = zip(counts, directories, strict=True)
            return [_figure(count, _ingest(directory, origin, count)) for count, directory in measured]
    finally:
        for directory in directories:
            shutil.rmtree(directory)


def million() -> list[Figure]:
    """The same for a million."""
    return flat((MILLION,))


@contextmanager
def _server() -> Iterator[str]:
    """The origin of the tiny pictures, served by another process."""
    command = [sys.executable, "-m", "benchmarks.tiny_server"]
    server = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert server.stdin is not None
    assert server.stdout is not None
    try:
        yield server.stdout.readline().strip()
    finally:
        server.stdin.close()
        server.stdout.close()
        server.wait(timeout=10)


def _ingest(directory: Path, origin: str, count: int) -> Usage:
    urls, data = directory / "urls.txt", directory / "data"
    with urls.open("w") as file:
        file.writelines(f"{origin}/{name(number)}\n" for number in range(count))
    command = [str(PUPLINE), "ingest", str(urls), "--allow-origin", origin, "--data", str(data), "--json"]
    usage = run_measured(command, directory / "log")
    assert usage.status == 0, (directory / "log").read_text()[-2000:]
    assert _objects(data) == count
    return usage


def _objects(data: Path) -> int:
    """How many pictures are in the bucket."""
    return sum(1 for _ in data.rglob("*.gif"))


def _figure(count: int, usage: Usage) -> Figure:
    note = f"{count / usage.seconds:,.0f} items/s, {1e6 * usage.cpu_seconds / count:,.0f} us of CPU an item"
    return Figure(
        f"pupline ingest of {count:,} tiny items", "peak of all its processes", usage.peak_bytes / 1e6, "MB", note
    )
