"""The gallery's query parameters."""

from typing import Annotated

from pydantic import Field, model_validator

from pupline.console.web import Cursor, RecordFilters
from pupline.tasks.pages import RecordField

_MAX_PAGE = 10**7


class GalleryFilters(RecordFilters):
    """A page of the gallery. page: from 1; after, before: instead of it, where a stack has no offsets.

    facet: the field whose values are shown.
    """

    page: Annotated[int, Field(ge=1, le=_MAX_PAGE)] = 1
    after: Cursor = None
    before: Cursor = None
    facet: RecordField | None = None


class WindowFilters(RecordFilters):
    """A window of the gallery, for its script. offset: of the first image, from 0."""

    offset: Annotated[int, Field(ge=0, le=10**10)] = 0
    limit: Annotated[int, Field(ge=1, le=200)] = 60
    after: Cursor = None
    before: Cursor = None

    @model_validator(mode="after")
    def _one_way(self) -> "WindowFilters":
        if self.offset and (self.after or self.before):
            raise ValueError("offset, after and before: give one of them")
        return self


class FacetFilters(RecordFilters):
    """The values of one field."""

    field: RecordField
