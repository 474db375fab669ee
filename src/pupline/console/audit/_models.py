"""The shapes of the audit's API."""

from pydantic import BaseModel

from pupline.console.web import object_path, path_of, thumbnail_path
from pupline.errors import Outcome, Reason
from pupline.tasks.pages import Count, Facet, Page, RecordField, RecordItem


class RecordModel(BaseModel):
    """An audit record as `pupline audit --json` prints it, and where it belongs.

    id: names it in URLs. run, dataset: where they exist. host: of source_url. href: its page. thumbnail, object: paths
    of its picture and its bytes; None where there are none.
    """

    id: str
    image_name: str
    image_url: str | None
    upload_timestamp: str
    file_type: str | None
    alert_triggered: bool
    outcome: Outcome
    reason: Reason
    alert_sent: bool | None
    alert_reasons: list[str]
    source: str | None
    source_url: str | None
    sha256: str | None
    size_bytes: int | None
    width: int | None
    height: int | None
    content_type: str | None
    name_extension: str | None
    breed: str | None
    execution: str
    error: str | None
    cause: str | None
    run: str | None
    dataset: str | None
    host: str | None
    href: str
    thumbnail: str | None
    object: str | None

    @classmethod
    def of(cls, item: RecordItem) -> "RecordModel":
        """The record of an item."""
        return cls(
            **item.record.as_dict(),
            id=item.id,
            run=item.run,
            dataset=item.dataset,
            host=item.host,
            href=path_of("audit", item.id),
            thumbnail=thumbnail_path(item.record),
            object=object_path(item.record),
        )


class RecordList(BaseModel):
    """A page of records. searched_to: where a search stopped for now, in seconds since the epoch."""

    items: list[RecordModel]
    next: str | None
    previous: str | None
    count: int
    count_is_capped: bool
    searched_to: float | None

    @classmethod
    def of(cls, page: Page[RecordItem], count: Count) -> "RecordList":
        """The list of a page."""
        return cls(
            items=[RecordModel.of(item) for item in page.items],
            next=page.next,
            previous=page.previous,
            count=count.number,
            count_is_capped=count.is_capped,
            searched_to=page.searched_to,
        )


class FacetModel(BaseModel):
    """One value and the number of records with it; None: those without a value."""

    value: str | None
    count: int


class FacetList(BaseModel):
    """The values of a field, most frequent first; of `day`, newest first."""

    field: RecordField
    values: list[FacetModel]

    @classmethod
    def of(cls, field: RecordField, values: list[Facet]) -> "FacetList":
        """The list of facets."""
        return cls(field=field, values=[FacetModel(value=one.value, count=one.count) for one in values])
