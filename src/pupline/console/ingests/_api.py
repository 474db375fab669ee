"""API of ingests."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from pupline.console.ingests._view import (
    differences,
    found_run,
    ingest_runs,
    ingest_view,
    page_of,
    step_named,
)
from pupline.console.jobs import AcceptedJob
from pupline.console.web import Console, Cursor, Filters, Text
from pupline.local import Differences
from pupline.tasks.ports import RunSummary
from pupline.text import timestamp


class IngestFilters(Filters):
    """Which ingests. after: the run after which the page begins."""

    dataset: Text = None
    status: Text = Field(None, pattern="^(RUNNING|SUCCEEDED|FAILED|ABORTED|TIMED_OUT|DISCARDED)$")
    after: Cursor = None
    limit: int = Field(50, ge=1, le=500)


class ComparedRuns(Filters):
    """Two runs."""

    a: str = Field(min_length=1, max_length=200)
    b: str = Field(min_length=1, max_length=200)


class IngestModel(BaseModel):
    """One ingest, as `pupline runs --json` prints it."""

    run: str
    kind: str
    dataset: str | None
    source: str | None
    status: str
    reason: str | None
    listed: int
    done: int
    outcomes: dict[str, int] | None
    began_at: str
    ended_at: str | None
    next_step: str | None

    @classmethod
    def of(cls, run: RunSummary) -> "IngestModel":
        """The model of a run."""
        return cls(
            run=run.run,
            kind=run.kind,
            dataset=run.dataset,
            source=run.source,
            status=run.status,
            reason=run.reason,
            listed=run.listed,
            done=run.done,
            outcomes=None if run.outcomes is None else dict(run.outcomes),
            began_at=timestamp(run.began_at),
            ended_at=None if run.ended_at is None else timestamp(run.ended_at),
            next_step=run.next_step,
        )


class IngestList(BaseModel):
    """A page of ingests, newest first."""

    items: list[IngestModel]
    next: str | None
    previous: str | None = None
    count: int
    count_is_capped: bool


class IngestDetail(BaseModel):
    """One ingest: its run, its summary, and while a process works on it, how that is doing."""

    run: IngestModel
    summary: dict[str, Any]
    progress: dict[str, Any] | None
    seconds_left: float | None
    hosts_in_all: int
    hosts: list[dict[str, Any]]
    steps: dict[str, str]


class Comparison(BaseModel):
    """Two ingests side by side. differences: of their images, None where these are not known here."""

    a: IngestDetail
    b: IngestDetail
    differences: Differences | None


def api(console: Console) -> APIRouter:
    """The API of this area."""
    router = APIRouter(tags=["ingests"])

    @router.get("/ingests")
    def list_ingests(filters: Annotated[IngestFilters, Query()]) -> IngestList:
        """Ingests, newest first."""
        with console.reader() as backend:
            runs, following = page_of(
                ingest_runs(backend, filters.dataset, filters.status), filters.after, filters.limit
            )
        found = [IngestModel.of(run) for run in runs]
        return IngestList(items=found, next=following, count=len(found), count_is_capped=following is not None)

    @router.get("/ingests/compare")
    def compare_ingests(compared: Annotated[ComparedRuns, Query()]) -> Comparison:
        """Two ingests side by side, and how their images differ."""
        with console.reader() as backend:
            first, second = found_run(backend, compared.a), found_run(backend, compared.b)
        return Comparison(
            a=_detail(console, first.run),
            b=_detail(console, second.run),
            differences=differences(console, first, second),
        )

    @router.get("/ingests/{run}")
    def show_ingest(run: str) -> IngestDetail:
        """One ingest."""
        return _detail(console, run)

    @router.post("/ingests/{run}/{step}", status_code=202)
    def act_on_ingest(run: str, step: str) -> AcceptedJob:
        """Do what its `steps` name: stop, resume, continue, retry-failed, end or discard."""
        return AcceptedJob.of(console.jobs.submit(step_named(ingest_view(console, run), step)))

    return router


def _detail(console: Console, name: str) -> IngestDetail:
    view = ingest_view(console, name)
    return IngestDetail(
        run=IngestModel.of(view.run),
        summary=dict(view.summary),
        progress=None if view.progress is None else dict(view.progress),
        seconds_left=view.seconds_left,
        hosts_in_all=view.hosts_in_all,
        hosts=[_host(one.origin, one.images, one.outcomes) for one in view.hosts],
        steps={label: console.jobs.command(request) for label, request in view.steps.items()},
    )


def _host(origin: str, images: int, outcomes: Mapping[str, int]) -> dict[str, Any]:
    return {"origin": origin, "images": images, "outcomes": dict(outcomes)}
