"""Jobs: what the console does is a command of pupline in a process of its own.

jobs = Jobs(JobSettings.of_machine(data_dir, ("--data", "dogs")))
jobs.start()
job = jobs.submit(JobRequest(("redrive", "--", name), title=f"Redrive {name}"))
"""

from pupline.console.job_queue._job import ENDED, Job, JobOutput, JobRequest, JobStatus
from pupline.console.job_queue._jobs import KEPT, Jobs, JobSettings
from pupline.console.job_queue._requests import (
    IngestOptions,
    RunOptions,
    discard,
    dry_run,
    ingest,
    next_step,
    redrive,
    resume,
    retry_alerts,
    run,
    run_again,
    stop,
)
from pupline.console.job_queue._schedule import DEFAULT_SOURCE, Schedule, ScheduledRun, Scheduler

__all__ = [
    "DEFAULT_SOURCE",
    "ENDED",
    "KEPT",
    "IngestOptions",
    "Job",
    "JobOutput",
    "JobRequest",
    "JobSettings",
    "JobStatus",
    "Jobs",
    "RunOptions",
    "Schedule",
    "ScheduledRun",
    "Scheduler",
    "discard",
    "dry_run",
    "ingest",
    "next_step",
    "redrive",
    "resume",
    "retry_alerts",
    "run",
    "run_again",
    "stop",
]
