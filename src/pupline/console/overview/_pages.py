"""Pages of `overview`."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pupline.console.web import Console


def pages(console: Console) -> APIRouter:
    """The pages of this area."""
    router = APIRouter()

    @router.get("/")
    def overview(request: Request) -> Response:
        return console.page(request, "overview/overview.html")

    return router
