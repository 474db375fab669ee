"""The port of the console's lists: executions, records and alerts by page, with filters, search, counts and facets.

Both backends implement `Pages`; `Reader` remains the port for one thing, and for reading all of something.

A field of a query that is empty or None selects nothing out; several values of one field mean any of them; all fields
must match. Times are seconds since the epoch. `since` is included, `until` is not.

Pages go by key: a cursor names the row after which, or before which, a page begins. So rows that arrive meanwhile move
nothing. `order` belongs to a cursor; filters do not.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Literal, Protocol, TypeAlias, TypeVar, get_args

from pupline.errors import ConfigurationError
from pupline.tasks.ports import ExecutionSummary
from pupline.tasks.records import AuditRecord

T = TypeVar("T")

COUNT_LIMIT = 10_000
"""Counting stops here: "10,000+" says enough, and never takes long."""

PAGE_LIMIT = 1000
"""The most items of one page."""

FACET_LIMIT = 500
"""The most values of a facet; nobody reads a longer list."""

ExecutionKind = Literal["run", "ingest", "api"]
"""What started an execution: `pupline run`, `pupline ingest --workflow`, or the Step Functions API."""

ExecutionOrder = Literal["newest", "oldest", "failed", "longest"]
EXECUTION_ORDERS: tuple[ExecutionOrder, ...] = get_args(ExecutionOrder)
"""`failed`: those that failed, timed out or were aborted, newest first, and then all others. `longest`: running ones,
oldest first, and then the others by their duration."""

RecordOrder = Literal["newest", "oldest"]

RecordField = Literal["day", "dataset", "breed", "type", "outcome", "reason", "alert", "host", "source", "run"]
RECORD_FIELDS: tuple[RecordField, ...] = get_args(RecordField)
"""What records are counted by."""

DeliveryStatus = Literal["delivered", "pending", "failed"]
DELIVERY_STATUSES: tuple[DeliveryStatus, ...] = get_args(DeliveryStatus)


class InvalidQuery(ConfigurationError):
    """A query that makes no sense: a damaged cursor, one of another list, a limit out of range."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageQuery:
    """Which page of a list. after, before: cursors of another page; at most one of them. Raises: InvalidQuery."""

    limit: int = 50
    after: str | None = None
    before: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.limit <= PAGE_LIMIT:
            raise InvalidQuery(f"limit: {self.limit} is not between 1 and {PAGE_LIMIT}")
        if self.after is not None and self.before is not None:
            raise InvalidQuery("after and before: give one of them")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionQuery(PageQuery):
    """Selects executions.

    text: words that all occur, in any case, in name, input, output, error, cause, or the image's name or URL.
    machine: names of state machines. error: Error Names. dataset, source: of the run; breed, type, outcome, reason,
    alert: of the audit record of the execution. type: by content, such as `png`.
    """

    text: str = ""
    status: tuple[str, ...] = ()
    machine: tuple[str, ...] = ()
    kind: tuple[ExecutionKind, ...] = ()
    run: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    dataset: tuple[str, ...] = ()
    breed: tuple[str, ...] = ()
    type: tuple[str, ...] = ()
    outcome: tuple[str, ...] = ()
    reason: tuple[str, ...] = ()
    error: tuple[str, ...] = ()
    alert: bool | None = None
    since: float | None = None
    until: float | None = None
    order: ExecutionOrder = "newest"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordQuery(PageQuery):
    """Selects audit records.

    text: words that all occur, in any case, in the image's name, its URLs, execution, breed, reason, error or cause.
    execution: their names. host: of the URL where the image came from, with its port. error: Error Names.
    """

    text: str = ""
    execution: tuple[str, ...] = ()
    run: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    dataset: tuple[str, ...] = ()
    breed: tuple[str, ...] = ()
    type: tuple[str, ...] = ()
    outcome: tuple[str, ...] = ()
    reason: tuple[str, ...] = ()
    error: tuple[str, ...] = ()
    host: tuple[str, ...] = ()
    alert: bool | None = None
    since: float | None = None
    until: float | None = None
    order: RecordOrder = "newest"

    def without(self, field: RecordField) -> "RecordQuery":
        """The query without its own values of a field."""
        if field == "day":
            return replace(self, since=None, until=None)
        if field == "alert":
            return replace(self, alert=None)
        none: dict[str, Any] = {field: ()}
        return replace(self, **none)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertQuery(PageQuery):
    """Selects alerts, newest first.

    text: words that all occur, in any case, in subject, message, execution or image name. status: of a delivery.
    """

    text: str = ""
    execution: tuple[str, ...] = ()
    run: tuple[str, ...] = ()
    status: tuple[DeliveryStatus, ...] = ()
    since: float | None = None
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page. next, previous: the cursors for `after` and `before`; None where there is nothing more.

    searched_to: a search, or a filter that selects few rows, stops when it has looked long enough: the time of the row
    that it came to. `next` continues there, also from a page without items. None: nothing was left out.
    """

    items: tuple[T, ...]
    next: str | None = None
    previous: str | None = None
    searched_to: float | None = None

    def counted(self, count: "Callable[[], Count]") -> "Count":
        """The count of the list that this page is of. count: asks for it, where the page does not know.

        A page that stopped searching knows how many there are at least: counting would only search once more.
        """
        is_first = self.previous is None
        if is_first and self.next is None:
            return Count(len(self.items))
        if is_first and self.searched_to is not None:
            return Count(len(self.items), is_capped=True)
        return count()


@dataclass(frozen=True, slots=True)
class Count:
    """How many there are; with `is_capped` at least so many, because counting stopped."""

    number: int
    is_capped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionItem:
    """One execution of a list.

    machine, type: name of its state machine, and STANDARD or EXPRESS. record: its audit record, None where it wrote
    none, or writes one for each of many images (`ingest`). source, dataset: of its run, where they are known.
    """

    row: ExecutionSummary
    kind: ExecutionKind
    machine: str
    type: str
    record: AuditRecord | None = None
    record_id: str | None = None
    source: str | None = None
    dataset: str | None = None

    @property
    def seconds(self) -> float | None:
        """Its duration; None while it runs."""
        return None if self.row.stop_time is None else max(self.row.stop_time - self.row.start_time, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordItem:
    """One audit record of a list. id: names it in URLs; it stays. run: None for an execution without a run."""

    id: str
    record: AuditRecord
    run: str | None = None
    dataset: str | None = None
    host: str | None = None


@dataclass(frozen=True, slots=True)
class Facet:
    """One value of a field and the number of records with it; None: those without a value.

    day: as `2026-01-31`, UTC. alert: `yes` or `no`.
    """

    value: str | None
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryItem:
    """The delivery of an alert to a subscription. endpoint: without its secrets.

    next_attempt_at: of a pending one; given_up_at: of a failed one; last_error: of the latest attempt that failed.
    """

    subscription: int
    protocol: str
    endpoint: str
    status: DeliveryStatus
    attempts: int
    last_error: str | None = None
    delivered_at: float | None = None
    next_attempt_at: float | None = None
    given_up_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertItem:
    """One alert. id: its message ID. Subject, message and time are None where AWS has forgotten them.

    deliveries: None where the backend does not know them.
    """

    id: str
    topic: str
    execution: str
    image_name: str | None
    subject: str | None
    message: str | None
    published_at: float | None
    attributes: Mapping[str, str]
    deliveries: tuple[DeliveryItem, ...] | None
    record_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SubscriptionItem:
    """A subscription of the topic with its deliveries, counted. endpoint: without its secrets.

    removed_at: None while alerts are sent there. last_error: of the latest delivery that is pending or failed.
    next_attempt_at: of its first pending one. Counts are None where the backend does not know deliveries.
    """

    subscription: str
    protocol: str
    endpoint: str
    created_at: float | None = None
    removed_at: float | None = None
    delivered: int | None = None
    pending: int | None = None
    failed: int | None = None
    last_error: str | None = None
    next_attempt_at: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineItem:
    """A state machine with executions here, or that the Step Functions API made. arn: None for those of runs.

    definition: its newest, as JSON text. last: its newest execution. running: executions that run, at most COUNT_LIMIT.
    """

    name: str
    type: str
    kind: ExecutionKind
    definition: str
    arn: str | None = None
    created_at: float | None = None
    last: ExecutionSummary | None = None
    running: int = 0


Neighbours: TypeAlias = tuple[RecordItem | None, RecordItem | None]


class Pages(Protocol):
    """The lists of one backend. Work and memory of each call are bounded. Any thread may call.

    All methods raise StorageError or BackendUnavailable when the data cannot be read now, DamagedDatabase, and
    InvalidQuery for a cursor that is not theirs, or for a filter that this backend does not have.
    """

    @property
    def has_offsets(self) -> bool:
        """Whether `records_at` can go anywhere at once, and counts of records are exact."""

    @property
    def unlisted(self) -> str | None:
        """What the lists leave out, for people; None where they have all."""

    def prepare(self) -> bool:
        """Prepare a part of what makes lists fast, such as an index; whether there is more to prepare now.

        Takes some tenths of a second. Lists are complete without it. Called by one thread, again and again.
        """

    def execution_page(self, query: ExecutionQuery) -> Page[ExecutionItem]:
        """A page of executions of every state machine."""

    def count_executions(self, query: ExecutionQuery) -> Count:
        """How many executions match, up to COUNT_LIMIT. Asked separately: rows come first."""

    def execution_item(self, name: str) -> ExecutionItem:
        """One execution as the list shows it. Raises: NoSuchName."""

    def record_page(self, query: RecordQuery) -> Page[RecordItem]:
        """A page of audit records."""

    def records_at(self, query: RecordQuery, offset: int, limit: int) -> Sequence[RecordItem]:
        """At most `limit` records from the one at `offset` in the query's order on, from 0; cursors are ignored."""

    def count_records(self, query: RecordQuery) -> Count:
        """How many records match: exactly, where the backend has offsets and no text is searched for."""

    def record_facets(self, query: RecordQuery, field: RecordField) -> Sequence[Facet]:
        """The values of a field among the matching records, most frequent first; of `day`, newest first.

        The query's own values of the field are not applied: so a form shows what else there is to choose.
        At most FACET_LIMIT values.
        """

    def record_item(self, record_id: str) -> RecordItem:
        """One record by its id. Raises: NoSuchName."""

    def record_neighbours(self, query: RecordQuery, record_id: str) -> Neighbours:
        """The matching records before and after this one, in the query's order. Raises: NoSuchName."""

    def alert_page(self, query: AlertQuery) -> Page[AlertItem]:
        """A page of alerts, newest first."""

    def count_alerts(self, query: AlertQuery) -> Count:
        """How many alerts match, up to COUNT_LIMIT."""

    def alert_item(self, alert_id: str) -> AlertItem:
        """One alert by its message ID. Raises: NoSuchName."""

    def subscriptions(self) -> Sequence[SubscriptionItem]:
        """The subscriptions, present ones first; removed ones that left alerts undelivered too."""

    def machines(self) -> Sequence[MachineItem]:
        """The state machines, by name."""

    def machine_names(self) -> Sequence[str]:
        """Their names, each once and in order, at no cost: for a form."""
