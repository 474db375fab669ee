"""What the API answers about jobs."""

from pydantic import BaseModel, Field

from pupline.console.job_queue import Job, JobOutput


class JobModel(BaseModel):
    """One job. href: its page. waits_for: what holds it up. outcome: how it ended, for people."""

    id: int
    title: str
    command: str
    status: str
    run: str | None
    waits_for: str | None
    exit_code: int | None
    outcome: str | None
    schedule: bool
    submitted_at: str
    started_at: str | None
    ended_at: str | None
    href: str

    @classmethod
    def of(cls, job: Job) -> "JobModel":
        """The model of a job."""
        return cls(**job.as_dict(), href=f"/jobs/{job.id}")


class JobList(BaseModel):
    """All jobs that are kept, newest first."""

    items: list[JobModel]
    next: str | None = None
    previous: str | None = None
    count: int
    count_is_capped: bool = False


class AcceptedJob(BaseModel):
    """A command that was accepted, and the job that runs it."""

    message: str
    job: JobModel

    @classmethod
    def of(cls, job: Job) -> "AcceptedJob":
        """The answer for a job."""
        what = "stopped" if job.is_over else "running" if job.status == "RUNNING" else "accepted"
        return cls(message=f"{job.title}: {what}", job=JobModel.of(job))


class OutputModel(BaseModel):
    """What a job has written, stdout and stderr together. left_out: bytes left out between head and tail."""

    head: str
    tail: str
    left_out: int = Field(ge=0)

    @classmethod
    def of(cls, output: JobOutput) -> "OutputModel":
        """The model of an output."""
        return cls(head=output.head, tail=output.tail, left_out=output.left_out)
