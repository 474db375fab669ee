"""What the pipeline costs on AWS: the bill for a number of images, from what was counted and a dated price table.

What is not in it: data transfer in (free), the requests to KMS (a bucket key makes them few), free tiers, taxes.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pupline.records import AuditRecord

PRICES_AS_OF = "2026"
"""Year of the list prices below: us-east-1, without free tier."""

GB = 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """US dollars per one of each. Sources: the pricing pages of the services, in the year of PRICES_AS_OF."""

    standard_transition: float = 0.025 / 1_000
    express_request: float = 1.00 / 1_000_000
    express_gb_second: float = 0.00001667
    lambda_request: float = 0.20 / 1_000_000
    lambda_gb_second: float = 0.0000133334  # arm64
    s3_put: float = 0.005 / 1_000
    s3_get: float = 0.0004 / 1_000
    s3_gb_month: float = 0.023
    dynamodb_write: float = 0.625 / 1_000_000
    sns_publish: float = 0.50 / 1_000_000
    logs_gb: float = 0.50
    kms_key_month: float = 1.00
    alarm_month: float = 0.10
    dashboard_month: float = 3.00
    metric_month: float = 0.30


@dataclass(frozen=True, slots=True, kw_only=True)
class PerImage:
    """What one image takes on average. The defaults are what a random image without alert takes.

    transitions: of the Standard workflow, retries included. puts: the object, what it was meant to be, and the
    remembered choice. writes: one for the table and one for its index. Seconds and sizes are assumed until
    something was counted.
    """

    transitions: float = 4.0
    invocations: float = 2.0
    puts: float = 3.0
    gets: float = 1.0
    writes: float = 2.0
    alerts: float = 0.0
    size_bytes: float = 100_000.0
    log_bytes: float = 1_500.0
    fetch_gb_seconds: float = 0.5
    log_gb_seconds: float = 0.05

    @property
    def gb_seconds(self) -> float:
        """Of all functions together."""
        return self.fetch_gb_seconds + self.log_gb_seconds


STANDARD_ALERT_TRANSITIONS = 3
"""What an alert adds: its words, composing it, publishing it."""

EXPRESS_GB = 64 / 1024
"""An Express execution is billed in steps of 64 MB, and ours stays within the first."""

BATCH_MEMORY_GB = 0.5
BATCH_SECONDS_PER_IMAGE = 0.07
"""In bulk one invocation fetches many images at a time, so each takes less of it."""

FIXED_ALARMS = 12
FIXED_METRICS = 7
"""Images by five outcomes, alerts, bytes."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the bill: `quantity` of `what`, in US dollars."""

    service: str
    what: str
    quantity: float
    dollars: float


@dataclass(frozen=True, slots=True)
class Bill:
    """lines: for the images, once. monthly: for keeping them and for watching the pipeline, each month."""

    images: int
    lines: tuple[Line, ...]
    monthly: tuple[Line, ...]

    @property
    def dollars(self) -> float:
        """For the images, once."""
        return sum(line.dollars for line in self.lines)

    @property
    def dollars_per_month(self) -> float:
        """From then on."""
        return sum(line.dollars for line in self.monthly)


def transitions_in(history: Iterable[Mapping[str, Any]]) -> int:
    """State transitions that Step Functions bills for a history: each state entered, and each attempt after the first.

    Source: AWS Step Functions pricing, "a state transition is counted each time a step of your workflow is executed,
    including retries".
    """
    entered, scheduled, tasks = 0, 0, 0
    for event in history:
        kind = str(event["type"])
        entered += kind.endswith("StateEntered")
        tasks += kind == "TaskStateEntered"
        scheduled += kind in ("TaskScheduled", "LambdaFunctionScheduled")
    return entered + max(0, scheduled - tasks)


