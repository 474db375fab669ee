"""Pages of `gallery`."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pupline.console.gallery._bytes import byte_routes
from pupline.console.web import Console


def pages(console: Console) -> APIRouter:
    """The pages of this area."""
    router = APIRouter()
    router.include_router(byte_routes(console))

    @router.get("/gallery")
    def gallery(request: Request) -> Response:
        return console.page(request, "gallery/gallery.html")

    return router
