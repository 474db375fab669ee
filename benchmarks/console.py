"""The console over 100,000 executions and 1,000,000 audit records: the real server over HTTP, and in chromium.

The data directory is made once, in `build/`, and used again. Each request is one of a new server's; the figures of
groups of pages are medians over all requests to them, with the slowest page in the note.
"""

import gzip
import http.client
import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from benchmarks.console_data import LARGE, Size, make
from benchmarks.ingesting import Setup, set_up
from benchmarks.ingesting import pupline as ingested
from benchmarks.measure import BUILD, Figure
from benchmarks.nginx import MISSING, nginx_program
from benchmarks.processes import cpu_seconds_of
from pupline.backends import MachineBackend
from pupline.local import INDEX_NAME

CHROMIUM = Path("/usr/bin/chromium")
ROUNDS = 9
LEAST_SECONDS = 1.0
"""Between two looks of a live page, as its script has it."""

WHO = "pupline serve"

LISTS = (
    "/executions",
    "/executions?order=failed",
    "/executions?order=longest",
    "/executions?status=FAILED",
    "/executions?status=FAILED&machine=DogUploaderPipeline&since=30d",
    "/executions?machine=Large",
    "/executions?type=png",
    "/api/executions?status=ABORTED",
    "/gallery",
    "/gallery?dataset=dogs",
    "/gallery?type=png&outcome=stored",
    "/api/gallery?alert=yes",
    "/audit",
    "/audit?outcome=failed",
    "/audit?type=webp&dataset=cats",
    "/audit?host=images3.example.org",
    "/audit?breed=breed7&order=oldest",
    "/api/audit?reason=damaged_image",
    "/alerts",
    "/alerts?status=pending",
)
SEARCHES = (
    "/executions?q=corgi",
    "/executions?q=run-001-00077",
    "/executions?q=nosuchword",
    "/api/executions?q=nosuchword",
    "/audit?q=breed7",
    "/audit?q=n00077777",
    "/audit?q=nosuchword",
    "/api/audit?q=images3.example.org",
    "/gallery?q=nosuchword",
)
LARGE_EXECUTION = (
    f"/executions/{LARGE}",
    f"/executions/{LARGE}?tab=table",
    f"/executions/{LARGE}?tab=events",
    f"/executions/{LARGE}?tab=timeline",
)
OTHERS = (
    "/",
    "/insights",
    "/ingests",
    "/sources",
    "/start",
    "/schedule",
    "/jobs",
    "/about",
    "/executions/run-000-00077",
)


@dataclass(frozen=True, slots=True)
class Answer:
    """One request. seconds: until the last byte. bytes: of the body, compressed as it came."""

    path: str
    seconds: float
    bytes: int


@dataclass(slots=True)
class Served:
    """A server, in a process of its own."""

    url: str
    pid: int
    answers: list[Answer] = field(default_factory=list)

    def get(self, path: str) -> Answer:
        """Ask for a page. Raises: AssertionError for another status than 200."""
        connection = http.client.HTTPConnection(urlsplit(self.url).netloc, timeout=120)
        start = time.perf_counter()
        connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
        response = connection.getresponse()
        body = response.read()
        answer = Answer(path, time.perf_counter() - start, len(body))
        connection.close()
        assert response.status == 200, f"{path}: {response.status} {body[:300]!r}"
        self.answers.append(answer)
        return answer

    def resident_bytes(self) -> int:
        """Memory of the process."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmRSS:"))


@contextmanager
def serving(data: Path) -> Iterator[Served]:
    """`pupline serve` over a data directory."""
    command = [sys.executable, "-m", "pupline", "serve", "--port=0", "--json", f"--data={data}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield Served(json.loads(process.stdout.readline())["url"].rstrip("/"), process.pid)
        finally:
            process.terminate()


def figures(size: Size | None = None, rounds: int = ROUNDS, images: int = 20_000) -> list[Figure]:
    """All figures of the console."""
    size = size or Size()
    what = f"{size.executions:,} executions, {size.records:,} records"
    data, found = _data(size)
    with serving(data) as server:
        server.get("/")
        time.sleep(3)
        idle = Figure(what, f"{WHO}, at rest after its first page", server.resident_bytes() / 1e6, "MB")
        found += [
            idle,
            _requests(server, what, "a list page or filter", (LISTS, rounds)),
            _requests(server, what, "a search", (SEARCHES, max(rounds // 3, 1))),
            _requests(server, what, "an execution with 25,000 events", (LARGE_EXECUTION, max(rounds // 3, 1))),
            _requests(server, what, "any other page", (OTHERS, max(rounds // 3, 1))),
            _weights(server, what),
            *_in_browser(server, what, rounds),
            Figure(what, f"{WHO}, after all of this", server.resident_bytes() / 1e6, "MB"),
        ]
    return [*found, *slow_down(images, max(rounds // 3, 1))]


def _data(size: Size) -> tuple[Path, list[Figure]]:
    """The data directory, with its index, and how long that took where it had to be made."""
    data = BUILD / f"console-{size.executions}-{size.records}"
    done = data / "complete"
    if not done.exists():
        print(f"making {data} ...", file=sys.stderr, flush=True)
        make(data, size)
        done.touch()
    (data / INDEX_NAME).unlink(missing_ok=True)
    start = time.process_time()
    with MachineBackend(data) as backend:
        while backend.pages.prepare():
            pass
    index = data / INDEX_NAME
    taken, megabytes = time.process_time() - start, index.stat().st_size / 1e6 if index.exists() else 0.0
    note = f"of processor time, made once in the background; {megabytes:,.0f} MB"
    return data, [Figure(f"{size.records:,} records", "the index of the lists", taken, "s", note)]


def _requests(server: Served, what: str, who: str, asked: tuple[Sequence[str], int]) -> Figure:
    """The median over all requests; the first of each page is not counted."""
    paths, rounds = asked
    for path in paths:
        server.get(path)
    start, before = time.perf_counter(), cpu_seconds_of(server.pid)
    answers = [server.get(path) for _ in range(rounds) for path in paths]
    used, taken = cpu_seconds_of(server.pid) - before, time.perf_counter() - start
    medians = {path: statistics.median(one.seconds for one in answers if one.path == path) for path in paths}
    slowest = max(medians, key=medians.__getitem__)
    note = (
        f"slowest {slowest}: {1e3 * medians[slowest]:.0f} ms; {1e3 * used / len(answers):.0f} ms of processor each;"
        f" {len(answers)} requests in {taken:.1f} s"
    )
    return Figure(what, f"{who}, median", 1e3 * statistics.median(one.seconds for one in answers), "ms", note)


def _weights(server: Served, what: str) -> Figure:
    """The heaviest page with its scripts and styles, without pictures."""
    heaviest = max((one for one in server.answers if "/api/" not in one.path), key=lambda one: one.bytes)
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=30)
    connection.request("GET", "/", headers={"Accept-Encoding": "gzip"})
    response = connection.getresponse()
    body = response.read()
    page = gzip.decompress(body) if response.getheader("Content-Encoding") == "gzip" else body
    connection.close()
    static = {part for part in page.decode().split('"') if part.startswith("/static/")}
    assets = sum(server.get(path).bytes for path in sorted(static))
    note = f"{heaviest.path}; without scripts and styles {heaviest.bytes / 1e3:.0f} kB"
    return Figure(what, "the heaviest page, without pictures", (heaviest.bytes + assets) / 1e3, "kB", note)


def _in_browser(server: Served, what: str, rounds: int) -> list[Figure]:
    """Until chromium has shown a page, in a new context each time: nothing is cached."""
    if not CHROMIUM.exists():
        return [Figure(what, "the first page in chromium", None, "ms", f"there is no {CHROMIUM}")]
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        _loaded(browser, server.url, "/")
        first = statistics.median(_loaded(browser, server.url, "/") for _ in range(rounds))
        few = range(max(rounds // 3, 1))
        large = statistics.median(_loaded(browser, server.url, LARGE_EXECUTION[2]) for _ in few)
        browser.close()
    return [
        Figure(what, "the first page in chromium", first, "ms", "until the load event, nothing cached; median"),
        Figure(
            what, "25,000 events in chromium", large, "ms", "until the load event, then scrolled to the end; median"
        ),
    ]


def _loaded(browser: Any, url: str, path: str) -> float:
    """Milliseconds from navigation to the load event; the page is scrolled to its end."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{url}{path}", wait_until="load")
    taken = page.evaluate("performance.getEntriesByType('navigation')[0].loadEventStart")
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    context.close()
    return float(taken)


