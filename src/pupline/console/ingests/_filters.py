"""Query parameters of the pages of ingests."""

from typing import Literal

from pydantic import Field

from pupline.console.web import Cursor, Filters, Text


class IngestFilters(Filters):
    """Which ingests. after: the run after which the page begins."""

    dataset: Text = None
    status: Literal["RUNNING", "SUCCEEDED", "FAILED", "ABORTED", "TIMED_OUT", "DISCARDED"] | None = None
    after: Cursor = None
    limit: int = Field(50, ge=1, le=500)


class ComparedRuns(Filters):
    """Two runs."""

    a: str = Field(min_length=1, max_length=200)
    b: str = Field(min_length=1, max_length=200)
