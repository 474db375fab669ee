"""What a number of images costs on AWS, design by design: counted requests times one dated table of prices.

How many states an image passes and which functions it calls is counted by running the workflow's own file, with stubs
for its tasks. What nobody can count beforehand (seconds, bytes of logs) stands in `Assumptions`; what an audit has
counted replaces it there.

Not in it: the free tier, taxes, storage beyond what `storage_month` says, X-Ray, KMS, data transfer to the internet
(there is none: images come in), and retries.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal
from functools import partial
from typing import Any

from pupline.asl import StateMachine, TaskError, execute
from pupline.tasks.records import AuditRecord

PRICES_AS_OF = "2026"
PRICES_REGION = "us-east-1"
PRICES_USD: Mapping[str, Decimal] = {
    "standard_transition": Decimal("0.025") / 1_000,
    "express_request": Decimal("1.00") / 1_000_000,
    "express_gb_second": Decimal("0.00001667"),
    "lambda_gb_second": Decimal("0.0000133334"),
    "lambda_request": Decimal("0.20") / 1_000_000,
    "s3_put": Decimal("0.005") / 1_000,
    "s3_get": Decimal("0.0004") / 1_000,
    "s3_gb_month": Decimal("0.023"),
    "dynamodb_write": Decimal("0.625") / 1_000_000,
    "sns_publish": Decimal("0.50") / 1_000_000,
    "sns_email": Decimal("2.00") / 100_000,
    "logs_gb": Decimal("0.50"),
}
"""List prices per unit: Lambda on arm64, DynamoDB on demand, e-mail per delivery. The one place where they stand."""

DEPLOYED_MB: Mapping[str, int] = {
    "FetchAndUploadDogImage": 512,
    "AlertPNG": 128,
    "LogToDynamoDB": 256,
    "IngestBatch": 512,
    "SummariseIngest": 1024,
}
"""MemorySize of each function in template.yaml."""

METRICS_LINE_BYTES = 500
"""About what LogToDynamoDB logs for each image as metrics."""

BATCH_PUTS = 2
"""Of a batch besides its images: what it decided, and its result."""

BATCH_GETS = 2
"""Of a batch: whether an earlier attempt has decided, or has ended."""

SUMMARY_MS_OF_A_BATCH = 4
"""What SummariseIngest takes to read one batch's result, sixteen at a time."""

