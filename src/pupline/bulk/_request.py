"""The request for an ingest, the events that it emits, and the report at its end."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from pupline.bulk._shard import Shard
from pupline.errors import ConfigurationError, count_failed, count_unaccepted
from pupline.http import DEFAULT_MAX_BYTES, DEFAULT_TIMEOUT_SECONDS, Origin, Proxy, parse_metadata_address
from pupline.images import MAX_PIXELS
from pupline.json_values import JSON
from pupline.tasks.left_out import LeftOut
from pupline.text import plain_number, plural

if TYPE_CHECKING:
    from pupline.local import IngestCounts, ItemDone, StopRequested, UndeletedFiles

MAX_CONCURRENCY = 1024
_TUPLES = ("allow_origins", "metadata_addresses", "retry_reasons", "breeds")
_SAME_COMMAND = (
    "source",
    "dataset",
    "count",
    "retry_failed",
    "retry_reasons",
    "incremental",
    "stop_after_known",
    "delimiter",
    "breeds",
    "shard",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestRequest:
    """The options of `pupline ingest`. Raises ConfigurationError for values that contradict each other.

    source: a preset, a spec file, a base URL or a list of URLs; None only with `resume` or `retry_failed`, as the run
    has it. dataset: by default the source's. count: distinct images at most.
    concurrency: requests in flight, in all. host_concurrency: of those at one host; None for 8 at hosts that the user
    did not name, and no limit at those that are trusted. rate: requests a second to one host, at most.
    retry_failed: the run whose failed items are fetched again. retry_reasons: of its refused and quarantined items that
    are, too; chosen when the run begins. incremental: skip URLs that are in the dataset already.
    stop_after_known: end the listing after so many known URLs in a row. tolerate: percent of items that may fail before
    the run is stopped. resume: continue the dataset's unfinished run. allow_origins: exact origins to trust.
    metadata_addresses: of metadata services, or link-local ones, that trusted origins may have.
    timeout_seconds, max_bytes, max_pixels: of one image. heed_robots: obey robots.txt and X-Robots-Tag.
    shard_size: images in a tar shard; None for no shards. sidecars: write each image's metadata as a JSON file.
    delimiter: between the cells of a CSV list; None to detect it. contact: for the User-Agent.
    workers: processes; None for as many as are useful. run_id: of a run to create, or to continue.
    shard: `I/N`, to fetch the images of every Nth host; the run's name then ends in `-IofN`.
    breeds: the only ones to list, such as `hound/afghan`.
    workflow_file: the user's own file of DogUploaderPipeline, whose alert rules are heeded; None for pupline's.
    alert_rules: these rules, once the run has them; they are saved with it.
    proxy: for all requests; it belongs to the network and not to the run, and is not saved. given: the fields that the
    user set, of which some may have their default value; not saved either.
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
    retry_reasons: tuple[str, ...] = ()
    breeds: tuple[str, ...] = ()
    shard: str | None = None
    workflow_file: str | None = None
    alert_rules: str | None = field(default=None, repr=False)
    given: frozenset[str] = field(default=frozenset(), compare=False)

    def __post_init__(self) -> None:
        _check_numbers(self)
        if self.shard is not None:
            Shard.parse(self.shard)
        for origin in self.allow_origins:
            Origin.parse(origin)
        for address in self.metadata_addresses:
            parse_metadata_address(address)
        if self.source is None and not (self.resume or self.retry_failed):
            raise ConfigurationError("name a source: a preset, a spec file, a base URL or a list; see: pupline sources")
        if self.resume and self.retry_failed:
            raise ConfigurationError("--resume continues a run and --retry-failed starts one: give one of them")

    def as_json(self) -> dict[str, JSON]:
        """The request as a JSON object, as it is saved with the run; `from_json` reads it back, without the proxy."""
        kept = asdict(replace(self, proxy=None))
        del kept["proxy"], kept["given"]
        return {**kept, **{name: list(getattr(self, name)) for name in _TUPLES}}

    @classmethod
    def from_json(cls, data: Any) -> "IngestRequest":
        """The request that `as_json` wrote; unknown fields are ignored, missing ones have their defaults."""
        known = {field.name: data[field.name] for field in fields(cls) if field.name in data}
        return cls(**{**known, **{name: tuple(known.get(name, ())) for name in _TUPLES}})

    @property
    def own_shard(self) -> Shard | None:
        """The shard; None where all hosts are fetched here."""
        return None if self.shard is None else Shard.parse(self.shard)

    def shortage(self, items: int) -> str | None:
        """Why a complete listing of so many items is less than `count`; None where it is not, or passes items over."""
        if self.count is None or items >= self.count:
            return None
        if self.incremental or self.stop_after_known is not None or self.shard is not None:
            return None
        return f"--count asks for {plural(self.count, 'image')}, and the source has {items:,}"

    def is_same_command(self, other: "IngestRequest") -> bool:
        """Whether both mean the same images; speed and patience do not matter."""
        return all(getattr(self.anchored(), name) == getattr(other.anchored(), name) for name in _SAME_COMMAND)

    def anchored(self) -> "IngestRequest":
        """The request with a source that it names from any directory."""
        from pupline.sources import anchored

        return self if self.source is None else replace(self, source=anchored(self.source))


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
    """The run exists. resumed: an earlier process started it. before: its finished items, by outcome.

    ended: it is finished, and there is nothing to do.
    """

    run_id: str
    dataset: str
    resumed: bool
    before: Mapping[str, int] = field(default_factory=dict)
    ended: bool = False

    @property
    def done(self) -> int:
        """Items finished before."""
        return sum(self.before.values())


