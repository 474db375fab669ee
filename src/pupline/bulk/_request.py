"""What an ingest is asked for, what it tells on the way, and what it reports at the end."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from pupline.errors import ConfigurationError, count_failed, count_unaccepted
from pupline.http import DEFAULT_MAX_BYTES, DEFAULT_TIMEOUT_SECONDS, Origin, Proxy, parse_metadata_address
from pupline.images import MAX_PIXELS
from pupline.json_values import JSON
from pupline.text import plain_number

if TYPE_CHECKING:
    from pupline.local import IngestCounts, ItemDone, StopRequested, UndeletedFiles

MAX_CONCURRENCY = 1024
_TUPLES = ("allow_origins", "metadata_addresses")
_SAME_COMMAND = ("source", "dataset", "count", "retry_failed", "incremental", "stop_after_known", "delimiter")


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestRequest:
    """What `pupline ingest` was asked for. Raises ConfigurationError for what cannot be meant together.

    source: a preset, a spec file, a base URL or a list of URLs; None only with `resume` or `retry_failed`, as the run
    knows it. dataset: whose images they are; by default the source's. count: distinct images at most.
    concurrency: requests in flight, in all. host_concurrency: of those at one host; None for 8 at hosts that the user
    did not name, and no limit of its own at those that are trusted. rate: requests a second to one host, at most.
    retry_failed: the run whose failed items are fetched again. incremental: leave out URLs that the dataset knows.
    stop_after_known: end the listing after so many known URLs in a row. tolerate: percent of items that may fail before
    the run is stopped. resume: go on with the dataset's unfinished run. allow_origins: exact origins to trust.
    metadata_addresses: of metadata services, or link-local ones, that trusted origins may be at.
    timeout_seconds, max_bytes, max_pixels: of one image. heed_robots: obey robots.txt and X-Robots-Tag.
    shard_size: images in a tar shard; None for no shards. sidecars: a JSON file beside each image's metadata.
    delimiter: between the cells of a CSV list, where it is not to be found out. contact: for the User-Agent.
    workers: processes; None for as many as serve. run_id: name of a run to make, or to go on with.
    proxy: what all is asked through; it belongs to the network and not to the run, and is not kept.
    """

    source: str | None = None
    dataset: str | None = None
    count: int | None = None
    concurrency: int = 32
    host_concurrency: int | None = None
    rate: float | None = None
    retry_failed: str | None = None
    incremental: bool = False
    stop_after_known: int | None = None
    tolerate: float | None = None
    resume: bool = False
    allow_origins: tuple[str, ...] = ()
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    max_bytes: int = DEFAULT_MAX_BYTES
    heed_robots: bool = True
    shard_size: int | None = None
    sidecars: bool = False
    delimiter: str | None = None
    contact: str | None = None
    workers: int | None = None
    run_id: str | None = None
    metadata_addresses: tuple[str, ...] = ()
    proxy: Proxy | None = field(default=None, compare=False)
    max_pixels: int = MAX_PIXELS

    def __post_init__(self) -> None:
        _check_numbers(self)
        for origin in self.allow_origins:
            Origin.parse(origin)
        for address in self.metadata_addresses:
            parse_metadata_address(address)
        if self.source is None and not (self.resume or self.retry_failed):
            raise ConfigurationError("name a source: a preset, a spec file, a base URL or a list; see: pupline sources")
        if self.resume and self.retry_failed:
            raise ConfigurationError("--resume goes on with a run and --retry-failed begins one: give one of them")

    def as_json(self) -> dict[str, JSON]:
        """The request as a JSON object, as it is kept with the run; `from_json` reads it back, without the proxy."""
        kept = asdict(replace(self, proxy=None))
        del kept["proxy"]
        return {**kept, **{name: list(getattr(self, name)) for name in _TUPLES}}

    @classmethod
    def from_json(cls, data: Any) -> "IngestRequest":
        """What `as_json` wrote; fields it does not know are ignored, missing ones have their defaults."""
        known = {field.name: data[field.name] for field in fields(cls) if field.name in data}
        return cls(**{**known, **{name: tuple(known.get(name, ())) for name in _TUPLES}})

    def is_same_command(self, other: "IngestRequest") -> bool:
        """Whether both ask for the same images; how fast or how patiently does not matter."""
        return all(getattr(self, name) == getattr(other, name) for name in _SAME_COMMAND)


def _check_numbers(request: IngestRequest) -> None:
    limits: tuple[tuple[str, str, float, float], ...] = (
        ("count", "--count", 1, float("inf")),
        ("concurrency", "--concurrency", 1, MAX_CONCURRENCY),
        ("host_concurrency", "--host-concurrency", 1, MAX_CONCURRENCY),
        ("rate", "--rate", 0.001, 1_000_000),
        ("stop_after_known", "--stop-after-known", 1, float("inf")),
        ("tolerate", "--tolerate", 0, 100),
        ("shard_size", "--shards", 1, float("inf")),
        ("timeout_seconds", "--timeout", 0.001, 86_400),
        ("max_bytes", "--max-bytes", 1, float("inf")),
        ("max_pixels", "--max-pixels", 1, float("inf")),
        ("workers", "--workers", 1, 256),
    )
    for name, option, low, high in limits:
        value = getattr(request, name)
        if value is not None and not low <= value <= high:
            most = "" if high == float("inf") else f" and at most {plain_number(high)}"
            raise ConfigurationError(
                f"{option} {plain_number(value)}: give a number of at least {plain_number(low)}{most}"
            )


@dataclass(frozen=True, slots=True)
class IngestStarted:
    """The run is there. resumed: an earlier process began it. before: what came of its items so far, by outcome.

    ended: it is finished, and there is nothing to do.
    """

    run_id: str
    dataset: str
    resumed: bool
    before: Mapping[str, int] = field(default_factory=dict)
    ended: bool = False

    @property
    def done(self) -> int:
        """How many items were finished before."""
        return sum(self.before.values())


@dataclass(frozen=True, slots=True)
class ItemsListed:
    """The listing went on. items: named so far, each once. total: all that it will name, where that is known."""

    items: int
    total: int | None
    complete: bool


@dataclass(frozen=True, slots=True)
class ItemsDone:
    """Items that have ended, each with its record: stored and recorded durably before this is told."""

    items: "Sequence[ItemDone]"


@dataclass(frozen=True, slots=True)
class MetadataWritten:
    """All items have ended, and metadata and manifest hold so many of them by now."""

    items: int


@dataclass(frozen=True, slots=True)
class HostPaused:
    """A host is left alone for a while. why: in words for people."""

    host: str
    seconds: float
    why: str


@dataclass(frozen=True, slots=True)
class ListingNote:
    """Something that the listing left out or put right, in words for people."""

    text: str


IngestEvent: TypeAlias = (
    "IngestStarted | ItemsListed | ItemsDone | MetadataWritten | HostPaused | ListingNote"
    " | StopRequested | UndeletedFiles"
)

IngestListener: TypeAlias = Callable[[IngestEvent], None]
"""Hears all events in the thread that called `ingest`; StopRequested from within a signal handler: do little there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestReport:
    """What became of a run.

    status: RUNNING (interrupted, or the listing stopped: the same command goes on), SUCCEEDED, or FAILED (stopped by
    its tolerance, or by a source that cannot be listed: --resume goes on).
    counts: of all its items, from its beginning; began_done: how many earlier processes had finished.
    listed_complete: the source names no more. repeated: named more than once. known: left out because the dataset
    has them. seconds, cpu_seconds: of this process and its workers. bytes: received by this process's workers.
    trouble: why the items are not all that the source has. folder: `datasets/<dataset>/` in the bucket. outputs: the
    bucket's keys of the files written for the run, if it ended. undelivered: alerts still in the outbox.
    """

    run_id: str
    dataset: str
    status: str
    counts: "IngestCounts"
    began_done: int
    listed_complete: bool
    repeated: int
    known: int
    seconds: float
    cpu_seconds: float
    bytes: int
    interrupted: bool
    tolerance_exceeded: bool
    trouble: str | None
    folder: str
    outputs: tuple[str, ...]
    undelivered: int

    @property
    def failed(self) -> int:
        """How many items ended as failed or refused."""
        return count_failed(self.counts.outcomes)

    @property
    def unhad(self) -> int:
        """How many items have no image in the dataset: quarantined, refused or failed."""
        return count_unaccepted(self.counts.outcomes)
