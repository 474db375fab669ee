"""What the tables of bulk ingestion take and give."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from pupline.json_values import JSON
from pupline.tasks.items import FetchOutcome, PreviousFetch, SourceItem
from pupline.tasks.records import AuditRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class NewIngest:
    """A run to begin. settings: what makes another command the same command."""

    run_id: str
    dataset: str
    source: str
    settings: Mapping[str, JSON]


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestRow:
    """One run. status: `RUNNING` (also while interrupted), `SUCCEEDED` or `FAILED`. Times: seconds since the epoch.

    position: where its listing goes on, as the listing gave it. listed: the listing is complete. total: how many items
    the listing said it names. items: how many are in the run. repeated: named twice. known: left out, because the
    dataset has them.
    """

    ingest_id: int
    run_id: str
    dataset: str
    source: str
    settings: Mapping[str, JSON]
    status: str
    position: str | None
    listed: bool
    total: int | None
    items: int
    repeated: int
    known: int
    created_at: float
    ended_at: float | None
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PendingItem:
    """An item that is not done. previous: what an earlier run stored of the same URL.

    held: an object with the very bytes that the source declares, by SHA-256 or SHA-1. deaths: how many worker processes
    it was lost with.
    """

    index: int
    item: SourceItem
    previous: PreviousFetch | None
    held: PreviousFetch | None = None
    deaths: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """An item that ended. path: the temporary file, below the data directory, that holds the bytes of a `Fetched`.

    attempts: requests made for it. began_at, ended_at: seconds since the epoch.
    """

    index: int
    item: SourceItem
    fetch_outcome: FetchOutcome
    path: str | None
    attempts: int
    began_at: float
    ended_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemDone:
    """An item whose object, record and end are committed."""

    index: int
    record: AuditRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class PageCounts:
    """What became of a page of items. known_in_a_row: the longest row of known ones, begun on earlier pages or here."""

    added: int
    repeated: int
    known: int
    known_in_a_row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestCounts:
    """How far a run is. items: named so far. done: with a record. outcomes, reasons: of those done.

    alerts: records that told of something to alert on. bytes: of the images stored and quarantined.
    """

    items: int
    done: int
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    alerts: int = 0
    bytes: int = 0
