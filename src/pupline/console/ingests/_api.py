"""API of ingests."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from pupline.console.ingests._filters import ComparedRuns, IngestFilters
from pupline.console.ingests._view import (
    IngestView,
    IngestViews,
    differences,
    found_run,
    step_named,
)
from pupline.console.job_queue import resume
from pupline.console.jobs import AcceptedJob
from pupline.console.web import Console
from pupline.local import Differences
from pupline.tasks.ports import RunSummary
from pupline.text import timestamp, timestamp_or_none


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
            ended_at=timestamp_or_none(run.ended_at),
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
    views = IngestViews(console)

    @router.get("/ingests")
    def list_ingests(filters: Annotated[IngestFilters, Query()]) -> IngestList:
        """Ingests, newest first."""
        runs, following = views.page(filters)
        found = [IngestModel.of(run) for run in runs]
        return IngestList(items=found, next=following, count=len(found), count_is_capped=following is not None)

    @router.get("/ingests/compare")
    def compare_ingests(compared: Annotated[ComparedRuns, Query()]) -> Comparison:
        """Two ingests side by side, and how their images differ."""
        with console.reader() as backend:
            first, second = found_run(backend, compared.a), found_run(backend, compared.b)
        return Comparison(
            a=_detail(console, views.find(first.run)),
            b=_detail(console, views.find(second.run)),
            differences=differences(console, first, second),
        )

    @router.get("/ingests/{run}")
    def show_ingest(run: str) -> IngestDetail:
        """One ingest."""
        return _detail(console, views.find(run))

    @router.post("/resume", status_code=202)
    def resume_all() -> AcceptedJob:
        """Finish every unfinished run, one after another."""
        return AcceptedJob.of(console.jobs.submit(resume()))

    @router.post("/ingests/{run}/{step}", status_code=202)
    def act_on_ingest(run: str, step: str) -> AcceptedJob:
        """Do what its `steps` name: stop, resume, continue, retry-failed, end or discard."""
        return AcceptedJob.of(console.jobs.submit(step_named(views.find(run), step)))

    return router


def _detail(console: Console, view: IngestView) -> IngestDetail:
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