def per_image(records: Sequence[AuditRecord], transitions: int | None = None) -> PerImage:
    """The averages of what was counted. transitions: of all their executions together, where histories were read.

    Raises: ValueError without records.
    """
    if not records:
        raise ValueError("nothing was counted: run some images first, or leave out what was counted")
    count = len(records)
    alerts = sum(record.alert_triggered for record in records) / count
    usual = PerImage()
    picked = sum(record.source != "image_url" for record in records) / count
    held = sum(record.sha256 is not None for record in records) / count
    renamed = sum(record.reason == "renamed" for record in records) / count
    known = sum(record.outcome == "duplicate" or record.reason == "renamed" for record in records) / count
    kept = sum(record.size_bytes or 0 for record in records if record.outcome in ("stored", "quarantined"))
    return replace(
        usual,
        transitions=usual.transitions + STANDARD_ALERT_TRANSITIONS * alerts
        if transitions is None
        else transitions / count,
        invocations=usual.invocations + alerts,
        puts=2 * held + renamed + picked,
        gets=picked + known,
        alerts=alerts,
        size_bytes=kept / count,
    )


def bill(
    images: int, average: PerImage | None = None, *, batch: int | None = None, prices: Prices | None = None
) -> Bill:
    """The bill for `images`.

    average: what one takes. batch: images per invocation of the bulk workflow (a Distributed Map with Express
    children); None for one Standard execution each. Raises: ValueError for numbers that make no sense.
    """
    if images < 0 or (batch is not None and batch < 1):
        raise ValueError(f"{images} images, batches of {batch}: give 0 or more images, and batches of 1 or more")
    each, at = average or PerImage(), prices or Prices()
    work = _one_by_one(images, each, at) if batch is None else _in_batches(images, batch, each, at)
    return Bill(images, (*work, *_storing(images, each, at)), _monthly(images, each, at))


def _one_by_one(images: int, each: PerImage, at: Prices) -> list[Line]:
    return [
        _line("Step Functions", "state transitions", images * each.transitions, at.standard_transition),
        _line("Lambda", "requests", images * each.invocations, at.lambda_request),
        _line("Lambda", "GB-seconds", images * each.gb_seconds, at.lambda_gb_second),
        _line("SNS", "alerts", images * each.alerts, at.sns_publish),
    ]


def _in_batches(images: int, batch: int, each: PerImage, at: Prices) -> list[Line]:
    """One parent transition, Express child and invocation per batch, and a digest where there are alerts."""
    children = math.ceil(images / batch)
    seconds = images * BATCH_SECONDS_PER_IMAGE
    digests = min(children, images * each.alerts)
    return [
        _line("Step Functions", "state transitions", children, at.standard_transition),
        _line("Step Functions", "Express requests", children, at.express_request),
        _line("Step Functions", "Express GB-seconds", seconds * EXPRESS_GB, at.express_gb_second),
        _line("Lambda", "requests", children, at.lambda_request),
        _line("Lambda", "GB-seconds", seconds * BATCH_MEMORY_GB, at.lambda_gb_second),
        _line("SNS", "alert digests", digests, at.sns_publish),
    ]


def _storing(images: int, each: PerImage, at: Prices) -> list[Line]:
    return [
        _line("S3", "PUT requests", images * each.puts, at.s3_put),
        _line("S3", "GET requests", images * each.gets, at.s3_get),
        _line("DynamoDB", "write units", images * each.writes, at.dynamodb_write),
        _line("CloudWatch", "GB of logs", images * each.log_bytes / GB, at.logs_gb),
    ]


def _monthly(images: int, each: PerImage, at: Prices) -> tuple[Line, ...]:
    return (
        _line("S3", "GB kept", images * each.size_bytes / GB, at.s3_gb_month),
        _line("KMS", "key", 1, at.kms_key_month),
        _line("CloudWatch", "alarms", FIXED_ALARMS, at.alarm_month),
        _line("CloudWatch", "dashboard", 1, at.dashboard_month),
        _line("CloudWatch", "metrics", FIXED_METRICS, at.metric_month),
    )


def _line(service: str, what: str, quantity: float, price: float) -> Line:
    return Line(service, what, quantity, quantity * price)
