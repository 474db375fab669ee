"""A job: one command of pupline that the console runs in a process of its own."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, TypeAlias

from pupline.text import timestamp, timestamp_or_none

JobStatus: TypeAlias = Literal["QUEUED", "RUNNING", "SUCCEEDED", "FAILED", "ABORTED"]
ENDED: frozenset[JobStatus] = frozenset({"SUCCEEDED", "FAILED", "ABORTED"})

_WITH_LOCK = frozenset({"run", "ingest", "resume", "redrive", "discard", "prune", "merge", "alerts"})
"""Commands that hold the data directory, `alerts` with --retry. `stop` does without: it asks the process that works."""

_EXIT_CODES = {
    0: "all good",
    1: "finished, but some failed",
    2: "it could not work as it was asked for",
    3: "stopped by --tolerate",
    130: "interrupted; the state is saved",
}
_BY_SIGNAL = 128


@dataclass(frozen=True, slots=True)
class JobRequest:
    """A command to run. arguments: those of `pupline`, without the options that name the backend.

    title: for people, such as `Redrive monday-00007`. input: what the command reads from its standard input.
    is_read_only: the command changes nothing, such as a dry run; it never waits.
    """

    arguments: tuple[str, ...]
    title: str
    input: str | None = None
    is_read_only: bool = False

    @property
    def takes_lock(self) -> bool:
        """Whether the command holds the data directory, so that one of its kind runs at a time."""
        return not self.is_read_only and self.arguments[0] in _WITH_LOCK


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as it is now.

    command: as a person would type it. waits_for: what a job that is queued, or that waits for the data directory,
    waits for, for people. exit_code: None until it has ended, and where its end was not seen. stops: how often it was
    asked to stop. schedule: whether the schedule started it. run: that it starts or goes on with, if it names one.
    is_ingest: whether that is one of `ingest`.
    """

    id: int
    title: str
    command: str
    input: str | None
    status: JobStatus
    is_read_only: bool
    schedule: bool
    submitted_at: float
    started_at: float | None
    ended_at: float | None
    exit_code: int | None
    stops: int
    process: int | None
    waits_for: str | None
    run: str | None
    is_ingest: bool

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.status in ENDED

    @property
    def outcome(self) -> str | None:
        """How it ended, for people; None until then."""
        if not self.is_over:
            return None
        if self.started_at is None:
            return "stopped before it started"
        if self.exit_code is None:
            return "its process was killed, or the machine stopped: what it left unfinished can be resumed"
        if self.exit_code in _EXIT_CODES:
            return _EXIT_CODES[self.exit_code]
        if self.exit_code > _BY_SIGNAL:
            return f"ended by signal {self.exit_code - _BY_SIGNAL}"
        return f"exit code {self.exit_code}"

    def as_dict(self) -> Mapping[str, Any]:
        """The JSON object of the API."""
        return {
            "id": self.id,
            "title": self.title,
            "command": self.command,
            "status": self.status,
            "run": self.run,
            "waits_for": self.waits_for,
            "exit_code": self.exit_code,
            "outcome": self.outcome,
            "schedule": self.schedule,
            "submitted_at": timestamp(self.submitted_at),
            "started_at": timestamp_or_none(self.started_at),
            "ended_at": timestamp_or_none(self.ended_at),
        }


@dataclass(frozen=True, slots=True)
class JobOutput:
    """What a job wrote, stdout and stderr together. left_out: bytes left out between `head` and `tail`."""

    head: str
    tail: str
    left_out: int


def status_of(exit_code: int | None) -> JobStatus:
    """The status of a job that ended with this code. None: it was not recorded."""
    match exit_code:
        case 0:
            return "SUCCEEDED"
        case 130:
            return "ABORTED"
        case _:
            return "FAILED"


def run_of(arguments: Sequence[str]) -> str | None:
    """The run that a command names with an option."""
    for argument, following in pairwise((*arguments, "")):
        name, _, value = argument.partition("=")
        if name in {"--run-id", "--run"}:
            return value or following
    return None


def command_line(arguments: tuple[str, ...]) -> str:
    """The command for a shell."""
    return shlex.join(("pupline", *arguments))
