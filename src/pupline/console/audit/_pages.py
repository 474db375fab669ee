"""The pages of audit records."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from pupline.console.audit._export import Exports
from pupline.console.audit._filters import FORMATS, AuditFilters, ExportFilters
from pupline.console.audit._view import audit_view, record_view
from pupline.console.web import Console, RecordFilters, chips, kept


def pages(console: Console) -> APIRouter:
    """The pages of this area."""
    router = APIRouter()
    exports = Exports(console)

    @router.get("/audit")
    def audit(request: Request, filters: Annotated[AuditFilters, Query()]) -> Response:
        parameters = kept(request.query_params.multi_items())
        with console.reader() as backend:
            view = audit_view(backend, filters, parameters)
        return console.page(
            request,
            "audit/audit.html",
            view=view,
            filters=filters,
            kept=parameters,
            chips=list(chips(parameters)),
            formats=FORMATS,
        )

    @router.get("/audit/export")
    def export(filters: Annotated[ExportFilters, Query()]) -> Response:
        return exports.response(filters)

    @router.get("/audit/{record}")
    def record(request: Request, record: str, filters: Annotated[RecordFilters, Query()]) -> Response:
        with console.reader() as backend:
            view = record_view(backend, record, filters)
        return console.page(
            request, "audit/record.html", view=view, kept=kept(request.query_params.multi_items()), parent="/audit"
        )

    return router
