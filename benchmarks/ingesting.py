"""Bulk ingestion compared with img2dataset: the same pictures from one nginx, in one run, every byte compared.

Downloaders that do less follow, with the share of their rate that bulk ingestion reaches.

All write to new directories on one disk, which stay until the end: the file system is slow for minutes where thousands
of files were removed. Before each run, the previous output is on disk and the pictures are in the page cache.
pupline and img2dataset have run once before, so that their modules are compiled.
"""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from statistics import median

from benchmarks.builds import PLAIN, Form, forms
from benchmarks.downloaders import DOWNLOADERS, Downloader
from benchmarks.measure import ROOT, Figure, spacious_directory
from benchmarks.nginx import MISSING, Nginx, nginx_program
from benchmarks.pictures import served_directory
from benchmarks.processes import Usage, median_usage, run_measured

IMAGES = 20_000
ROUNDS = 3
THREADS = (16, 32, 64)
"""Threads per process that img2dataset is tried with; more made it slower on every machine."""

IMG2DATASET = ROOT / ".venv" / "img2dataset" / "bin" / "img2dataset"
PUPLINE = Path(sys.executable).with_name("pupline")
ENVIRONMENT = {"NO_ALBUMENTATIONS_UPDATE": "1", "PYTHONDONTWRITEBYTECODE": ""}

WARM_UP_IMAGES = 20


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one downloader. own_seconds: as it reports, without its start-up. server_seconds: nginx's CPU."""

    usage: Usage
    own_seconds: float
    server_seconds: float


@dataclass(frozen=True, slots=True)
class Setup:
    """The set-up of a comparison: pictures, their server, a list of their URLs, directories to remove at the end."""

    images: int
    pictures: Path
    server: Nginx
    urls: Path
    directories: list[Path]

    def fresh(self, name: str) -> Path:
        """A new empty directory."""
        directory = _fresh(name)
        self.directories.append(directory)
        return directory

    def measured(
        self,
        command: list[str],
        directory: Path,
        own_seconds: Callable[[Path], float],
        environment: Mapping[str, str] | None = None,
    ) -> Run:
        """Run a downloader, which writes to `directory`, and compare its output with what was served."""
        os.sync()
        served_directory(self.images)
        log, before = self.urls.with_name(f"{directory.name}.log"), self.server.cpu_seconds()
        usage = run_measured(command, log, env={**ENVIRONMENT, **(environment or {})})
        assert usage.status == 0, log.read_text()
        served = self.server.cpu_seconds() - before
        assert _digests(directory) == _digests(self.pictures), f"{directory} does not hold what was served"
        return Run(usage, own_seconds(directory), served)


@contextmanager
def set_up(images: int) -> Iterator[Setup]:
    """Serve the pictures. Raises: RuntimeError without nginx."""
    program = nginx_program()
    if program is None:
        raise RuntimeError(MISSING)
    pictures, directories = served_directory(images), [_fresh("nginx-")]
    try:
        with Nginx(program, pictures, directories[0]) as server:
            urls = directories[0] / "urls.txt"
            urls.write_text("".join(f"{server.origin}/{path.name}\n" for path in sorted(pictures.glob("*.jpg"))))
            yield Setup(images, pictures, server, urls, directories)
    finally:
        for directory in directories:
            shutil.rmtree(directory)


def _fresh(name: str) -> Path:
    return Path(tempfile.mkdtemp(prefix=name, dir=spacious_directory()))


def compared(images: int = IMAGES, rounds: int = ROUNDS, threads: tuple[int, ...] = THREADS) -> list[Figure]:
    """Images per second of `pupline ingest` and of img2dataset with its best number of threads, in turn."""
    what = f"{images:,} JPEGs of 70 kB, nginx on this machine"
    if nginx_program() is None:
        return [Figure(what, "pupline ingest", None, "/s", MISSING)]
    _warm_up(threads[0])
    with set_up(images) as here:
        if IMG2DATASET.exists():
            best = _best_threads(here, threads)
            ours, theirs = _in_turn(here, rounds, best)
            peer = _figure(what, f"img2dataset, {os.cpu_count()} processes of {best} threads", theirs, images)
        else:
            ours, theirs = _in_turn(here, rounds, None)
            peer = Figure(what, "img2dataset", None, "/s", "not installed: make .venv/img2dataset/stamp")
        own = [_figure(what, f"pupline ingest, {form.name}", runs, images, theirs) for form, runs in ours]
        return [*own, peer, *(_share(here, what, downloader, own[0], rounds) for downloader in DOWNLOADERS)]


