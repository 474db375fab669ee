"""Pages of sources."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pupline.console.job_queue import IngestOptions, RunOptions, dry_run, ingest, run
from pupline.console.sources._presets import all_sources, source_named
from pupline.console.web import Console
from pupline.specs import spec_text
from pupline.text import printable

_SHOWN_IMAGES = 5
_LINE_CHARACTERS = 400
_LINES = 200


def pages(console: Console) -> APIRouter:
    """The pages of this area."""
    router = APIRouter()

    @router.get("/sources")
    def sources(request: Request) -> Response:
        return console.page(
            request,
            "sources/sources.html",
            sources=all_sources(),
            command=console.jobs.command(dry_run("my-source.toml", _SHOWN_IMAGES)),
        )

    @router.get("/sources/{name}")
    def source(request: Request, name: str) -> Response:
        found = source_named(name)
        trial = dry_run(name, _SHOWN_IMAGES)
        last = next((job for job in console.jobs.list() if job.title == trial.title), None)
        output = console.jobs.output(last.id).head if last is not None else ""
        return console.page(
            request,
            "sources/source.html",
            source=found,
            toml=spec_text(name),
            trial_command=console.jobs.command(trial),
            ingest_command=console.jobs.command(ingest(IngestOptions(name))),
            run_command=console.jobs.command(run(RunOptions(source=name))),
            last=last,
            lines=[printable(line, _LINE_CHARACTERS) for line in output.splitlines()[:_LINES]],
            parent="/sources",
        )

    return router
