"""How often a job is tried, and after how long. Pure."""

from random import Random

from pupline.bulk._hosts import Job
from pupline.errors import TaskFailure, UnreadableAnswer
from pupline.tasks.ingest_item import MAX_ATTEMPTS, PATIENT_ATTEMPTS

FIRST_BACK_OFF_SECONDS = 1.0
LONGEST_BACK_OFF_SECONDS = 30.0

PAGE_ATTEMPTS = 8
"""For a list page, or a robots.txt, of a host that has answered before: many images depend on it."""


def max_attempts(job: Job, failure: TaskFailure) -> int:
    """How many attempts the job has in all, given the state of its host. failure: the latest."""
    if isinstance(failure, UnreadableAnswer):
        return MAX_ATTEMPTS  # the host answers: either this was one bad response, or all will be like it
    if job.kind != "image":
        return PAGE_ATTEMPTS if job.host.good else MAX_ATTEMPTS
    if job.host.refusal is not None:
        return 0
    return PATIENT_ATTEMPTS if _is_host_failing(job) else MAX_ATTEMPTS


def back_off_seconds(job: Job, failure: TaskFailure, random: Random) -> float:
    """Seconds until the job's next attempt: a random part (full jitter) of an exponentially growing time."""
    is_host_failing = _is_host_failing(job) and not isinstance(failure, UnreadableAnswer)
    longest = FIRST_BACK_OFF_SECONDS * 2.0 ** (job.attempts - 1 + is_host_failing)
    return random.uniform(0, min(LONGEST_BACK_OFF_SECONDS, longest))


def _is_host_failing(job: Job) -> bool:
    """Whether the host has given no good response since the job first failed."""
    return job.host.good == job.good_before
