"""The port for acting: what commands ask of one machine and of a deployed stack alike. `Reader` is the one for reading.

One contract suite (`tests/backends/test_contract.py`) holds for both.
"""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, Self, TypeAlias

from pupline.backends._results import ExecutionResult
from pupline.backends._settings import RunSettings
from pupline.http import Proxy
from pupline.tasks.ports import ErasableStore, ReadableStore, Reader

if TYPE_CHECKING:
    from pupline.bulk import IngestEvent, IngestReport, IngestRequest
    from pupline.local import QualityTable
    from pupline.tasks.pages import Pages


@dataclass(frozen=True, slots=True)
class Again:
    """An execution to run again, as a new one of the same definition.

    state: begin at this top-level state, as it was last entered. edited: JSON text, instead of the input it had.
    """

    execution: str
    state: str | None = None
    edited: str | None = None


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A run of `count` executions, one image each.

    concurrency: executions at the same time. run_id: None for a new run, named after the time. sample_if_offline: use
    the sample source where the source cannot be reached. proxy: for sources and images; it is not kept with the run.
    again: what to run again, instead of `count` executions with these settings; its run has the settings that it had.
    """

    settings: RunSettings
    count: int = 1
    concurrency: int = 8
    run_id: str | None = None
    sample_if_offline: bool = False
    proxy: Proxy | None = None
    again: Again | None = None


@dataclass(frozen=True, slots=True)
class RedriveSelection:
    """The executions to redrive. names: none for all that failed, timed out or were aborted.

    run, workflow: of that run and that state machine only, if given.
    """

    names: tuple[str, ...] = ()
    run: str | None = None
    proxy: Proxy | None = None
    workflow: str | None = None


@dataclass(frozen=True, slots=True)
class DiscardSelection:
    """What to discard: a run, or all runs of a dataset with everything of it."""

    run: str | None = None
    dataset: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscardReport:
    """What was discarded, or would be. unfinished: of the runs. images, outputs: files removed, of so many bytes.

    kept: images that other runs need. changed: files that somebody changed since, which stay.
    """

    runs: tuple[str, ...]
    unfinished: tuple[str, ...]
    images: int
    bytes: int
    outputs: int
    kept: int
    changed: int


@dataclass(frozen=True, slots=True)
class RunReport:
    """How executions that were run, resumed or redriven ended.

    run_id: None where they belong to several runs. finished: those that ended; failed: those of them that did not
    succeed. leftovers: executions of earlier runs that were finished first. refused: why executions could not be
    started, resumed or redriven. undelivered: alerts still in the outbox. waited: those that were there before, where
    the command is to deliver them.
    """

    run_id: str | None = None
    finished: int = 0
    failed: int = 0
    leftovers: int = 0
    refused: tuple[str, ...] = ()
    interrupted: bool = False
    undelivered: int = 0
    waited: int = 0


@dataclass(frozen=True, slots=True)
class RetryReport:
    """What became of deliveries of alerts that were tried again. waiting: they will be tried again, later."""

    delivered: int
    waiting: int
    given_up: int


@dataclass(frozen=True, slots=True)
class RunStarted:
    """Executions start. total: how many results there will be, at most.

    unfinished: executions that an earlier process began. ended: executions of the run that have ended already, whose
    results come first.
    """

    total: int
    unfinished: int = 0
    ended: int = 0


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """One attempt of a task failed; the workflow decides what follows."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An execution that cannot be started, resumed or redriven, and stays as it is. reason: for people."""

    execution: str
    reason: str


@dataclass(frozen=True, slots=True)
class BatchDone:
    """A batch of a bulk ingest has ended, with so many items by outcome."""

    outcomes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Note:
    """Something for people to know, in one line."""

    text: str


@dataclass(frozen=True, slots=True)
class Stopping:
    """Ctrl-C or SIGTERM arrived, and what is under way ends. Sent from within the signal handler: do little."""


