"""How often a job is tried, and after how long. Pure."""

from random import Random

from pupline.bulk._hosts import Job
from pupline.errors import TaskFailure
from pupline.sources import max_page_attempts, page_pause_seconds
from pupline.tasks.ingest_item import MAX_ATTEMPTS, PATIENT_ATTEMPTS

FIRST_BACK_OFF_SECONDS = 1.0
LONGEST_BACK_OFF_SECONDS = 30.0


def max_attempts(job: Job, failure: TaskFailure) -> int:
    """How many attempts the job has in all, given the state of its host. failure: the latest."""
    if job.kind != "image":  # many images depend on a list page or a robots.txt
        can_wait = job.page is not None and job.page.can_wait
        return max_page_attempts(failure, has_answered=job.host.good > 0, can_wait=can_wait)
    if job.host.refusal is not None:
        return 0
    return PATIENT_ATTEMPTS if _is_host_failing(job) else MAX_ATTEMPTS


def back_off_seconds(job: Job, random: Random) -> float:
    """Seconds until the job's next attempt: for an image a random part (full jitter) of a growing time."""
    if job.kind != "image":
        return page_pause_seconds(job.attempts, random)
    longest = FIRST_BACK_OFF_SECONDS * 2.0 ** (job.attempts - 1 + _is_host_failing(job))
    return random.uniform(0, min(LONGEST_BACK_OFF_SECONDS, longest))


def _is_host_failing(job: Job) -> bool:
    """Whether the host has given no good response since the job first failed."""
    return job.host.good == job.good_before
