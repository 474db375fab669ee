"""API of jobs: the commands that the console runs."""

from typing import Annotated

from fastapi import APIRouter, Path

from pupline.console.jobs._models import AcceptedJob, JobList, JobModel, OutputModel
from pupline.console.jobs._schedule_api import add_schedule
from pupline.console.web import Console

JobNumber = Annotated[int, Path(ge=1, le=2**62)]


def api(console: Console) -> APIRouter:
    """The API of this area."""
    router = APIRouter(tags=["jobs"])

    @router.get("/jobs")
    def list_jobs() -> JobList:
        """The jobs that wait or run, and the last ones that have ended."""
        found = [JobModel.of(job) for job in console.jobs.list()]
        return JobList(items=found, count=len(found))

    @router.get("/jobs/{number}")
    def show_job(number: JobNumber) -> JobModel:
        """One job."""
        return JobModel.of(console.jobs.find(number))

    @router.get("/jobs/{number}/output")
    def show_output(number: JobNumber) -> OutputModel:
        """What a job has written so far."""
        console.jobs.find(number)
        return OutputModel.of(console.jobs.output(number))

    @router.post("/jobs/{number}/stop", status_code=202)
    def stop_job(number: JobNumber) -> AcceptedJob:
        """Ask a job to stop, as Ctrl-C does; the third time it is killed."""
        return AcceptedJob.of(console.jobs.stop(number))

    add_schedule(router, console)
    return router
