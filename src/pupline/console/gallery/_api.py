"""API of the gallery."""

from typing import Annotated

from fastapi import APIRouter, Query

from pupline.console.audit import FacetList
from pupline.console.gallery._filters import FacetFilters, WindowFilters
from pupline.console.gallery._images import ImageDetails, ImageItem, ImageList, image_details
from pupline.console.gallery._record_view import image_view
from pupline.console.insights import InsightFigures
from pupline.console.web import Console, RecordFilters
from pupline.tasks.pages import Page, RecordItem


def api(console: Console) -> APIRouter:
    """The API of this area."""
    router = APIRouter(tags=["gallery"])
    insights = console.shared(InsightFigures)

    @router.get("/gallery")
    def images(filters: Annotated[WindowFilters, Query()]) -> ImageList:
        """A window of the images that the filters select, and how many there are.

        With `offset` from anywhere; where a stack has no offsets, by the cursors `next` and `previous`.
        """
        query = filters.query(filters.limit, filters.after, filters.before)
        with console.reader() as backend:
            by_offset = backend.pages.has_offsets and not (filters.after or filters.before)
            if by_offset:
                page: Page[RecordItem] = Page(tuple(backend.pages.records_at(query, filters.offset, filters.limit)))
            else:
                page = backend.pages.record_page(query)
            count = backend.pages.count_records(query)
        return ImageList(
            items=[ImageItem.of(item) for item in page.items],
            next=page.next,
            previous=page.previous,
            offset=filters.offset if by_offset else None,
            count=count.number,
            count_is_capped=count.is_capped,
        )

    @router.get("/gallery/facets")
    def facets(filters: Annotated[FacetFilters, Query()]) -> FacetList:
        """The values of one field among the images that the other filters select, with their numbers."""
        with console.reader() as backend:
            found = backend.pages.record_facets(filters.query(), filters.field)
        return FacetList.of(filters.field, list(found))

    @router.get("/gallery/{record}")
    def image(record: str, filters: Annotated[RecordFilters, Query()]) -> ImageDetails:
        """One image with its record, its object, its original, its neighbours, and what the quality pass found."""
        with console.reader() as backend:
            return image_details(image_view(backend, record, filters, insights.placeholders))

    return router
