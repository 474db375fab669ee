"""The query parameters of the audit's pages."""

from typing import Literal, get_args

from pupline.console.web import Cursor, Limit, RecordFilters
from pupline.tasks.pages import RecordField
from pupline.tasks.record_files import RecordFormat

FORMATS: tuple[RecordFormat, ...] = get_args(RecordFormat)


class AuditFilters(RecordFilters):
    """A page of records. facet: the field whose values are counted."""

    after: Cursor = None
    before: Cursor = None
    limit: Limit = 50
    facet: RecordField | None = None


class FacetFilters(RecordFilters):
    """The values of one field."""

    field: RecordField


class ExportFilters(RecordFilters):
    """The records to export, oldest first as on the command line."""

    format: Literal["csv", "jsonl", "parquet"]
    order: Literal["oldest"] = "oldest"