@dataclass(frozen=True, slots=True)
class ItemsListed:
    """items: distinct ones so far. total: how many there will be, where that is known."""

    items: int
    total: int | None
    complete: bool


@dataclass(frozen=True, slots=True)
class ItemsDone:
    """Items that have ended, each with its record: stored and recorded durably before this event."""

    items: "Sequence[ItemDone]"


@dataclass(frozen=True, slots=True)
class MetadataWritten:
    """All items have ended; so many of them are in the metadata and the manifest by now."""

    items: int


@dataclass(frozen=True, slots=True)
class HostPaused:
    """No requests to a host, an origin, for a while. why: in words for people."""

    host: str
    seconds: float
    why: str


@dataclass(frozen=True, slots=True)
class ListingNote:
    """Something that the listing skipped or corrected, in words for people."""

    text: str


IngestEvent: TypeAlias = (
    "IngestStarted | ItemsListed | ItemsDone | MetadataWritten | HostPaused | ListingNote"
    " | StopRequested | UndeletedFiles"
)

IngestListener: TypeAlias = Callable[[IngestEvent], None]
"""Gets all events in the thread that called `ingest`; StopRequested from within a signal handler: do little there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestReport:
    """The result of an ingest.

    status: RUNNING (interrupted, or the listing stopped: the same command resumes it), SUCCEEDED, or FAILED (stopped by
    its tolerance, or by a source that cannot be listed: --resume continues it).
    counts: of all items of the run; began_done: of those, finished by earlier processes.
    listed_complete: the items are all that the source has. listing_ended: there is nothing more to list. repeated:
    items listed more than once. known: skipped because the dataset has them. other_shards: left to other machines.
    seconds, cpu_seconds: of this process and its workers. bytes: received by this process's workers. trouble: why the
    items are not all that the source has. left_out: what it has, or announces, and did not give in a usable form.
    folder: `datasets/<dataset>/` in the bucket. outputs: the bucket's keys of the files written for the run, if it
    ended. undelivered: alerts still in the outbox.
    columns_dropped: why columns of a list, or some of their values, are not kept, by name. error, cause: of the
    BulkIngest execution, through which no times and no repeated items are known. parquet_trouble: why the metadata is
    there as JSON Lines only. summary: what summary.json holds, or would hold by now.
    """

    run_id: str
    dataset: str
    status: str
    counts: "IngestCounts"
    interrupted: bool
    tolerance_exceeded: bool
    trouble: str | None
    folder: str
    began_done: int = 0
    listed_complete: bool = True
    listing_ended: bool = True
    repeated: int = 0
    known: int = 0
    other_shards: int = 0
    seconds: float = 0
    cpu_seconds: float = 0
    bytes: int = 0
    outputs: tuple[str, ...] = ()
    undelivered: int = 0
    error: str | None = None
    cause: str | None = None
    parquet_trouble: str | None = None
    left_out: LeftOut = field(default_factory=LeftOut)
    columns_dropped: Mapping[str, str] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)

    @property
    def failed(self) -> int:
        """How many items ended as failed or refused."""
        return count_failed(self.counts.outcomes)

    @property
    def unaccepted(self) -> int:
        """How many items have no image in the dataset: quarantined, refused or failed."""
        return count_unaccepted(self.counts.outcomes)
