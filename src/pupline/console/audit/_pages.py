"""Pages of `audit`."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pupline.console.web import Console


def pages(console: Console) -> APIRouter:
    """The pages of this area."""
    router = APIRouter()

    @router.get("/audit")
    def audit(request: Request) -> Response:
        return console.page(request, "audit/audit.html")

    return router
