"""The ports: one Protocol for each outside service, implemented by `pupline.local` and by `pupline.aws`.

One contract suite (`tests/contract`) tests both. Bodies are bytes in memory: the HTTP client bounds their size.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self, TypeAlias

from pupline.tasks.figure_rows import FigureRecord
from pupline.tasks.records import AuditRecord


@dataclass(frozen=True, slots=True)
class ObjectToCreate:
    """A new object. owner: the execution that creates it."""

    key: str
    body: bytes
    sha256: str
    content_type: str
    owner: str


@dataclass(frozen=True, slots=True)
class StoredObject:
    """The object under a key: the new one, or the one that was there."""

    key: str
    sha256: str
    owner: str
    url: str


class ObjectStore(Protocol):
    """A bucket."""

    def create(self, new: ObjectToCreate) -> StoredObject:
        """Store `new` unless its key is taken; the object that is now under the key.

        Never overwrites: `sha256` and `owner` say whether it is the caller's own object, the same bytes from another
        owner (a duplicate), or other bytes (use another key). Once it returns, the object is durable.
        Raises: StorageError.
        """

    def put(self, key: str, body: bytes | Path, content_type: str) -> str:
        """Store `body`, or the file at that path, under `key`, over an existing object; the object's URL.

        For derived objects that can be made again: manifests, metadata, results. Readers find the old bytes or the new
        ones, never a part; once it returns, the new ones are durable. The file may be moved instead of copied.
        Raises: StorageError.
        """

    def read(self, key: str) -> bytes:
        """The object's bytes. Raises: KeyError when there is none; StorageError."""

    def keys(self, prefix: str, after: str = "") -> Iterator[str]:
        """The keys that begin with `prefix` and follow `after`, in the order of their code points.

        Raises: StorageError.
        """


PartTag: TypeAlias = Mapping[str, str]
"""What a store returns for an uploaded part, for `complete_upload`. It may be kept as JSON."""


class NoSuchUpload(LookupError):
    """There is no such upload: it was completed, or given up. The store may give up what is not completed for days."""


class MultipartStore(ObjectStore, Protocol):
    """A bucket of objects larger than memory, which are uploaded in parts, also by several processes one after the
    other, and read in pieces."""

    def chunks(self, key: str) -> Iterator[bytes]:
        """The object's bytes, piece by piece. Raises: KeyError when there is none; StorageError."""

    def start_upload(self, key: str, content_type: str) -> str:
        """The name of a new upload. Nothing is under `key` before it is completed. Raises: StorageError."""

    def upload_part(self, key: str, upload: str, number: int, body: bytes) -> PartTag:
        """Store part `number`, from 1, over an earlier one. All but the last have at least 5 MiB.

        Raises: NoSuchUpload, StorageError.
        """

    def complete_upload(self, key: str, upload: str, tags: Sequence[PartTag]) -> None:
        """Make the parts the object under `key`, as `put` does. tags: of all parts, in order.

        Completing it again does no harm, but may raise NoSuchUpload. Raises: NoSuchUpload, StorageError.
        """


@dataclass(frozen=True, slots=True)
class ObjectFacts:
    """An object without its bytes.

    etag: of these bytes under this key, without quotes. sha256: None where the store does not know it. owner: the
    execution that created the object; empty for other programs' objects. modified_at: seconds since the epoch.
    """

    key: str
    size_bytes: int
    etag: str
    sha256: str | None
    owner: str
    modified_at: float