def _share(here: Setup, what: str, downloader: Downloader, ours: Figure, rounds: int) -> Figure:
    """The rate of a downloader that does less, and which share of it `ours` is."""
    missing = downloader.missing()
    if missing is not None or ours.value is None:
        return Figure(what, downloader.name, None, "/s", missing or ours.note)
    try:
        runs = [_plain(here, downloader) for _ in range(rounds)]
    except AssertionError as error:
        return Figure(what, downloader.name, None, "/s", f"it failed: {str(error).strip().partition(chr(10))[0]}")
    found = _figure(what, downloader.name, runs, here.images)
    share = ours.value / (found.value or ours.value)
    return replace(found, note=f"pupline ingest reaches {share:.0%} of it; no hash, check or record; {found.note}")


def _plain(here: Setup, downloader: Downloader) -> Run:
    """One run of a downloader that has no count of its own."""
    directory = here.fresh(f"{downloader.name}-")
    run = here.measured(downloader.command(here.urls, directory), directory, lambda _: 0.0)
    return replace(run, own_seconds=run.usage.seconds)


def _warm_up(threads: int) -> None:
    with set_up(WARM_UP_IMAGES) as here:
        pupline(here)
        if IMG2DATASET.exists():
            img2dataset(here, threads)


def _best_threads(here: Setup, threads: tuple[int, ...]) -> int:
    if len(threads) == 1:
        return threads[0]
    seconds = {count: img2dataset(here, count).usage.seconds for count in threads}
    return min(seconds, key=seconds.__getitem__)


def _in_turn(here: Setup, rounds: int, threads: int | None) -> tuple[list[tuple[Form, list[Run]]], list[Run]]:
    """Each form of pupline, and img2dataset with so many threads if any, `rounds` times.

    The order is turned round each time, so that none always follows the same other.
    """
    ours: list[tuple[Form, list[Run]]] = [(form, []) for form in forms()]
    theirs: list[Run] = []
    measures: list[Callable[[], None]] = [partial(_add_run, here, form, runs) for form, runs in ours]
    if threads is not None:
        measures.append(lambda: theirs.append(img2dataset(here, threads)))
    for number in range(rounds):
        for measure in measures if number % 2 == 0 else measures[::-1]:
            measure()
    return ours, theirs


def _add_run(here: Setup, form: Form, runs: list[Run]) -> None:
    runs.append(pupline(here, form))


def pupline(here: Setup, form: Form = PLAIN) -> Run:
    """One run of `pupline ingest` as users run it: every image hashed, checked, stored and audited, durably."""
    data = here.fresh("pupline-")
    command = [str(PUPLINE), "ingest", str(here.urls), "--allow-origin", here.server.origin, "--data", str(data)]
    return here.measured(command, data, _pupline_seconds, form.environment)


def _pupline_seconds(data: Path) -> float:
    (summary,) = data.glob("buckets/*/datasets/*/runs/*/summary.json")
    return float(json.loads(summary.read_text())["seconds"])


def img2dataset(here: Setup, threads: int) -> Run:
    """One run of img2dataset with every optional step off: no resizing, no encoding, no hash, no EXIF."""
    output = here.fresh("img2dataset-")
    processes = os.cpu_count() or 1
    options = {
        "url_list": here.urls,
        "output_folder": output,
        "processes_count": processes,
        "thread_count": threads,
        "number_sample_per_shard": -(-here.images // processes),
        "resize_mode": "no",
        "disable_all_reencoding": True,
        "output_format": "files",
        "compute_hash": None,
        "extract_exif": False,
    }
    command = [str(IMG2DATASET), *(f"--{name}={value}" for name, value in options.items())]
    return here.measured(command, output, _img2dataset_seconds)


def _img2dataset_seconds(output: Path) -> float:
    """From the first shard's start to the last shard's end, as its own log counts."""
    shards = [json.loads(path.read_text()) for path in output.glob("*_stats.json")]
    return float(max(shard["end_time"] for shard in shards) - min(shard["start_time"] for shard in shards))


def _digests(directory: Path) -> list[bytes]:
    return sorted(sha256(path.read_bytes()).digest() for path in directory.rglob("*.jpg"))


def _figure(what: str, who: str, runs: list[Run], images: int, others: list[Run] | None = None) -> Figure:
    usage = median_usage([run.usage for run in runs])
    own, served = median(run.own_seconds for run in runs), median(run.server_seconds for run in runs)
    note = (
        f"{usage.seconds:.1f} s from exec to exit; by its own count {images / own:,.0f}/s; "
        f"{1e6 * usage.cpu_seconds / images:,.0f} us of CPU per image, nginx's {1e6 * served / images:.0f} apart; "
        f"at most {usage.peak_bytes / 1e6:,.0f} MB; median of {len(runs)}"
    )
    if others:
        times = median_usage([run.usage for run in others]).seconds / usage.seconds
        own_times = median(run.own_seconds for run in others) / own
        note = f"{times:.1f} times as fast, {own_times:.1f} by own counts; {note}"
    return replace(Figure(what, who, images / usage.seconds, "/s"), note=note)
