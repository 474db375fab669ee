"""The whole program from outside: `pupline run` fetching pictures, and the time of `pupline --help`."""

import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from benchmarks.image_server import picture
from benchmarks.measure import BUILD, ROOT, Figure

IMAGES = 500
CONCURRENCY = 16

_PUPLINE = str(Path(sys.executable).parent / "pupline")


def fetching() -> list[Figure]:
    """Images per second through fetch, check, store and audit; the bucket is compared with what was served."""
    BUILD.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "benchmarks.image_server", str(IMAGES)]
    with tempfile.TemporaryDirectory(dir=BUILD) as directory:
        server = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            seconds = _run(server.stdout.readline().strip(), Path(directory))
        finally:
            server.stdin.close()
            server.stdout.close()
            server.wait(timeout=10)
        stored = [path.read_bytes() for path in Path(directory, "buckets").rglob("*.jpg")]
    assert Counter(stored) == Counter(picture(number) for number in range(IMAGES))
    megabytes = sum(map(len, stored)) / 1e6
    note = f"{seconds:.1f} s for {megabytes:.0f} MB, including start-up; every byte compared"
    return [
        Figure(f"{IMAGES} images from 127.0.0.1", f"pupline run, {CONCURRENCY} at once", IMAGES / seconds, "/s", note)
    ]


def _run(source: str, data: Path) -> float:
    command = [_PUPLINE, "run", "--count", str(IMAGES), "--concurrency", str(CONCURRENCY), "--source", source]
    start = time.perf_counter()
    done = subprocess.run([*command, "--data", str(data), "--json"], capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    assert done.returncode == 0, done.stderr
    outcomes = Counter(json.loads(line)["outcome"] for line in done.stdout.splitlines())
    assert outcomes == {"stored": IMAGES}, outcomes
    return seconds


def start_up() -> list[Figure]:
    """The time of `pupline --help`, and of a Python that does nothing."""
    bare = _best_seconds([sys.executable, "-c", "pass"])
    shown = _best_seconds([_PUPLINE, "--help"])
    return [Figure("pupline --help", "best of 10", 1e3 * shown, "ms", f"{1e3 * bare:.0f} ms of it Python itself")]


def _best_seconds(command: list[str]) -> float:
    found = []
    for _ in range(10):
        start = time.perf_counter()
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        found.append(time.perf_counter() - start)
    return min(found)