_KEYS_OF_A_LIST = 1_000
_EXPRESS_MB = 64
_EXPRESS_STEP_MS = 100
_WRITE_UNIT_BYTES = 1_024
_LAMBDA = "arn:aws:states:::lambda:invoke"
_PUBLISH = "arn:aws:states:::sns:publish"
_FUNCTIONS = ("FetchAndUploadDogImage", "AlertPNG", "LogToDynamoDB")


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What the bill stands on besides prices and the workflow.

    function_mb, function_ms: memory and billed time by function. batch_mb, batch_ms_of_100: of a bulk function, the
    time for a hundred images. task_overhead_ms: what a Task of an Express execution takes beyond its function.
    log_bytes_per_invocation: what Lambda itself writes; log_bytes_per_image: what fetching adds.
    image_bytes, item_bytes: means. Shares of all images, 0 to 1: stored, whose bytes are new; conflicts, whose name was
    taken in the bucket; renamed, that then took another; alerts; failures, refusals among them, that never got to the
    bucket. emails_per_alert: confirmed e-mail subscriptions. records: audit records that shares and means were counted
    in, 0 where they are assumed.
    """

    function_mb: Mapping[str, int] = field(
        default_factory=lambda: {"FetchAndUploadDogImage": 256, "AlertPNG": 128, "LogToDynamoDB": 256}
    )
    function_ms: Mapping[str, int] = field(
        default_factory=lambda: {"FetchAndUploadDogImage": 1_000, "AlertPNG": 20, "LogToDynamoDB": 50}
    )
    batch_mb: int = 512
    batch_ms_of_100: int = 7_000
    task_overhead_ms: int = 150
    log_bytes_per_invocation: int = 480
    log_bytes_per_image: int = 40
    image_bytes: Decimal = Decimal(70_000)
    item_bytes: Decimal = Decimal(700)
    stored: Decimal = Decimal(1)
    conflicts: Decimal = Decimal(0)
    renamed: Decimal = Decimal(0)
    alerts: Decimal = Decimal(0)
    failures: Decimal = Decimal(0)
    emails_per_alert: int = 1
    records: int = 0

    def counted(self, records: Iterable[AuditRecord]) -> "Assumptions":
        """With the shares and means of these records, read once. Without any record nothing is replaced."""
        total, outcomes, image_bytes, item_bytes, alerts, renamed = 0, Counter[str](), 0, 0, 0, 0
        for record in records:
            total += 1
            outcomes[record.outcome] += 1
            alerts += record.alert_triggered
            renamed += record.reason == "renamed"
            image_bytes += record.size_bytes or 0
            item_bytes += _size_of(record)
        if not total:
            return self
        fetched = sum(outcomes[name] for name in ("stored", "duplicate", "quarantined"))
        return replace(
            self,
            records=total,
            image_bytes=Decimal(image_bytes) / (fetched or 1),
            item_bytes=Decimal(item_bytes) / total,
            stored=Decimal(outcomes["stored"] + outcomes["quarantined"]) / total,
            conflicts=Decimal(outcomes["duplicate"] + renamed) / total,
            renamed=Decimal(renamed) / total,
            alerts=Decimal(alerts) / total,
            failures=Decimal(total - fetched) / total,
        )


def _size_of(record: AuditRecord) -> int:
    """As DynamoDB counts an item: names and values in UTF-8, numbers and booleans roughly."""
    item = record.as_item() | {"upload_day": record.upload_timestamp[:10]}
    return sum(len(name) + len(str(value).encode()) for name, value in item.items())


@dataclass(frozen=True, slots=True)
class Way:
    """What one execution uses: states entered, invocations by function, alerts published."""

    transitions: int
    invocations: Mapping[str, int]
    publishes: int


@dataclass(frozen=True, slots=True)
class Ways:
    """The three ways that an image can take through the workflow."""

    plain: Way
    alert: Way
    failure: Way

    @classmethod
    def counted(cls, workflow: StateMachine) -> "Ways":
        """Counted by running the workflow with stubs for its tasks."""
        image = {"status": "success", "uploaded_image": "a.jpg", "file_type": "jpg", "outcome": "stored"}
        return cls(
            plain=_way(workflow, lambda: image),
            alert=_way(workflow, lambda: image | {"uploaded_image": "a.png", "file_type": "png"}),
            failure=_way(workflow, _not_found),
        )


def _not_found() -> Any:
    raise TaskError("NotFound", '{"errorMessage": "gone", "errorType": "NotFound"}')


def _way(workflow: StateMachine, fetch: Callable[[], Any]) -> Way:
    calls: Counter[str] = Counter()

    def stub(name: str) -> Callable[[Any], Any]:
        def task(_: Any) -> Any:
            calls[name] += 1
            return fetch() if name == "FetchAndUploadDogImage" else {"status": "success", "MessageId": "1"}

        return task

    result = execute(workflow, {}, tasks={name: stub(name) for name in (*_FUNCTIONS, _PUBLISH)})
    entered = sum(1 for event in result.history if str(event["type"]).endswith("StateEntered"))
    return Way(entered, {name: calls[name] for name in _FUNCTIONS}, calls[_PUBLISH])


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a bill. quantity: in units of the price named."""

    price: str
    quantity: Decimal

    @property
    def usd(self) -> Decimal:
        """Not rounded."""
        return self.quantity * PRICES_USD[self.price]


