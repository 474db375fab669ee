"""Pages of `sources`."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pupline.console.web import Console


def pages(console: Console) -> APIRouter:
    """The pages of this area."""
    router = APIRouter()

    @router.get("/sources")
    def sources(request: Request) -> Response:
        return console.page(request, "sources/sources.html")

    return router
