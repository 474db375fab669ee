"""The page `/`."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pupline.console.job_queue import JobRequest
from pupline.console.overview._overview import overview_of
from pupline.console.web import Console

_FIRST_COMMANDS = {
    "sample": ("run", "--source=sample", "--count=12"),
    "hostile": ("run", "--source=sample-hostile", "--count=12"),
    "dogs": ("run", "--count=12"),
}
"""What an empty data directory suggests."""


def pages(console: Console) -> APIRouter:
    """The pages of this area."""
    router = APIRouter()
    commands = {name: console.jobs.command(JobRequest(arguments, name)) for name, arguments in _FIRST_COMMANDS.items()}

    @router.get("/")
    def overview(request: Request) -> Response:
        with console.reader() as backend:
            found = overview_of(backend)
        jobs = [job for job in console.jobs.list() if not job.is_over]
        return console.page(
            request,
            "overview/overview.html",
            overview=found,
            jobs=jobs,
            worked_on={job.run for job in jobs if job.status == "RUNNING"},
            schedule=console.jobs.schedule.find(),
            commands=commands,
        )

    return router
