"""Pages of `executions`."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pupline.console.web import Console


def pages(console: Console) -> APIRouter:
    """The pages of this area."""
    router = APIRouter()

    @router.get("/executions")
    def executions(request: Request) -> Response:
        return console.page(request, "executions/executions.html")

    return router
