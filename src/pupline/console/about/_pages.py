"""Pages of `about`."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pupline import __version__
from pupline.console.web import Console


def pages(console: Console) -> APIRouter:
    """The pages of this area."""
    router = APIRouter()

    @router.get("/about")
    def about(request: Request) -> Response:
        origin = str(request.base_url).rstrip("/")
        return console.page(request, "about/about.html", version=__version__, origin=origin)

    return router
