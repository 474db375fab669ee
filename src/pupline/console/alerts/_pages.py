"""Pages of `alerts`."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pupline.console.web import Console


def pages(console: Console) -> APIRouter:
    """The pages of this area."""
    router = APIRouter()

    @router.get("/alerts")
    def alerts(request: Request) -> Response:
        return console.page(request, "alerts/alerts.html")

    return router