_SHARES: list[float] = []
"""Processor time of the console for each second in which a page was open."""


def slow_down(images: int, rounds: int) -> list[Figure]:
    """How much longer a bulk ingest takes while somebody watches it: alternating runs, with and without."""
    what, who = f"{images:,} JPEGs of 70 kB, nginx on this machine", "pupline ingest, with a live page open"
    if nginx_program() is None:
        return [Figure(what, who, None, "%", MISSING)]
    alone: list[float] = []
    watched: list[float] = []
    with set_up(images) as here:
        ingested(here)
        for number in range(2 * rounds):
            is_watched = number % 4 in {1, 2}
            (watched if is_watched else alone).append(_seconds(here, _watch if is_watched else None))
    quiet, shown = statistics.median(alone), statistics.median(watched)
    share = 100 * statistics.median(_SHARES) / (os.cpu_count() or 1)
    note = (
        f"{quiet:.2f} s alone, {shown:.2f} s watched, medians of {rounds}; the console, on the same cores, takes"
        f" {share:.1f} % of the processors"
    )
    return [Figure(what, who, 100 * (shown / quiet - 1), "% longer", note)]


def _seconds(here: Setup, watch: "Callable[[Path, ExitStack], None] | None") -> float:
    """One ingest, from exec to exit; watched from when its data directory is there."""
    known = set(here.directories)
    with ExitStack() as watching:
        if watch is not None:
            starting = threading.Thread(target=lambda: watch(_new_directory(here, known), watching))
            starting.start()
            watching.callback(starting.join)
        return ingested(here).usage.seconds


def _new_directory(here: Setup, known: set[Path]) -> Path:
    while not (found := [one for one in here.directories if one not in known]):
        time.sleep(0.01)
    return found[0]


def _watch(data: Path, watching: ExitStack) -> None:
    """Serve the directory, and keep its ingests open as a browser does: fetched again whenever the stream says so."""
    ended = watching.enter_context(ExitStack())  # after the server, whose end is that of the stream
    server = watching.enter_context(serving(data))
    began, used = time.perf_counter(), cpu_seconds_of(server.pid)
    watching.callback(lambda: _SHARES.append((cpu_seconds_of(server.pid) - used) / (time.perf_counter() - began)))
    viewer = threading.Thread(target=_view, args=(server,))
    viewer.start()
    ended.callback(viewer.join)


def _view(server: Served) -> None:
    with suppress(OSError, http.client.HTTPException):
        server.get("/ingests")
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=60)
        connection.request("GET", "/api/live?topic=ingests&topic=records", headers={"Accept": "text/event-stream"})
        stream = connection.getresponse()
        assert stream.status == 200, stream.read(300)
        while line := stream.readline():
            if line.startswith(b"data:"):
                server.get("/ingests")
                time.sleep(LEAST_SECONDS)
