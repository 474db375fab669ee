"""Pages of `jobs`."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pupline.console.web import Console


def pages(console: Console) -> APIRouter:
    """The pages of this area."""
    router = APIRouter()

    @router.get("/jobs")
    def jobs(request: Request) -> Response:
        return console.page(request, "jobs/jobs.html")

    @router.get("/schedule")
    def schedule(request: Request) -> Response:
        return console.page(request, "jobs/schedule.html")

    return router
