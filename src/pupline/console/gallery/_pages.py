"""Pages of the gallery."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from pupline.console.gallery._bytes import byte_routes
from pupline.console.gallery._filters import GalleryFilters
from pupline.console.gallery._record_view import image_view
from pupline.console.gallery._view import gallery_view
from pupline.console.insights import InsightFigures
from pupline.console.web import Console, RecordFilters, chips, kept, without


def pages(console: Console) -> APIRouter:
    """The pages of this area, stored bytes and thumbnails."""
    router = APIRouter()
    router.include_router(byte_routes(console))
    insights = console.shared(InsightFigures)

    @router.get("/gallery")
    def gallery(request: Request, filters: Annotated[GalleryFilters, Query()]) -> Response:
        parameters = kept(request.query_params.multi_items())
        with console.reader() as backend:
            view = gallery_view(backend, filters, parameters)
            command = f"pupline run --count 12{backend.options}"
        return console.page(
            request,
            "gallery/gallery.html",
            view=view,
            filters=filters,
            kept=parameters,
            chips=list(chips(parameters)),
            without=without,
            command=command,
        )

    @router.get("/gallery/{record}")
    def image(request: Request, record: str, filters: Annotated[RecordFilters, Query()]) -> Response:
        with console.reader() as backend:
            view = image_view(backend, record, filters, insights.placeholders)
        parameters = kept(request.query_params.multi_items())
        return console.page(request, "gallery/image.html", view=view, kept=parameters)

    return router
