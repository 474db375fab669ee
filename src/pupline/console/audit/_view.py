"""What the audit's pages show."""

from collections.abc import Sequence
from dataclasses import dataclass

from pupline.backends import Backend
from pupline.console.audit._command import audit_command
from pupline.console.audit._filters import AuditFilters
from pupline.console.web import FEW_RECORDS, FacetMenu, Parameter, RecordFilters, facet_menus
from pupline.errors import NoSuchName
from pupline.tasks.pages import AlertItem, AlertQuery, Count, Page, RecordField, RecordItem, RecordQuery

FIELDS: dict[RecordField, str] = {
    "outcome": "Outcome",
    "reason": "Reason",
    "type": "Type",
    "alert": "Alert",
    "breed": "Breed",
    "dataset": "Dataset",
    "run": "Run",
    "source": "Source",
    "host": "Host",
    "day": "Date",
}
"""The fields that the page offers to filter by, with their names."""

_ALERTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditView:
    """The list. command: that prints the same; None where no command does. unlisted: what is left out.

    options: those that name the place to a command.
    """

    page: Page[RecordItem]
    count: Count
    menus: Sequence[FacetMenu]
    command: str | None
    unlisted: str | None
    options: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordView:
    """One record. has_execution: whether there is a page of its execution. previous, next: under the filters."""

    item: RecordItem
    has_execution: bool
    alerts: Sequence[AlertItem]
    previous: RecordItem | None
    next: RecordItem | None
    command: str


def audit_view(backend: Backend, filters: AuditFilters, parameters: Sequence[Parameter]) -> AuditView:
    """The page that the filters ask for. parameters: those that select records."""
    pages = backend.pages
    query = filters.query(filters.limit, filters.after, filters.before)
    page = pages.record_page(query)
    count = page.counted(lambda: pages.count_records(query))
    # A field's own values are lifted for its menu, so what is counted may be far more than what matches.
    is_small = pages.has_offsets and pages.count_records(RecordQuery()).number <= FEW_RECORDS
    counted = [field for field in FIELDS if is_small or field == filters.facet]
    return AuditView(
        page=page,
        count=count,
        menus=facet_menus(pages, query, parameters, FIELDS, counted),
        command=audit_command(filters, backend.options),
        unlisted=pages.unlisted,
        options=backend.options,
    )


def record_view(backend: Backend, record_id: str, filters: RecordFilters) -> RecordView:
    """One record. Raises: NoSuchName."""
    pages = backend.pages
    item = pages.record_item(record_id)
    execution = item.record.execution
    previous, following = pages.record_neighbours(filters.query(), record_id)
    alerts: Sequence[AlertItem] = ()
    if item.record.alert_triggered:
        names = (execution,) if item.run is None else (execution, item.run)  # a bulk run's digest has its own name
        alerts = pages.alert_page(AlertQuery(execution=names, limit=_ALERTS)).items
    return RecordView(
        item=item,
        has_execution=_has_execution(backend, execution),
        alerts=alerts,
        previous=previous,
        next=following,
        command=audit_command(RecordFilters(execution=(execution,)), backend.options) or "",
    )


def _has_execution(backend: Backend, name: str) -> bool:
    try:
        backend.pages.execution_item(name)
    except NoSuchName:
        return False
    return True
