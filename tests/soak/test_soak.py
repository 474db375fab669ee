"""A long ingest from outside: killed again and again, its clock set, its disk full; nothing is lost, and nothing grows.

`make soak` takes 20,000 images and prints a line for each attempt; SOAK_IMAGES, SOAK_KILLS and SOAK_SEED choose others.
"""

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.ingest_checks import check_ingest, check_nothing_half_done, is_sound
from tests.e2e.ingest_kennel import Kennel, kennel_of, serving
from tests.shared.installed import PUPLINE, pupline
from tests.soak.process_samples import Samples, sampling
from tests.soak.small_disk import SmallDisk, small_disk

IMAGES = int(os.environ.get("SOAK_IMAGES", "240"))
KILLS = int(os.environ.get("SOAK_KILLS", "1"))
SEED = int(os.environ.get("SOAK_SEED", "5"))
IS_LONG = IMAGES >= 5_000
UNDER_WAY = 2_000
"""Images fetched and not yet committed that an interruption may cost, at most: some groups of 512."""

DESCRIPTORS = 1_000
"""Of a process, at most: a worker keeps 768 files open until they are synced, and 64 connections."""

MONTH = 30 * 86_400
SHIFTED = Path(__file__).parents[1] / "shared" / "shifted_clock"
MEGABYTE = 1 << 20

pytestmark = [pytest.mark.slow]


@dataclass
class Soak:
    """One ingest, attempted again and again. clock: the file that says by how many seconds its clock is off."""

    kennel: Kennel
    command: list[str]
    disk: SmallDisk
    folder: Path
    attempts: list[Samples] = field(default_factory=list)

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.disk.root / "data"

    @property
    def errors(self) -> str:
        """What all attempts wrote to stderr."""
        return (self.folder / "errors").read_text()

    def set_clock(self, seconds: int) -> None:
        """Set the clock of the running process, and of later ones, off by so many seconds; all at once."""
        new = self.folder / "clock.new"
        new.write_text(str(seconds))
        new.rename(self.folder / "clock")

    @contextmanager
    def attempt(self, what: str) -> Iterator[subprocess.Popen[bytes]]:
        """Start the command; it must have ended when the block does."""
        environment = {**os.environ, "PYTHONPATH": str(SHIFTED), "SHIFTED_CLOCK": str(self.folder / "clock")}
        with (self.folder / "errors").open("ab") as errors:
            child = subprocess.Popen(
                [PUPLINE, *self.command, "--data", str(self.data)],
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env=environment,
                start_new_session=True,
            )
        with sampling(what, child.pid, self.data, lambda: self.kennel.total_sent) as samples:
            self.attempts.append(samples)
            yield child
            child.wait(timeout=600)

    def wait_for(self, images: int, child: subprocess.Popen[bytes]) -> None:
        """Until the source has served so many images."""
        _wait(lambda: self.kennel.total_sent >= images or child.poll() is not None)
        assert child.poll() is None, f"it ended with {child.returncode}: {self.errors[-2000:]}"


def test_an_ingest_that_is_killed_with_its_clock_set_and_its_disk_full_has_every_image_once(tmp_path: Path) -> None:
    """Bucket, audit, metadata and alerts are as if undisturbed; memory, descriptors and WAL stay as they were.

    Then the source is mended, and `--retry-failed` asks for what failed, and for nothing else.
    """
    kennel = kennel_of(IMAGES)
    with small_disk(tmp_path / "disk", 64 * MEGABYTE + IMAGES * 20_000) as disk, serving(kennel) as base_url:
        soak = Soak(kennel, ["ingest", base_url, "--dataset", "dogs", "--run-id", "soak"], disk, tmp_path)
        soak.set_clock(0)
        interruptions = _interruptions(soak)
        for images, what, interrupt in interruptions:
            with soak.attempt(what) as child:
                soak.wait_for(max(images, kennel.total_sent + 1), child)
                interrupt(child)
        with soak.attempt("killed while it writes metadata") as child:
            _wait(lambda: (soak.data / "buckets/dog-images/datasets/dogs").exists() or child.poll() is not None)
            child.kill()
        with soak.attempt("to the end") as child:
            pass
        assert child.returncode == 1, soak.errors[-2000:]
        for samples in soak.attempts:
            print(samples)  # noqa: T201 - the report of `make soak`
        _check_all(soak, len(interruptions))