class OpenObject(Protocol):
    """An object that is open for reading in parts, which all belong to the same bytes; a context manager."""

    @property
    def facts(self) -> ObjectFacts:
        """What was opened."""

    def chunks(self, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` up to `stop`, in pieces of bounded size. Raises: StorageError, also where they end
        early.
        """

    def close(self) -> None:
        """Release it. Closing it again does no harm."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *error: object) -> None: ...


class ReadableStore(ObjectStore, Protocol):
    """A bucket whose objects can be read in parts."""

    def open_object(self, key: str) -> OpenObject:
        """The object under `key`, opened. Raises: KeyError when there is none; StorageError."""

    def keys_of(self, sha256: str) -> Sequence[str]:
        """The keys of objects with this hash, some of them; none where the store does not find them by hash.

        Raises: StorageError.
        """


class ErasableStore(ObjectStore, Protocol):
    """A bucket from which objects can be deleted: derived ones, which can be made again. No Task does that."""

    def delete(self, keys: Sequence[str]) -> int:
        """Delete the objects with these keys, as far as there are any; how many that were. Raises: StorageError."""


class AuditTable(Protocol):
    """The audit records, by `image_name` and `execution`."""

    def put(self, record: AuditRecord) -> AuditRecord:
        """Add `record` unless this execution already has one under this name; the record that is now there.

        Raises: StorageError.
        """

    def put_many(self, records: Sequence[AuditRecord]) -> None:
        """Add the records, each of an execution of its own, and each unless it is there: that one stays as it is.

        Raises: StorageError when some may not have been written. It is safe to add all of them again.
        """


class WriteOnceStore(Protocol):
    """Values that are written once: an execution's choices, so that a second attempt makes the same choice."""

    def remember(self, name: str, value: str) -> str:
        """The first value stored under `name`: this one, durably, unless there was one. Raises: StorageError."""

    def recall(self, name: str) -> str | None:
        """The value stored under `name`, if any. Raises: StorageError."""


class Clock(Protocol):
    """The time, in seconds since the epoch."""

    def now(self) -> float:
        """Now."""


@dataclass(frozen=True, slots=True)
class ExecutionSummary:
    """One execution in a list. Times are seconds since the epoch; stop_time is None while it runs."""

    name: str
    status: str
    run: str | None
    start_time: float
    stop_time: float | None
    error: str | None
    cause: str | None


@dataclass(frozen=True, slots=True)
class ExecutionDetails:
    """One execution with its definition, input, output and history (events as GetExecutionHistory gives them).

    map_runs: of its Distributed Maps, as DescribeMapRun gives them, where the backend counts them.
    """

    row: ExecutionSummary
    definition: Mapping[str, Any]
    input: Any
    output: Any
    history: Sequence[Mapping[str, Any]]
    map_runs: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSummary:
    """One run: executions that were requested together, or an ingest. Times: seconds since the epoch.

    kind: the command that started it: `run`, `ingest` or `ingest --workflow`. status: RUNNING (also while it is
    unfinished and nobody works on it), SUCCEEDED, FAILED, ABORTED, TIMED_OUT, or DISCARDED: removed, apart from its
    records. reason: why, for people. listed: images that it is to have, as far as is known; done: those that ended,
    and outcomes: of these, None where the backend does not count them. next_step: the arguments of the pupline command
    that continues it, or fetches again what failed.
    """

    run: str
    kind: str
    dataset: str | None
    source: str | None
    status: str
    reason: str | None
    listed: int
    done: int
    outcomes: Mapping[str, int] | None
    began_at: float
    ended_at: float | None
    next_step: str | None


class RunName(NamedTuple):
    """A run's ID and its dataset, without the figures, which take longer."""

    run: str
    dataset: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSummary:
    """One dataset. images, bytes: of its accepted images, each counted once; None where the backend cannot tell.

    runs: that are not discarded; unfinished: of these, RUNNING ones. latest_at: when the newest run began.
    """

    dataset: str
    images: int | None
    bytes: int | None
    runs: int
    unfinished: int
    latest_at: float


ChosenAlert: TypeAlias = Callable[[str, float | str], bool]
"""Whether the alert of an execution is chosen, by its name and the alert's time, in seconds or as RFC 3339."""


def any_alert(_: str, __: float | str) -> bool:
    """Every alert is chosen."""
    return True


class Reader(Protocol):
    """What the reading commands need of a backend."""

    def records(
        self,
        *,
        run: str | None = None,
        execution: str | None = None,
        dataset: str | None = None,
        since: float | None = None,
    ) -> Iterator[AuditRecord]:
        """All audit records, oldest first; or those of one run, in the order of its executions; or of one execution.

        since: only those of this time, in seconds since the epoch, and later. dataset: all that bulk runs brought into
        it; other records may come as well, where leaving them out would save the backend nothing.
        """

    def figure_records(
        self, *, run: str | None = None, dataset: str | None = None, since: float | None = None
    ) -> Iterator[FigureRecord]:
        """As `records`, with what figures need of them, and faster where the backend can."""

    def executions(
        self, *, status: str | None = None, run: str | None = None, workflow: str | None = None
    ) -> Iterator[ExecutionSummary]:
        """Executions, newest first. workflow: the name of their state machine."""

    def runs(self, *, dataset: str | None = None, run: str | None = None) -> Iterator[RunSummary]:
        """Runs of every kind, newest first; of one dataset, or with one ID."""

    def run_names(self) -> Iterator[RunName]:
        """The names of all runs, newest first, discarded ones included."""

    def datasets(self) -> Iterator[DatasetSummary]:
        """The datasets that have runs, by name."""

    def execution(self, name: str) -> ExecutionDetails:
        """One execution. Raises: ConfigurationError when there is none of that name."""

    def execution_version(self, name: str) -> str | None:
        """A text that differs whenever more of the execution happened: what was read under it can be shown again.

        None where the backend cannot tell without reading the execution. Raises: as `execution`.
        """

    def child_executions(self, name: str) -> Iterator[ExecutionSummary]:
        """The child executions of an execution's Map Runs that began. Raises: as `execution`."""

    def child_execution(self, name: str, child: str) -> ExecutionDetails:
        """One of them, by its name or ARN. Raises: as `execution`."""

    def ingests(self, *, dataset: str | None = None) -> Iterator[Mapping[str, Any]]:
        """The summaries of bulk runs, newest first, as the JSON object of summary.json; of running ones so far."""

    def alerts(self, *, limit: int | None = None, chosen: ChosenAlert = any_alert) -> Iterator[Mapping[str, Any]]:
        """Alerts, oldest first, of the chosen ones at most the newest `limit`: each the JSON object that
        `pupline alerts --json` prints.

        `deliveries` is None where the backend does not know them.
        """
