"""Pages of `insights`."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pupline.console.web import Console


def pages(console: Console) -> APIRouter:
    """The pages of this area."""
    router = APIRouter()

    @router.get("/insights")
    def insights(request: Request) -> Response:
        return console.page(request, "insights/insights.html")

    return router
