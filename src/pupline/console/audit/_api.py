"""The API of audit records."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse

from pupline.console.audit._export import Exports
from pupline.console.audit._filters import AuditFilters, ExportFilters, FacetFilters
from pupline.console.audit._models import FacetList, RecordList, RecordModel
from pupline.console.web import Console
from pupline.tasks.record_files import MEDIA_TYPES

_FILE: dict[str, Any] = {"content": {media_type.partition(";")[0]: {} for media_type in MEDIA_TYPES.values()}}


def api(console: Console) -> APIRouter:
    """The API of this area."""
    router = APIRouter(tags=["audit"])
    exports = Exports(console)

    @router.get("/audit")
    def list_records(filters: Annotated[AuditFilters, Query()]) -> RecordList:
        """Audit records, by page."""
        query = filters.query(filters.limit, filters.after, filters.before)
        with console.reader() as backend:
            page = backend.pages.record_page(query)
            return RecordList.of(page, page.counted(lambda: backend.pages.count_records(query)))

    @router.get("/audit/facets")
    def list_facets(filters: Annotated[FacetFilters, Query()]) -> FacetList:
        """The values of one field among the records that the other filters select, with their numbers."""
        with console.reader() as backend:
            return FacetList.of(filters.field, list(backend.pages.record_facets(filters.query(), filters.field)))

    @router.get("/audit/export", response_class=StreamingResponse, responses={200: _FILE})
    def export_records(filters: Annotated[ExportFilters, Query()]) -> StreamingResponse:
        """The records that the filters select, as a file in the format of `pupline audit`."""
        return exports.response(filters)

    @router.get("/audit/{record}")
    def show_record(record: str) -> RecordModel:
        """One record."""
        with console.reader() as backend:
            return RecordModel.of(backend.pages.record_item(record))

    return router
