"""What the API takes to start a run or an ingest."""

from pydantic import Field

from pupline.console.job_queue import IngestOptions, RunOptions
from pupline.console.web import RequestBody

_NAME = Field(None, min_length=1, max_length=2000)


class NewRun(RequestBody):
    """A run of `count` images. source: a preset, a spec file, an API's base URL, or a list of URLs."""

    count: int = Field(1, ge=1, le=1_000_000)
    source: str | None = _NAME
    breed: str | None = _NAME
    image_url: str | None = _NAME
    concurrency: int | None = Field(None, ge=1, le=256)
    allow_origin: str | None = _NAME

    def options(self) -> RunOptions:
        """The options of the command."""
        return RunOptions(**self.model_dump())


class NewIngest(RequestBody):
    """An ingest of a whole source. dry_run: only list what would be fetched."""

    source: str = Field(min_length=1, max_length=2000)
    dataset: str | None = _NAME
    count: int | None = Field(None, ge=1, le=1_000_000_000)
    breed: str | None = _NAME
    concurrency: int | None = Field(None, ge=1, le=1024)
    rate: float | None = Field(None, gt=0, le=1_000_000, allow_inf_nan=False)
    tolerate: float | None = Field(None, ge=0, le=100, allow_inf_nan=False)
    allow_origin: str | None = _NAME
    incremental: bool = False
    workflow: bool = False
    dry_run: bool = False

    def options(self) -> IngestOptions:
        """The options of the command."""
        return IngestOptions(**self.model_dump())