@dataclass(frozen=True, slots=True)
class Bill:
    """What one design costs. note: what it gives up, or what it counts."""

    design: str
    title: str
    note: str
    items: tuple[Item, ...]

    @classmethod
    def of(cls, design: str, title: str, note: str, *items: Item) -> "Bill":
        """A bill with one line for each price that is used."""
        quantities: dict[str, Decimal] = {}
        for item in items:
            quantities[item.price] = quantities.get(item.price, Decimal(0)) + item.quantity
        used = tuple(Item(price, quantity) for price, quantity in quantities.items() if quantity)
        return cls(design, title, note, used)

    @property
    def usd(self) -> Decimal:
        """The total, to the cent."""
        return to_cents(sum((item.usd for item in self.items), Decimal(0)))


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: so many images, in batches of so many where a design has batches."""

    images: int
    batch: int = 100
    assumptions: Assumptions = field(default_factory=Assumptions)

    @property
    def batches(self) -> int:
        """Batches needed, the last one perhaps not full."""
        return -(-self.images // self.batch)


def to_cents(usd: Decimal) -> Decimal:
    """Rounded half up, as bills are."""
    return usd.quantize(Decimal("0.01"), ROUND_HALF_UP)


def bills(workflow: StateMachine, bulk: StateMachine, asked: Question) -> list[Bill]:
    """The designs, from the most convenient to the least that is possible. bulk: the workflow of whole datasets."""
    ways = Ways.counted(workflow)
    single = _single_items(ways, asked)
    standard = Item("standard_transition", _expected(ways, asked, _transitions))
    with_alert = f" ({ways.alert.transitions} with an alert)" if asked.assumptions.alerts else ""
    deployed = replace(asked, assumptions=_as_deployed(asked.assumptions))
    return [
        Bill.of(
            "stack",
            "this stack: Standard, random images",
            "each choice and each download remembered in S3, the audit indexed by day",
            standard,
            *_single_items(ways, deployed),
            *_extras_of_the_stack(asked),
        ),
        Bill.of(
            "standard",
            f"one Standard execution per image, {ways.plain.transitions} transitions{with_alert}",
            "images named by URL, no index",
            standard,
            *single,
        ),
        Bill.of("express", "the same as Express", "no history, no redrive", *_express_items(ways, asked), *single),
        Bill.of(
            "bulk",
            f"this stack: BulkIngest, {asked.batch:,} images per invocation",
            f"{asked.batches:,} children, tried again without doing anything twice; one digest of all alerts",
            *_bulk_items(bulk, asked),
        ),
        Bill.of(
            "map",
            f"Distributed Map, Express children, {asked.batch:,} images per invocation",
            f"{asked.batches:,} children; alerts as one digest of each",
            *_map_items(asked),
        ),
        Bill.of("floor", "floor: one PUT and one write per image", "nothing else at all", *_kept(asked)),
    ]


def _as_deployed(given: Assumptions) -> Assumptions:
    log_bytes = given.log_bytes_per_image + METRICS_LINE_BYTES
    return replace(given, function_mb=DEPLOYED_MB, log_bytes_per_image=log_bytes)


def _transitions(way: Way) -> int:
    return way.transitions


def storage_month(asked: Question) -> Decimal:
    """Dollars for keeping the new objects for a month, in S3 Standard."""
    stored = asked.images * asked.assumptions.stored * asked.assumptions.image_bytes
    return to_cents(stored / 10**9 * PRICES_USD["s3_gb_month"])


def _expected(ways: Ways, asked: Question, of: Callable[[Way], int]) -> Decimal:
    """The sum over all images of what each way uses, weighted by the shares of alerts and failures."""
    given = asked.assumptions
    plain = 1 - given.alerts - given.failures
    each = plain * of(ways.plain) + given.alerts * of(ways.alert) + given.failures * of(ways.failure)
    return asked.images * each


def _kept(asked: Question) -> tuple[Item, ...]:
    """What every design needs. A PUT whose name is taken is billed too, and so is the look at what is there."""
    given = asked.assumptions
    return (
        Item("s3_put", asked.images * (1 - given.failures + given.renamed)),
        Item("s3_get", asked.images * given.conflicts),
        Item("dynamodb_write", asked.images * Decimal(_write_units(given))),
    )


def _write_units(given: Assumptions) -> int:
    return max(1, -(-int(given.item_bytes) // _WRITE_UNIT_BYTES))


def _single_items(ways: Ways, asked: Question) -> tuple[Item, ...]:
    """What one execution per image needs besides the execution."""
    given = asked.assumptions
    invocations = {name: _expected(ways, asked, partial(_invocations, name)) for name in _FUNCTIONS}
    gb_seconds = sum(
        (
            count * given.function_mb[name] / 1024 * given.function_ms[name] / 1000
            for name, count in invocations.items()
        ),
        Decimal(0),
    )
    publishes = _expected(ways, asked, lambda way: way.publishes)
    requests = sum(invocations.values(), Decimal(0))
    log_bytes = requests * given.log_bytes_per_invocation + asked.images * Decimal(given.log_bytes_per_image)
    return (
        *_kept(asked),
        Item("lambda_gb_second", gb_seconds),
        Item("lambda_request", requests),
        Item("logs_gb", log_bytes / 10**9),
        Item("sns_publish", publishes),
        Item("sns_email", publishes * given.emails_per_alert),
    )


def _invocations(name: str, way: Way) -> int:
    return way.invocations[name]


def _extras_of_the_stack(asked: Question) -> tuple[Item, ...]:
    """What template.yaml adds: memos under memo/ of the image picked and of what was fetched; the index by day."""
    each = Decimal(asked.images)
    return (
        Item("s3_put", each + each * (1 - asked.assumptions.failures)),
        Item("s3_get", each),
        Item("dynamodb_write", each * _write_units(asked.assumptions)),
    )


def _express_items(ways: Ways, asked: Question) -> tuple[Item, ...]:
    given = asked.assumptions

    def milliseconds(way: Way) -> int:
        tasks = sum(way.invocations.values()) + way.publishes
        functions = sum(given.function_ms[name] * count for name, count in way.invocations.items())
        return _stepped(functions + tasks * given.task_overhead_ms)

    return (
        Item("express_request", Decimal(asked.images)),
        Item("express_gb_second", _express_gb_seconds(_expected(ways, asked, milliseconds))),
    )


def _stepped(milliseconds: int) -> int:
    return -(-milliseconds // _EXPRESS_STEP_MS) * _EXPRESS_STEP_MS


def _express_gb_seconds(milliseconds: Decimal) -> Decimal:
    return milliseconds / 1000 * _EXPRESS_MB / 1024


def _bulk_items(bulk: StateMachine, asked: Question) -> tuple[Item, ...]:
    """What BulkIngest uses: its calls as tests/aws counts them, its own states as the file has them."""
    given, batches = asked.assumptions, Decimal(asked.batches)
    milliseconds = -(-given.batch_ms_of_100 * asked.batch // 100)
    summary_ms = 1_000 + asked.batches * SUMMARY_MS_OF_A_BATCH
    publishes = min(Decimal(2), (asked.images * given.alerts).to_integral_value(ROUND_HALF_UP))
    log_bytes = (batches + 1) * given.log_bytes_per_invocation
    lists = -(-asked.batches // _KEYS_OF_A_LIST)
    return (
        *_kept(asked),
        Item("s3_put", batches * BATCH_PUTS + lists + _RUN_PUTS),
        Item("s3_get", batches * (BATCH_GETS + 1) + _RUN_GETS),
        Item("standard_transition", batches + _entered(bulk)),
        Item("express_request", batches),
        Item("express_gb_second", _express_gb_seconds(batches * _stepped(milliseconds + given.task_overhead_ms))),
        Item("lambda_gb_second", _gb_seconds("IngestBatch", batches * milliseconds)),
        Item("lambda_gb_second", _gb_seconds("SummariseIngest", Decimal(summary_ms))),
        Item("lambda_request", batches + 1),
        Item("logs_gb", log_bytes / 10**9),
        Item("sns_publish", publishes),
        Item("sns_email", publishes * given.emails_per_alert),
    )


_RUN_PUTS = 5
"""Of a run: its manifest, two files of the ResultWriter, failures.jsonl, summary.json."""

_RUN_GETS = 1
"""Of a run: its manifest, by the ItemReader."""


def _gb_seconds(function: str, milliseconds: Decimal) -> Decimal:
    return milliseconds / 1000 * DEPLOYED_MB[function] / 1024


def _entered(bulk: StateMachine) -> int:
    """States of the parent that a run enters."""
    batch = {"outcomes": {"stored": 1}, "unfinished": False, "alerting": False}
    summary = {"alerting": False, "tolerance_exceeded": False, "complete": True}
    tasks: dict[str, Callable[[Any], Any]] = {
        "IngestBatch": lambda _: batch,
        "SummariseIngest": lambda _: summary,
        "arn:aws:states:::s3:getObject": lambda _: [{"url": "https://images.example/a.jpg"}],
        "arn:aws:states:::s3:putObject": lambda _: None,
    }
    result = execute(bulk, {"dataset": "dogs"}, tasks=tasks)
    return sum(1 for event in result.history if str(event["type"]).endswith("StateEntered"))


def _map_items(asked: Question) -> tuple[Item, ...]:
    """One parent transition, one Express execution and one invocation for each batch; a digest where images alerted."""
    given, batches = asked.assumptions, Decimal(asked.batches)
    milliseconds = -(-given.batch_ms_of_100 * asked.batch // 100)
    child = _stepped(milliseconds + given.task_overhead_ms)
    digests = min(batches, (asked.images * given.alerts).to_integral_value(ROUND_HALF_UP))
    log_bytes = batches * given.log_bytes_per_invocation + asked.images * Decimal(given.log_bytes_per_image)
    return (
        *_kept(asked),
        Item("standard_transition", batches),
        Item("express_request", batches),
        Item("express_gb_second", _express_gb_seconds(batches * child)),
        Item("lambda_gb_second", batches * given.batch_mb / 1024 * milliseconds / 1000),
        Item("lambda_request", batches),
        Item("logs_gb", log_bytes / 10**9),
        Item("sns_publish", digests),
        Item("sns_email", digests * given.emails_per_alert),
    )
