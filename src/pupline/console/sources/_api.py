"""API of sources."""

from fastapi import APIRouter
from pydantic import BaseModel, Field

from pupline.console.job_queue import dry_run
from pupline.console.jobs import AcceptedJob
from pupline.console.sources._presets import SourceModel, all_sources, source_named
from pupline.console.web import Console, RequestBody


class SourceList(BaseModel):
    """The built-in sources."""

    items: list[SourceModel]
    next: str | None = None
    previous: str | None = None
    count: int
    count_is_capped: bool = False


class Trial(RequestBody):
    """Which source to try, and how many of its images to list."""

    source: str = Field(min_length=1, max_length=2000)
    count: int = Field(5, ge=1, le=1000)


def api(console: Console) -> APIRouter:
    """The API of this area."""
    router = APIRouter(tags=["sources"])

    @router.get("/sources")
    def list_sources() -> SourceList:
        """The built-in sources."""
        found = all_sources()
        return SourceList(items=found, count=len(found))

    @router.get("/sources/{name}")
    def show_source(name: str) -> SourceModel:
        """One built-in source."""
        return source_named(name)

    @router.post("/sources/test", status_code=202)
    def try_source(body: Trial) -> AcceptedJob:
        """List the first images of a source, which may be a spec file, an API or a list. Nothing is stored."""
        return AcceptedJob.of(console.jobs.submit(dry_run(body.source, body.count)))

    return router
