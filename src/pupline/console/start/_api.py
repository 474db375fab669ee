"""API that starts runs and ingests."""

from dataclasses import replace

from fastapi import APIRouter

from pupline.console.job_queue import ingest, run
from pupline.console.jobs import AcceptedJob
from pupline.console.start._models import NewIngest, NewRun
from pupline.console.web import Console
from pupline.tasks.run_ids import new_run_id


def api(console: Console) -> APIRouter:
    """The API of this area."""
    router = APIRouter(tags=["start"])

    @router.post("/runs", status_code=202)
    def start_run(body: NewRun) -> AcceptedJob:
        """Fetch images, each by an execution of the workflow."""
        options = replace(body.options(), run_id=new_run_id())  # by which the job's page finds what it started
        return AcceptedJob.of(console.jobs.submit(run(options)))

    @router.post("/ingests", status_code=202)
    def start_ingest(body: NewIngest) -> AcceptedJob:
        """Fetch every image of a source, or list what would be fetched."""
        options = body.options()
        if not options.dry_run:
            options = replace(options, run_id=new_run_id())
        if console.settings.stack is not None:
            options = replace(options, workflow=True)
        return AcceptedJob.of(console.jobs.submit(ingest(options)))

    return router
