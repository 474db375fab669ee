"""Pages of `ingests`."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pupline.console.web import Console


def pages(console: Console) -> APIRouter:
    """The pages of this area."""
    router = APIRouter()

    @router.get("/ingests")
    def ingests(request: Request) -> Response:
        return console.page(request, "ingests/ingests.html")

    return router
