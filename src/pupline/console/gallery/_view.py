"""The gallery's page: its images, how many there are, and the values to choose from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pupline.backends import Backend
from pupline.console.gallery._filters import GalleryFilters
from pupline.console.gallery._images import Tile, tile_of
from pupline.console.web import FEW_RECORDS, FacetMenu, Parameter, facet_menus
from pupline.tasks.pages import Count, Facet, Page, RecordField, RecordItem

PAGE_SIZE = 60

FACETS: Mapping[RecordField, str] = {
    "dataset": "Dataset",
    "breed": "Breed",
    "type": "Type",
    "reason": "Reason",
    "alert": "Alert",
    "source": "Source",
    "run": "Run",
    "day": "Date",
}
"""The fields that the page offers to filter by, with their names."""

_AROUND = 2


@dataclass(frozen=True, slots=True)
class GalleryImage:
    """One tile. index: its place among all that match, from 0; None where the backend has no offsets."""

    item: RecordItem
    tile: Tile
    index: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GalleryView:
    """What the page shows. has_offsets: whether pages have numbers; else `page` has the cursors of those around.

    outcomes: number of images by outcome, under the other filters. unlisted: what is left out, for people.
    """

    images: Sequence[GalleryImage]
    count: Count
    outcomes: Sequence[Facet]
    menus: Sequence[FacetMenu]
    has_offsets: bool
    page: Page[RecordItem]
    number: int
    unlisted: str | None

    @property
    def last_number(self) -> int:
        """The number of the last page."""
        return max(1, -(-self.count.number // PAGE_SIZE))

    @property
    def numbers(self) -> list[int | None]:
        """The numbers of pages to link to: the first, those around this one, the last; None for a gap."""
        around = range(self.number - _AROUND, self.number + _AROUND + 1)
        shown = sorted({1, self.last_number, *(one for one in around if 1 <= one <= self.last_number)})
        found: list[int | None] = []
        for before, number in zip([0, *shown], shown, strict=False):
            found += [number] if number == before + 1 else [None, number]
        return found

    @property
    def by_outcome(self) -> dict[str | None, int]:
        """The number of images with each outcome."""
        return {one.value: one.count for one in self.outcomes}

    @property
    def first_index(self) -> int:
        """Of the page's first image."""
        return (self.number - 1) * PAGE_SIZE


def gallery_view(backend: Backend, filters: GalleryFilters, parameters: list[Parameter]) -> GalleryView:
    """The page that the filters ask for. parameters: those that select images."""
    pages = backend.pages
    query = filters.query(PAGE_SIZE, filters.after, filters.before)
    first = (filters.page - 1) * PAGE_SIZE
    if pages.has_offsets and not (filters.after or filters.before):
        page: Page[RecordItem] = Page(tuple(pages.records_at(query, first, PAGE_SIZE)))
    else:
        page, first = pages.record_page(query), -1
    count = pages.count_records(query)
    is_small = pages.has_offsets and count.number <= FEW_RECORDS
    counted = tuple(FACETS) if is_small else () if filters.facet is None else (filters.facet,)
    return GalleryView(
        images=[
            GalleryImage(item, tile_of(item), first + number if first >= 0 else None)
            for number, item in enumerate(page.items)
        ],
        count=count,
        outcomes=pages.record_facets(query, "outcome"),
        menus=facet_menus(pages, query, parameters, FACETS, counted),
        has_offsets=first >= 0,
        page=page,
        number=filters.page,
        unlisted=pages.unlisted,
    )
