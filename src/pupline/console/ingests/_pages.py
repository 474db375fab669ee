"""Pages of ingests."""

import time
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from pupline.bulk import progress_of
from pupline.console.ingests._filters import ComparedRuns, IngestFilters
from pupline.console.ingests._view import IngestViews, differences, found_run, ingest_runs, steps_of
from pupline.console.job_queue import resume
from pupline.console.web import Console, with_parameters

_COMPARED = (
    "listed",
    "done",
    "repeated",
    "known",
    "left_out",
    "alerts",
    "bytes_stored",
    "seconds",
    "images_per_second",
)


def pages(console: Console) -> APIRouter:
    """The pages of this area."""
    router, views = APIRouter(), IngestViews(console)
    _add_list(router, console, views)
    _add_comparison(router, console, views)

    @router.get("/ingests/{run}")
    def ingest(request: Request, run: str) -> Response:
        view = views.find(run)
        commands = {label: console.jobs.command(step) for label, step in view.steps.items()}
        return console.page(request, "ingests/ingest.html", view=view, commands=commands, parent="/ingests")

    return router


def _add_list(router: APIRouter, console: Console, views: IngestViews) -> None:
    @router.get("/ingests")
    def ingests(request: Request, filters: Annotated[IngestFilters, Query()]) -> Response:
        settings, (runs, following) = console.settings, views.page(filters)
        with console.reader() as backend:
            datasets = sorted({one.dataset for one in backend.run_names() if one.dataset})
            options = backend.options
        running = [run for run in runs if run.status == "RUNNING"]
        now = time.time()
        working: Mapping[str, Any] = {
            run.run: state
            for run in running
            if settings.stack is None and (state := progress_of(settings.data_dir, run.run, now)) is not None
        }
        rows = []
        for run in runs:
            steps = dict(steps_of(run, options, is_working=run.run in working, is_stack=settings.stack is not None))
            steps.pop("Discard", None)  # one step further, on the run's own page
            rows.append((run, working.get(run.run), {name: console.jobs.command(one) for name, one in steps.items()}))
        following_path = None
        if following is not None:
            kept = [pair for pair in request.query_params.multi_items() if pair[0] != "after"]
            following_path = with_parameters("/ingests", [*kept, ("after", following)])
        return console.page(
            request,
            "ingests/ingests.html",
            rows=rows,
            filters=filters,
            datasets=datasets,
            options=options,
            following=following_path,
            unfinished=len(running) - len(working) if settings.stack is None else 0,
            resume_command=console.jobs.command(resume()),
        )


def _add_comparison(router: APIRouter, console: Console, views: IngestViews) -> None:
    @router.get("/ingests/compare")
    def compare(request: Request, compared: Annotated[ComparedRuns, Query()]) -> Response:
        first, second = views.find(compared.a), views.find(compared.b)
        with console.reader() as backend:
            names = [run.run for run, _ in zip(ingest_runs(backend, None, None), range(50), strict=False)]
            runs = found_run(backend, compared.a), found_run(backend, compared.b)
        return console.page(
            request,
            "ingests/compare.html",
            first=first,
            second=second,
            figures=[name for name in _COMPARED if name in first.summary or name in second.summary],
            outcomes=_names(first.run.outcomes, second.run.outcomes),
            reasons=_names(first.summary.get("reasons"), second.summary.get("reasons")),
            hosts=_hosts(
                {one.origin: one.images for one in first.hosts}, {one.origin: one.images for one in second.hosts}
            ),
            differences=differences(console, *runs),
            names=names,
            parent="/ingests",
        )


def _names(*counts: Mapping[str, int] | None) -> list[str]:
    return sorted({name for found in counts for name in found or {}})


def _hosts(first: Mapping[str, int], second: Mapping[str, int]) -> list[tuple[str, int, int]]:
    """Host, images in the first run, images in the second; the largest first."""
    rows = [(name, first.get(name, 0), second.get(name, 0)) for name in {**first, **second}]
    return sorted(rows, key=lambda row: (-max(row[1:]), row[0]))[:20]
