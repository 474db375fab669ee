"""Pages of jobs, and of the schedule."""

import time
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pupline.backends import StackBackend
from pupline.console.jobs._api import JobNumber
from pupline.console.jobs._schedule_view import interval_text, schedule_view
from pupline.console.web import Console
from pupline.specs import presets
from pupline.text import printable

_LATE_SECONDS = 10.0
_LINE_CHARACTERS = 2000
_LINES = 2000
"""Of the begin and of the end of an output, on the page; the API has all that is kept."""

_MESSAGE = "pupline: "
"""What the command line puts before its messages."""

_SAID = 3
"""Messages of a job that failed, above its output."""


def pages(console: Console) -> APIRouter:
    """The pages of this area."""
    router = APIRouter()

    @router.get("/jobs")
    def jobs(request: Request) -> Response:
        found = console.jobs.list()
        waiting = [job for job in reversed(found) if job.status == "QUEUED"]
        return console.page(
            request,
            "jobs/jobs.html",
            running=[job for job in found if job.status == "RUNNING"] + waiting,
            ended=[job for job in found if job.is_over],
            trouble=console.jobs.trouble,
        )

    @router.get("/jobs/{number}")
    def job(request: Request, number: JobNumber) -> Response:
        found, output = console.jobs.find(number), console.jobs.output(number)
        first = last = _lines(output.head)
        if output.left_out or len(first) > 2 * _LINES:
            last = _lines(output.tail) if output.left_out else first
            first, last = first[:_LINES], last[-_LINES:]
        else:
            last = []
        said = [line.removeprefix(_MESSAGE) for line in (last or first) if line.startswith(_MESSAGE)][-_SAID:]
        given: dict[str, Any] = {"first": first, "last": last, "left_out": output.left_out, "said": said}
        return console.page(request, "jobs/job.html", job=found, parent="/jobs", **given)

    _add_schedule(router, console)
    return router


def _add_schedule(router: APIRouter, console: Console) -> None:
    @router.get("/schedule")
    def schedule(request: Request) -> Response:
        view = schedule_view(console)
        found = view.schedule
        return console.page(
            request,
            "jobs/schedule.html",
            view=view,
            interval=interval_text(found.every) if found else None,
            is_working=bool(view.runs) and view.runs[0].status in {"QUEUED", "RUNNING"},
            is_late=found is not None and not found.is_paused and found.next_at < time.time() - _LATE_SECONDS,
            trouble=console.jobs.trouble,
            stack=console.settings.stack,
            stack_schedule=_stack_schedule(console),
            sources=presets(),
        )


def _stack_schedule(console: Console) -> tuple[str, str] | None:
    """State and expression of the stack's own schedule; None on one machine."""
    if console.settings.stack is None:
        return None
    with console.reader() as backend:
        return backend.schedule if isinstance(backend, StackBackend) else None


def _lines(text: str) -> list[str]:
    """The lines, without what could mislead. A carriage return, as of a progress line, begins another line."""
    return [printable(line, _LINE_CHARACTERS) for line in text.splitlines()]
