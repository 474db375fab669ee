"""`pupline resume`: finish what a stopped or killed process left unfinished, of every kind."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pupline.cli._command import Command
from pupline.cli._ingesting import ingest_and_show
from pupline.cli._options import concurrency_option, data_option, json_option, proxy_option
from pupline.cli._output import message, program
from pupline.cli._run_view import show_run
from pupline.cli._selection import check_run, run_option
from pupline.errors import ConfigurationError, PuplineError, StorageError
from pupline.text import plural, printable

if TYPE_CHECKING:
    from pupline.backends import MachineBackend, RunEvent, RunReport
    from pupline.http import Proxy
    from pupline.tasks.ports import RunSummary

_USAGE = 2
_INTERRUPTED = 130
_EPILOG = """\b
Examples:
  pupline resume
  pupline resume --run monday
"""


@click.command(cls=Command, epilog=_EPILOG)
@run_option
@concurrency_option
@proxy_option
@data_option
@json_option
def resume(run: str | None, concurrency: int, proxy: "Proxy | None", data_dir: Path, as_json: bool) -> int:
    """Finish what a stopped or killed process left unfinished, with the settings that it was started with.

    First all executions of the workflow, then each unfinished ingest. It says beforehand what it will do, and starts no
    new run. With --run only that run, also an ingest that failed or was stopped.

    Exits with 1 when something failed, 130 when it was interrupted.
    """
    from pupline.backends import MachineBackend

    with MachineBackend(data_dir) as backend:
        if run is not None:
            check_run(backend, run)
        unfinished = [one for one in backend.runs_if_any(run) if one.status == "RUNNING" or _is_reopened(one, run)]
        backend.close()
        ingests = [one for one in reversed(unfinished) if one.kind != "run"]
        announce = partial(_announce, unfinished, backend.options)
        codes = []
        if run is None or len(ingests) < len(unfinished):
            codes.append(_resume_executions(backend, (run, concurrency, proxy), announce, as_json=as_json))
        elif unfinished:
            announce()
        else:
            message(f"The run {printable(run)} has ended: there is nothing to resume.")
        for one in ingests:
            if _INTERRUPTED in codes:
                break
            now = next(backend.runs(run=one.run))  # what was driven just now may have ended it
            backend.close()
            if now.status == "RUNNING" or _is_reopened(now, run):
                codes.append(_resume_ingest(backend, one, proxy, as_json=as_json))
    return max(codes, default=0)


def _is_reopened(one: "RunSummary", run: str | None) -> bool:
    """Whether this run, which has ended, is named, and continues where it stopped."""
    return run is not None and one.kind != "run" and one.status in {"FAILED", "ABORTED", "TIMED_OUT"}


def _announce(unfinished: "Sequence[RunSummary]", options: str) -> None:
    for one in unfinished:
        where = f" of {printable(one.dataset)}" if one.dataset else ""
        done = f"{one.done:,} of {plural(one.listed, 'image')} done" if one.listed else "nothing listed yet"
        if one.next_step and one.next_step.startswith("run "):
            message(f"Run {one.run}: {one.reason}. To start the others: {program()} {printable(one.next_step, 1000)}")
        else:
            message(f"To finish: {one.kind} {one.run}{where}, {done}.")
    if len(unfinished) > 1:
        message(f"What should not be finished can be ended: {program()} stop RUN{options}")


def _resume_executions(
    backend: "MachineBackend",
    chosen: "tuple[str | None, int, Proxy | None]",
    announce: Callable[[], None],
    *,
    as_json: bool,
) -> int:
    run, concurrency, proxy = chosen

    def work(listener: "Callable[[RunEvent], None]") -> "RunReport":
        def receive(event: "RunEvent") -> None:
            if isinstance(event, RunStarted):  # the data directory is ours now, and sound
                announce()
            listener(event)

        return backend.resume(concurrency, receive, proxy, run)

    from pupline.backends import RunStarted

    return show_run(backend, work, nothing_done=lambda: "No execution was left unfinished.", as_json=as_json)


def _resume_ingest(backend: "MachineBackend", one: "RunSummary", proxy: "Proxy | None", *, as_json: bool) -> int:
    """The exit code. One that cannot be resumed does not keep others from it."""
    from pupline.bulk import IngestRequest

    try:
        if one.kind == "ingest":
            request = IngestRequest(resume=True, run_id=one.run, proxy=proxy)
            return ingest_and_show(backend, request, workflow=False, as_json=as_json)
        request = replace(backend.saved_ingest(one.run), proxy=proxy)
        backend.close()
        return ingest_and_show(backend, request, workflow=True, as_json=as_json)
    except PuplineError as error:
        if isinstance(error, StorageError):  # of this machine, and so of all runs
            raise
        is_left = next(backend.runs(run=one.run), None) is not None
        backend.close()
        end = f"to end the run: {program()} stop {one.run}{backend.options}"
        message(f"pupline: {one.run}: {error}; {end if is_left else 'it had listed nothing, and is forgotten'}")
        return _USAGE if isinstance(error, ConfigurationError) else 1
