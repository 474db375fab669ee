"""The bill of each design."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_UP, Decimal

from pupline.asl import StateMachine
from pupline.cost._assumptions import DEPLOYED_MB, Assumptions
from pupline.cost._paths import PIPELINE_FUNCTIONS, WorkflowPath, WorkflowPaths, bulk_transitions
from pupline.cost._prices import PRICES_USD, to_cents

BATCH_PUTS = 2
"""Of a batch besides its images: its metadata part and its result."""

BATCH_GETS = 2
"""Of a batch: the part and the result of an earlier attempt."""

_RUN_PUTS = 5  # the manifest, two files of the ResultWriter, failures.jsonl, summary.json
_RUN_GETS = 1  # the manifest, by the ItemReader
_SUMMARY_MS_PER_BATCH = 4  # SummariseIngest reads sixteen results at a time
_KEYS_PER_LIST = 1_000
_EXPRESS_MB = 64
_EXPRESS_STEP_MS = 100
_WRITE_UNIT_BYTES = 1_024


@dataclass(frozen=True, slots=True)
class BillLine:
    """One line of a bill. price: a key of PRICES_USD. quantity: in its unit."""

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
    items: tuple[BillLine, ...]

    @classmethod
    def of(cls, design: str, title: str, note: str, *lines: BillLine) -> "Bill":
        """A bill with one line for each price that is used."""
        quantities: dict[str, Decimal] = {}
        for line in lines:
            quantities[line.price] = quantities.get(line.price, Decimal(0)) + line.quantity
        return cls(design, title, note, tuple(BillLine(price, count) for price, count in quantities.items() if count))

    @property
    def usd(self) -> Decimal:
        """The total, to the cent."""
        return to_cents(sum((line.usd for line in self.items), Decimal(0)))


@dataclass(frozen=True, slots=True)
class CostQuery:
    """A number of images, in batches of `batch` where a design has batches."""

    images: int
    batch: int = 100
    assumptions: Assumptions = field(default_factory=Assumptions)

    @property
    def batches(self) -> int:
        """Batches needed, of which the last one may not be full."""
        return -(-self.images // self.batch)

    @property
    def batch_ms(self) -> int:
        """Billed time of a bulk function for one batch."""
        return -(-self.assumptions.batch_ms_of_100 * self.batch // 100)

    @property
    def write_units(self) -> int:
        """Write units of one record."""
        return max(1, -(-int(self.assumptions.item_bytes) // _WRITE_UNIT_BYTES))

    def expected(self, paths: WorkflowPaths, usage: Callable[[WorkflowPath], int]) -> Decimal:
        """The usage of all images: that of each path, weighted by its share."""
        alerts, failures = self.assumptions.alerts, self.assumptions.failures
        plain = (1 - alerts - failures) * usage(paths.plain)
        return self.images * (plain + alerts * usage(paths.alert) + failures * usage(paths.failure))

    def invocations(self, paths: WorkflowPaths, function: str) -> Decimal:
        """Invocations of one function for all images."""
        return self.expected(paths, lambda path: path.invocations[function])

    def digests(self, at_most: Decimal) -> Decimal:
        """Messages where alerts are sent as digests."""
        return min(at_most, (self.images * self.assumptions.alerts).to_integral_value(ROUND_HALF_UP))


def bills(workflow: StateMachine, bulk: StateMachine, query: CostQuery) -> list[Bill]:
    """The designs, from the most convenient to the minimum. bulk: the workflow of whole datasets."""
    paths = WorkflowPaths.counted(workflow)
    standard = BillLine("standard_transition", query.expected(paths, lambda path: path.transitions))
    with_alert = f" ({paths.alert.transitions} with an alert)" if query.assumptions.alerts else ""
    single = _single_image_lines(paths, query)
    deployed = replace(query, assumptions=query.assumptions.as_deployed())
    return [
        Bill.of(
            "stack",
            "this stack: Standard, random images",
            "each choice and each download remembered in S3, the audit indexed by day",
            standard,
            *_single_image_lines(paths, deployed),
            *_stack_lines(query),
        ),
        Bill.of(
            "standard",
            f"one Standard execution per image, {paths.plain.transitions} transitions{with_alert}",
            "images named by URL, no index",
            standard,
            *single,
        ),
        Bill.of("express", "the same as Express", "no history, no redrive", *_express_lines(paths, query), *single),
        Bill.of(
            "bulk",
            f"this stack: BulkIngest, {query.batch:,} images per invocation",
            f"{query.batches:,} children, safe to repeat; one digest of all alerts",
            *_bulk_lines(bulk, query),
        ),
        Bill.of(
            "map",
            f"Distributed Map, Express children, {query.batch:,} images per invocation",
            f"{query.batches:,} children; alerts as one digest of each",
            *_map_lines(query),
        ),
        Bill.of("floor", "floor: one PUT and one write per image", "nothing else at all", *_minimum_lines(query)),
    ]


def storage_month(query: CostQuery) -> Decimal:
    """Dollars for keeping the new objects for a month, in S3 Standard."""
    stored = query.images * query.assumptions.stored * query.assumptions.image_bytes
    return to_cents(stored / 10**9 * PRICES_USD["s3_gb_month"])


def _minimum_lines(query: CostQuery) -> tuple[BillLine, ...]:
    """What every design needs. S3 bills a PUT whose name is taken, too, and the request for what is there."""
    given = query.assumptions
    return (
        BillLine("s3_put", query.images * (1 - given.failures + given.renamed)),
        BillLine("s3_get", query.images * given.conflicts),
        BillLine("dynamodb_write", query.images * Decimal(query.write_units)),
    )


def _single_image_lines(paths: WorkflowPaths, query: CostQuery) -> tuple[BillLine, ...]:
    """What one execution per image needs besides the execution."""
    given = query.assumptions
    calls = {name: query.invocations(paths, name) for name in PIPELINE_FUNCTIONS}
    gb_ms = [count * given.function_mb[name] / 1024 * given.function_ms[name] for name, count in calls.items()]
    requests = sum(calls.values(), Decimal(0))
    publishes = query.expected(paths, lambda path: path.publishes)
    return (
        *_minimum_lines(query),
        BillLine("lambda_gb_second", sum(gb_ms, Decimal(0)) / 1000),
        BillLine("lambda_request", requests),
        _logs(query, requests, query.images),
        *_alert_lines(query, publishes),
    )


def _stack_lines(query: CostQuery) -> tuple[BillLine, ...]:
    """What template.yaml adds: objects under memo/ for the image picked and for the intent; the index by day."""
    each = Decimal(query.images)
    return (
        BillLine("s3_put", each + each * (1 - query.assumptions.failures)),
        BillLine("s3_get", each),
        BillLine("dynamodb_write", each * query.write_units),
    )


def _express_lines(paths: WorkflowPaths, query: CostQuery) -> tuple[BillLine, ...]:
    given = query.assumptions

    def milliseconds(path: WorkflowPath) -> int:
        tasks = sum(path.invocations.values()) + path.publishes
        functions = sum(given.function_ms[name] * count for name, count in path.invocations.items())
        return _billed_ms(functions + tasks * given.task_overhead_ms)

    return (
        BillLine("express_request", Decimal(query.images)),
        BillLine("express_gb_second", _express_gb_seconds(query.expected(paths, milliseconds))),
    )


def _bulk_lines(bulk: StateMachine, query: CostQuery) -> tuple[BillLine, ...]:
    """What BulkIngest uses: its calls as tests/aws counts them, its own states as its file has them."""
    batches = Decimal(query.batches)
    lists = -(-query.batches // _KEYS_PER_LIST)
    summary_ms = Decimal(1_000 + query.batches * _SUMMARY_MS_PER_BATCH)
    return (
        *_minimum_lines(query),
        BillLine("s3_put", batches * BATCH_PUTS + lists + _RUN_PUTS),
        BillLine("s3_get", batches * (BATCH_GETS + 1) + _RUN_GETS),
        BillLine("standard_transition", batches + bulk_transitions(bulk)),
        *_child_lines(query),
        BillLine("lambda_gb_second", _lambda_gb_seconds("IngestBatch", batches * query.batch_ms)),
        BillLine("lambda_gb_second", _lambda_gb_seconds("SummariseIngest", summary_ms)),
        BillLine("lambda_request", batches + 1),
        _logs(query, batches + 1, 0),
        *_alert_lines(query, query.digests(Decimal(2))),
    )


def _map_lines(query: CostQuery) -> tuple[BillLine, ...]:
    """One parent transition, one Express execution and one invocation for each batch; a digest where images alerted."""
    batches = Decimal(query.batches)
    return (
        *_minimum_lines(query),
        BillLine("standard_transition", batches),
        *_child_lines(query),
        BillLine("lambda_gb_second", batches * query.assumptions.batch_mb / 1024 * query.batch_ms / 1000),
        BillLine("lambda_request", batches),
        _logs(query, batches, query.images),
        *_alert_lines(query, query.digests(batches)),
    )


def _child_lines(query: CostQuery) -> tuple[BillLine, ...]:
    """One Express execution for each batch."""
    milliseconds = _billed_ms(query.batch_ms + query.assumptions.task_overhead_ms)
    return (
        BillLine("express_request", Decimal(query.batches)),
        BillLine("express_gb_second", _express_gb_seconds(Decimal(query.batches * milliseconds))),
    )


def _logs(query: CostQuery, invocations: Decimal, images: int) -> BillLine:
    given = query.assumptions
    log_bytes = invocations * given.log_bytes_per_invocation + images * Decimal(given.log_bytes_per_image)
    return BillLine("logs_gb", log_bytes / 10**9)


def _alert_lines(query: CostQuery, publishes: Decimal) -> tuple[BillLine, ...]:
    emails = publishes * query.assumptions.emails_per_alert
    return BillLine("sns_publish", publishes), BillLine("sns_email", emails)


def _billed_ms(milliseconds: int) -> int:
    return -(-milliseconds // _EXPRESS_STEP_MS) * _EXPRESS_STEP_MS


def _express_gb_seconds(milliseconds: Decimal) -> Decimal:
    return milliseconds / 1000 * _EXPRESS_MB / 1024


def _lambda_gb_seconds(function: str, milliseconds: Decimal) -> Decimal:
    return milliseconds / 1000 * DEPLOYED_MB[function] / 1024