def _interruptions(soak: Soak) -> list[tuple[int, str, Callable[[subprocess.Popen[bytes]], None]]]:
    """What happens, each at a number of images served: kills with and without the workers, a clock, a full disk."""
    chance = random.Random(SEED)

    def kill(child: subprocess.Popen[bytes], *, whole_group: bool) -> None:
        time.sleep(chance.uniform(0.0, 0.1))
        (os.killpg if whole_group else os.kill)(child.pid, signal.SIGKILL)

    def put_forward(child: subprocess.Popen[bytes]) -> None:
        _jump(soak, child, MONTH)
        kill(child, whole_group=True)

    def put_back(child: subprocess.Popen[bytes]) -> None:
        _jump(soak, child, -MONTH)
        if soak.disk.is_small:
            _fill_disk(soak, child)
        else:
            kill(child, whole_group=True)

    what = "disk full" if soak.disk.is_small else "killed"
    events: list[tuple[str, Callable[[subprocess.Popen[bytes]], None]]] = [
        ("clock a month ahead, killed", put_forward),
        (f"clock a month back, {what}", put_back),
    ]
    for number in range(KILLS):
        whole = bool(number % 2)
        what = "killed with its workers" if whole else "killed alone"
        events.append((what, partial(kill, whole_group=whole)))
    chance.shuffle(events)
    step = IMAGES * 8 // 10 // len(events)
    return [(step * at + chance.randrange(1, step // 2), *event) for at, event in enumerate(events)]


def _jump(soak: Soak, child: subprocess.Popen[bytes], seconds: int) -> None:
    """Set the clock, and have the process work on for a while."""
    soak.set_clock(seconds)
    soak.wait_for(soak.kennel.total_sent + IMAGES // 50, child)


def _fill_disk(soak: Soak, child: subprocess.Popen[bytes]) -> None:
    """Fill the disk, under which the process ends with one line that says so; then there is room again."""
    soak.disk.fill()
    assert child.wait(timeout=120) == 1, soak.errors[-2000:]
    soak.disk.make_room()
    last = soak.errors.splitlines()[-1]
    assert "free some space" in last, last


def _check_all(soak: Soak, interruptions: int) -> None:
    assert "Traceback" not in soak.errors
    outcomes = check_ingest(soak.data, soak.kennel, "soak")
    path = soak.data / "buckets/dog-images/datasets/dogs/runs/soak/summary.json"
    summary = json.loads(path.read_text())
    assert (summary["run"], summary["status"], Counter(summary["outcomes"])) == ("soak", "SUCCEEDED", outcomes)
    again = sum(count - 1 for count in soak.kennel.sent.values())
    assert again <= interruptions * UNDER_WAY
    _check_flat(soak)
    _check_retry(soak)


def _check_flat(soak: Soak) -> None:
    """Nothing grows with the images: there are bounds, and late attempts need no more memory than early ones."""
    processes = 1 + len(os.sched_getaffinity(0))
    for one in soak.attempts:
        assert one.most("wal") <= 64 * MEGABYTE, one
        assert one.most("descriptors") <= DESCRIPTORS * processes, one
        assert one.most("memory") <= 100 * MEGABYTE * processes, one
        assert one.most("temporary") <= 3 * UNDER_WAY, one
    if IS_LONG:
        fetching = [one.most("memory") for one in soak.attempts[:-2]]  # the last ones write metadata: more libraries
        half = len(fetching) // 2
        assert max(fetching[half:]) < 1.25 * max(fetching[:half]), fetching


def _check_retry(soak: Soak) -> None:
    """Only what failed is asked for, each once; it is there now, or in quarantine where it is not a sound image."""
    kennel = soak.kennel
    failed = {path for path, flaw in kennel.flaws.items() if flaw in {"gone", "refused", "short"}}
    kennel.mend()
    kennel.forget()
    done = pupline(soak.data, "ingest", "--retry-failed", "soak", "--run-id", "again", "--json")
    assert done.returncode == (0 if all(is_sound(kennel.images[path]) for path in failed) else 1), done.stderr
    assert kennel.asked == Counter(failed)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert {result["source_url"] for result in results[:-1]} == {kennel.url(path) for path in failed}
    assert results[-1]["retry_of"] == "soak"
    check_nothing_half_done(soak.data)


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 300
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.005)
