"""Pages of `about`."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pupline.console.web import Console


def pages(console: Console) -> APIRouter:
    """The pages of this area."""
    router = APIRouter()

    @router.get("/about")
    def about(request: Request) -> Response:
        return console.page(request, "about/about.html")

    return router
