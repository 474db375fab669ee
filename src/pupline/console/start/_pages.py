"""Pages of `start`."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pupline.console.web import Console


def pages(console: Console) -> APIRouter:
    """The pages of this area."""
    router = APIRouter()

    @router.get("/start")
    def start(request: Request) -> Response:
        return console.page(request, "start/start.html")

    return router
