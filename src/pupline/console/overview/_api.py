"""The API of the overview."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from pupline.console.overview._overview import Overview, overview_of
from pupline.console.web import Console
from pupline.tasks.pages import Count, ExecutionItem
from pupline.text import timestamp, timestamp_or_none


class CountModel(BaseModel):
    """How many there are; with `count_is_capped` at least so many."""

    count: int
    count_is_capped: bool

    @classmethod
    def of(cls, count: Count) -> "CountModel":
        """The model of a count."""
        return cls(count=count.number, count_is_capped=count.is_capped)


class OverviewModel(BaseModel):
    """What is going on, what went wrong last, and what is unfinished."""

    executions: dict[str, CountModel]
    images: CountModel
    quarantined: CountModel
    undelivered_alerts: CountModel
    failures: list[dict[str, Any]]
    running: list[dict[str, Any]]
    unfinished_runs: list[dict[str, Any]]

    @classmethod
    def of(cls, overview: Overview) -> "OverviewModel":
        """The model of an overview."""
        return cls(
            executions={status: CountModel.of(count) for status, count in overview.executions.items()},
            images=CountModel.of(overview.images),
            quarantined=CountModel.of(overview.quarantined),
            undelivered_alerts=CountModel.of(overview.undelivered),
            failures=[_execution(item) for item in overview.failures],
            running=[_execution(item) for item in overview.running],
            unfinished_runs=[
                {"run": run.run, "kind": run.kind, "listed": run.listed, "done": run.done, "next_step": run.next_step}
                for run in overview.runs
            ],
        )


def api(console: Console) -> APIRouter:
    """The API of this area."""
    router = APIRouter(tags=["overview"])

    @router.get("/overview")
    def overview() -> OverviewModel:
        """What the page `/` shows."""
        with console.reader() as backend:
            return OverviewModel.of(overview_of(backend))

    return router


def _execution(item: ExecutionItem) -> dict[str, Any]:
    row = item.row
    return {
        "execution": row.name,
        "status": row.status,
        "machine": item.machine,
        "run": row.run,
        "start_time": timestamp(row.start_time),
        "stop_time": timestamp_or_none(row.stop_time),
        "error": row.error,
        "cause": row.cause,
    }
