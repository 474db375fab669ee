"""How often a job is tried, and after how long. Pure."""

from random import Random

from pupline.bulk._hosts import Job
from pupline.errors import TaskFailure, UnreadableAnswer
from pupline.tasks.ingest_item import MAX_ATTEMPTS, PATIENT_ATTEMPTS

FIRST_BACK_OFF_SECONDS = 1.0
LONGEST_BACK_OFF_SECONDS = 30.0

PAGE_ATTEMPTS = 8
"""Of a list page, or a robots.txt, of a host that has answered before: without it, much else ends."""


def max_attempts(job: Job, failure: TaskFailure) -> int:
    """How many attempts the job has in all, as things are with its host; failure: the latest."""
    if isinstance(failure, UnreadableAnswer):
        return MAX_ATTEMPTS  # the host is there: either it was one bad answer, or all will be like it
    if job.kind != "image":
        return PAGE_ATTEMPTS if job.host.good else MAX_ATTEMPTS
    if job.host.refusal is not None:
        return 0
    return PATIENT_ATTEMPTS if _is_hosts_trouble(job) else MAX_ATTEMPTS


def back_off(job: Job, failure: TaskFailure, chance: Random) -> float:
    """Seconds until the job's next attempt: a random part (full jitter) of an ever longer time."""
    is_hosts = _is_hosts_trouble(job) and not isinstance(failure, UnreadableAnswer)
    longest = FIRST_BACK_OFF_SECONDS * 2.0 ** (job.attempts - 1 + is_hosts)
    return chance.uniform(0, min(LONGEST_BACK_OFF_SECONDS, longest))


def put_first(job: Job) -> None:
    """Have the job asked for before the others of its host."""
    (job.host.ready if job.kind == "image" else job.host.urgent).appendleft(job)


def put_back(job: Job) -> None:
    """Behind the others: the next attempt shall be another image's, in case that it is this one's own trouble."""
    if job.kind == "image":
        job.host.ready.append(job)
    else:
        job.host.urgent.appendleft(job)


def _is_hosts_trouble(job: Job) -> bool:
    """Whether nothing else has been had from the host since the job first failed."""
    return job.host.good == job.good_before