RunEvent: TypeAlias = RunStarted | ExecutionResult | AttemptFailed | Refused | Note | Stopping
RunListener: TypeAlias = Callable[[RunEvent], None]
"""Gets the result of each execution once."""

BulkEvent: TypeAlias = "IngestEvent | BatchDone | Note | Stopping"
BulkListener: TypeAlias = Callable[[BulkEvent], None]
"""Gets BatchDone from the threads of the functions, one at a time; all else in the calling thread."""


@dataclass(frozen=True, slots=True)
class Check:
    """A finding of `doctor`. next_step: what to do about it; empty where there is nothing to do."""

    name: str
    status: Literal["ok", "warning", "error"]
    detail: str
    next_step: str = ""


@dataclass(frozen=True, slots=True)
class AuditExport:
    """An export of all audit records. location: of its files. bytes: for which AWS asks its price."""

    export: str
    location: str
    records: int
    bytes: int


class Backend(Reader, Protocol):
    """Where workflows run; a context manager. It opens what it needs when that is first used.

    Every method raises ConfigurationError where the data directory, the stack or its credentials cannot be used.

    options: the command-line options that name this backend, with a space before each; empty for the default one.
    unfinished_work: what becomes of unfinished executions when a command ends early, and the next step, for people.
    unlisted: which executions and runs the lists leave out, and the next step, for people; None where they have all.
    """

    @property
    def options(self) -> str: ...

    @property
    def unfinished_work(self) -> str: ...

    @property
    def unlisted(self) -> str | None: ...

    @property
    def pages(self) -> "Pages":
        """The lists of the console, by page."""

    def run(self, request: RunRequest, listener: RunListener) -> RunReport:
        """Start what the run lacks of its executions, and wait for all of them.

        A run that exists must have the same settings. On one machine everything that is unfinished is finished first.
        Raises: StorageError, BackendUnavailable.
        """

    def redrive(self, request: RedriveSelection, listener: RunListener) -> RunReport:
        """Resume executions at the state that did not succeed, and wait for them.

        Those for which that would do no good are left alone, each with a Refused event.
        """

    def stop(self, name: str, error: str | None, cause: str | None) -> str:
        """Abort an execution, or end a run; its status then, or what happens to it, for people.

        What has ended stays as it is.
        """

    def ingest(self, request: "IngestRequest", listener: BulkListener, *, workflow: bool) -> "IngestReport":
        """Ingest a source, or resume the run that the same request began. workflow: through BulkIngest.

        Raises: StorageError; BackendUnavailable; PuplineError when the source cannot be listed.
        """

    @property
    def bucket_name(self) -> str:
        """The name of the bucket, as in `s3://NAME/KEY`."""

    @property
    def exports(self) -> str:
        """Where exports go by default: a directory, or an S3 URI."""

    def bucket(self) -> ReadableStore:
        """The bucket, to read from."""

    def writable_bucket(self) -> AbstractContextManager[ErasableStore]:
        """The bucket, to put and delete as well, inside the block. Raises: ConfigurationError while it is in use."""

    def quality_journal(self) -> "AbstractContextManager[QualityTable]":
        """The journal of the quality pass over this backend's datasets, which is on this machine in any case."""

    def location(self, key: str) -> str:
        """Where the object with this key is, for people: a path or a URL."""

    def folder(self, image_url: str) -> str:
        """Where the folder of a recorded image is, for people: a path in the data directory in use, or a URL."""

    def export_audit(self, listener: Callable[[Note], None]) -> AuditExport:
        """Export all audit records, for queries of a stack's table `records`, and wait for the end.

        Raises: ConfigurationError on one machine, where they are in a database; PuplineError when the export fails.
        """

    def doctor(self, source: str, proxy: Proxy | None = None) -> list[Check]:
        """All checks. source: the source to reach, where this backend fetches from one that the command names."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None:
        """Release what was opened. Raises: DamagedDatabase where damage caused the error."""
