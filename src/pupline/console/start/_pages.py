"""The page that starts runs and ingests."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import Field

from pupline.console.job_queue import IngestOptions, RunOptions, ingest, run
from pupline.console.web import Console, Filters, Text
from pupline.specs import presets, spec_named


class StartParameters(Filters):
    """What the forms begin with."""

    source: Text = None
    breed: Text = None
    image_url: Text = None
    count: int | None = Field(None, ge=1, le=1_000_000)


def pages(console: Console) -> APIRouter:
    """The pages of this area."""
    router = APIRouter()
    single = [name for name in presets() if (spec := spec_named(name)) is not None and spec.has_random_image]

    @router.get("/start")
    def start(request: Request, given: Annotated[StartParameters, Query()]) -> Response:
        chosen = RunOptions(given.count or 1, given.source, given.breed, given.image_url)
        whole = IngestOptions(given.source or "dog-ceo", count=given.count)
        return console.page(
            request,
            "start/start.html",
            given=given,
            single=single,
            sources=presets(),
            is_stack=console.settings.stack is not None,
            run_command=console.jobs.command(run(chosen)),
            ingest_command=console.jobs.command(ingest(whole)),
        )

    return router
