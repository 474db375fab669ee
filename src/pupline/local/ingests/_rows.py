"""Values that the tables of bulk ingestion hold, take and return.

Those that are made for each item are not frozen: that would make them three times as slow to make.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from pupline.json_values import JSON
from pupline.tasks.items import FetchOutcome, PreviousFetch, SourceItem
from pupline.tasks.records import AuditRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class NewIngest:
    """A run to begin. settings: those by which a repeated command is recognised."""

    run_id: str
    dataset: str
    source: str
    settings: Mapping[str, JSON]


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestRow:
    """One run. status: `RUNNING` (also while interrupted), `SUCCEEDED`, `FAILED` or `ABORTED`, when it was stopped.

    position: where its listing continues, in the listing's own form. listed: the listing is complete. total: the
    number of items that the listing announced. items: in the run. repeated: listed more than once. known: left out
    because the dataset has them. other_shards: left to other machines. error, cause: of its end; cause also of a
    RUNNING run whose listing stopped for now. Times: seconds since the epoch.
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
    other_shards: int
    created_at: float
    ended_at: float | None
    error: str | None
    cause: str | None = None


@dataclass(frozen=True, slots=True)
class AbortRequest:
    """A request to end a run. error: the Error Name to record; cause: why, for people."""

    error: str | None
    cause: str | None


@dataclass(slots=True, kw_only=True)
class PendingItem:
    """An item that is not done. previous: what an earlier run stored of the same URL.

    same_bytes: an object with the bytes that the source declares, by their hash. deaths: worker processes that died
    while they had the item.
    """

    index: int
    item: SourceItem
    previous: PreviousFetch | None
    same_bytes: PreviousFetch | None = None
    deaths: int = 0


@dataclass(slots=True, kw_only=True)
class Arrival:
    """An item with its outcome. path: the temporary file in the data directory with the bytes of a `FetchedImage`.

    attempts: requests made for it. began_at, ended_at: seconds since the epoch.
    """

    index: int
    item: SourceItem
    fetch_outcome: FetchOutcome
    path: str | None
    attempts: int
    began_at: float
    ended_at: float


@dataclass(slots=True, kw_only=True)
class ItemDone:
    """An item whose object, record and outcome are committed."""

    index: int
    record: AuditRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class PageCounts:
    """Items of a listed page. known_in_a_row: the longest sequence of known ones, begun here or on earlier pages."""

    added: int
    repeated: int
    known: int
    known_in_a_row: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestCounts:
    """Progress of a run. items: listed so far. done: with a record. outcomes, reasons: of those done.

    alerts: records with alert reasons. bytes: of the images stored and quarantined. verification: how many of the items
    with declared hashes are verified, changed and gone.
    """

    items: int
    done: int
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    alerts: int = 0
    bytes: int = 0
    verification: Counter[str] = field(default_factory=Counter)
