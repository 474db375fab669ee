"""A run of `ingest` as its page and the API show it."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import dropwhile, islice
from typing import Any

from pupline.backends import Backend
from pupline.bulk import progress_of
from pupline.console.ingests._filters import IngestFilters
from pupline.console.ingests._recent import Recent
from pupline.console.job_queue import Job, JobRequest, discard, next_step, stop
from pupline.console.web import Console, bad_request, not_found
from pupline.local import Differences, HostOutcomes, LocalBackend, differences_of, hosts_of
from pupline.tasks.ports import RunSummary
from pupline.text import printable

_HOSTS = 50
_EXAMPLES = 50


@dataclass(frozen=True, slots=True)
class IngestView:
    """One run. summary: as summary.json, as far as it is known. progress: of the process that works on it now.

    hosts: those with the most images of `hosts_in_all`. job: the console's job that works on it. steps: what can be
    done next, by label.
    """

    run: RunSummary
    summary: Mapping[str, Any]
    progress: Mapping[str, Any] | None
    hosts: Sequence[HostOutcomes]
    hosts_in_all: int
    job: Job | None
    steps: Mapping[str, JobRequest]

    @property
    def is_working(self) -> bool:
        """Whether a process works on it."""
        return self.progress is not None

    @property
    def expected(self) -> int:
        """How many images it is to have, as far as is known."""
        return max(int(self.summary.get("total") or 0), self.run.listed)

    @property
    def seconds_left(self) -> float | None:
        """At the present pace, where the number of images is known."""
        pace = (self.progress or {}).get("images_per_second")
        left = self.expected - self.run.done
        return left / pace if pace and left > 0 else None


def ingest_runs(backend: Backend, dataset: str | None, status: str | None) -> Iterator[RunSummary]:
    """Runs of ingests, newest first."""
    return (run for run in backend.runs(dataset=dataset) if run.kind != "run" and status in {None, run.status})


def page_of(runs: Iterator[RunSummary], after: str | None, limit: int) -> tuple[list[RunSummary], str | None]:
    """A page of runs, and the run after which the next page begins."""
    if after is not None:
        runs = islice(dropwhile(lambda run: run.run != after, runs), 1, None)
    found = list(islice(runs, limit + 1))
    return found[:limit], found[limit - 1].run if len(found) > limit else None


class IngestViews:
    """The runs of one console. What is costly to count is at most seconds old."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._counted: Recent[_Counted] = Recent()
        self._pages: Recent[tuple[list[RunSummary], str | None]] = Recent()

    def find(self, name: str) -> IngestView:
        """The run of that name. Raises: Problem where there is no such ingest."""
        found, settings = self._counted.get(name, lambda: _count(self._console, name)), self._console.settings
        run, progress = found.run, None
        if settings.stack is None and run.status == "RUNNING":
            progress = progress_of(settings.data_dir, name, time.time())
        jobs = self._console.jobs.list() if progress is not None else []
        job = next((job for job in jobs if job.status == "RUNNING" and _works_on(job, progress)), None)
        steps = steps_of(run, found.options, is_working=progress is not None, is_stack=settings.stack is not None)
        return IngestView(run, found.summary, progress, found.hosts, found.hosts_in_all, job, steps)

    def page(self, filters: IngestFilters) -> tuple[list[RunSummary], str | None]:
        """A page of runs, newest first, and the run after which the next page begins."""

        def listed() -> tuple[list[RunSummary], str | None]:
            with self._console.reader() as backend:
                return page_of(ingest_runs(backend, filters.dataset, filters.status), filters.after, filters.limit)

        return self._pages.get(filters, listed)


@dataclass(frozen=True, slots=True)
class _Counted:
    """What is counted of a run. options: those that name the backend."""

    run: RunSummary
    summary: Mapping[str, Any]
    hosts_in_all: int
    hosts: Sequence[HostOutcomes]
    options: str


def _count(console: Console, name: str) -> _Counted:
    with console.reader() as backend:
        run = found_run(backend, name)
        summary = next((one for one in backend.ingests(dataset=run.dataset) if one.get("run") == name), {})
        options = backend.options
    return _Counted(run, summary, *_hosts(console, run), options)


def found_run(backend: Backend, name: str) -> RunSummary:
    """The ingest of that name. Raises: Problem."""
    run = next((run for run in backend.runs(run=name) if run.kind != "run"), None)
    if run is None:
        raise not_found(f"there is no ingest {printable(name, 80)}; the page Ingests lists them")
    return run


def steps_of(run: RunSummary, options: str, *, is_working: bool, is_stack: bool) -> Mapping[str, JobRequest]:
    """What can be done with a run: stop, resume, retry, discard."""
    steps: dict[str, JobRequest] = {}
    if run.status == "DISCARDED":
        return steps
    if is_working or (is_stack and run.status == "RUNNING"):
        return {"Stop": stop([run.run])}
    if run.next_step is not None:
        label = "Resume" if run.status == "RUNNING" else "Continue"
        steps["Retry failed" if run.status == "SUCCEEDED" else label] = next_step(run.next_step, options)
    if run.status == "RUNNING":
        steps["End"] = stop([run.run])
    if not is_stack:
        steps["Discard"] = discard(run.run)
    return steps


def step_named(view: IngestView, name: str) -> JobRequest:
    """The request behind a button, by its name in lower case, with `-` for a space. Raises: Problem."""
    for label, request in view.steps.items():
        if label.lower().replace(" ", "-") == name:
            return request
    known = ", ".join(label.lower().replace(" ", "-") for label in view.steps) or "nothing"
    raise bad_request(f"{printable(name, 40)} is not what can be done with this run now, but {known}")


def _works_on(job: Job, progress: Mapping[str, Any] | None) -> bool:
    return progress is not None and job.process == progress.get("process")


def _hosts(console: Console, run: RunSummary) -> tuple[int, list[HostOutcomes]]:
    if console.settings.stack is not None or run.kind != "ingest" or run.status == "DISCARDED":
        return 0, []
    with _opened(console) as backend:
        row = backend.ingests.find(run.run)
        return hosts_of(backend.database, row.ingest_id, _HOSTS) if row else (0, [])


def differences(console: Console, first: RunSummary, second: RunSummary) -> Differences | None:
    """How the images of two runs differ; None where the items are not known here. Raises: LocalTrouble."""
    if console.settings.stack is not None:
        return None
    with _opened(console) as backend:
        rows = [backend.ingests.find(run.run) for run in (first, second)]
        if rows[0] is None or rows[1] is None:
            return None
        return differences_of(backend.database, rows[0].ingest_id, rows[1].ingest_id, _EXAMPLES)


@contextmanager
def _opened(console: Console) -> Iterator[LocalBackend]:
    with LocalBackend.open(console.settings.data_dir, exclusive=False) as backend:
        yield backend
