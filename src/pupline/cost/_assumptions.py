"""The quantities of a bill that neither the prices nor the workflow give: assumed, or counted in an audit."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from pupline.cost._paths import FETCH, NOT_FOUND
from pupline.errors import FAILING_OUTCOMES
from pupline.tasks.records import AuditRecord

DEPLOYED_MB: Mapping[str, int] = {
    FETCH: 512,
    "AlertPNG": 128,
    "LogToDynamoDB": 256,
    "IngestBatch": 512,
    "SummariseIngest": 1769,
}
"""MemorySize of each function in template.yaml."""

DEPLOYED_LOG_BYTES: Mapping[str, int] = {
    FETCH: 650,
    "AlertPNG": 580,
    "LogToDynamoDB": 1_120,
    "IngestBatch": 1_290,
    "SummariseIngest": 1_000,
}
"""The approximate size of the line that an invocation of each function logs, with its metrics."""

_OTHER_MB, _OTHER_MS = 256, 50
"""Of a function that a user's own workflow adds."""

_MOST_ERRORS = 40
"""Names of errors that are followed through the workflow; the rarer ones count as one that is not retried."""


@dataclass(frozen=True, slots=True)
class Assumptions:
    """Means, shares of all images from 0 to 1, and settings.

    function_mb, function_ms: memory and billed time by function. batch_mb, batch_ms_of_100: of a bulk function, the
    time for a hundred images. task_overhead_ms: of a Task of an Express execution, beyond its function.
    log_bytes_per_invocation: written by Lambda itself. log_bytes: by function, written by its own code; where it is
    empty, log_bytes_per_image is written for each image.
    image_bytes, item_bytes: mean sizes. stored: share with new bytes. conflicts: whose name was taken in the bucket.
    renamed: of these, stored under another name. failures: by the name of the error, never stored, refusals included.
    rate_limited: whose server asked once to wait. emails_per_alert: confirmed e-mail subscriptions.
    records: audit records that were counted, 0 if all is assumed.
    """

    function_mb: Mapping[str, int] = field(default_factory=lambda: {FETCH: 256, "AlertPNG": 128, "LogToDynamoDB": 256})
    function_ms: Mapping[str, int] = field(default_factory=lambda: {FETCH: 1_000, "AlertPNG": 20, "LogToDynamoDB": 50})
    batch_mb: int = 512
    batch_ms_of_100: int = 7_000
    task_overhead_ms: int = 150
    log_bytes_per_invocation: int = 480
    log_bytes_per_image: int = 40
    log_bytes: Mapping[str, int] = field(default_factory=dict)
    image_bytes: Decimal = Decimal(70_000)
    item_bytes: Decimal = Decimal(700)
    stored: Decimal = Decimal(1)
    conflicts: Decimal = Decimal(0)
    renamed: Decimal = Decimal(0)
    alerts: Decimal = Decimal(0)
    failures: Mapping[str, Decimal] = field(default_factory=dict)
    rate_limited: Decimal = Decimal(0)
    emails_per_alert: int = 1
    records: int = 0

    @property
    def failed(self) -> Decimal:
        """The share of images that are never stored."""
        return sum(self.failures.values(), Decimal(0))

    @property
    def shares(self) -> Decimal:
        """What the shares of images that leave the plain path come to; more than 1 is a contradiction."""
        return self.alerts + self.failed + self.rate_limited

    def gb_ms(self, function: str) -> Decimal:
        """Memory times billed time of one invocation, in GB and milliseconds."""
        return Decimal(self.function_mb.get(function, _OTHER_MB)) / 1024 * self.milliseconds(function)

    def milliseconds(self, function: str) -> int:
        """Billed time of one invocation."""
        return self.function_ms.get(function, _OTHER_MS)

    def counted(self, records: Iterable[AuditRecord]) -> "Assumptions":
        """With the shares and means of these records, read once. Without any record nothing is replaced."""
        total, outcomes, image_bytes, item_bytes, alerts, renamed = 0, Counter[str](), 0, 0, 0, 0
        errors = Counter[str]()
        for record in records:
            total += 1
            outcomes[record.outcome] += 1
            alerts += record.alert_triggered
            renamed += record.reason == "renamed"
            image_bytes += record.size_bytes or 0
            if record.outcome in FAILING_OUTCOMES:
                errors[record.error or NOT_FOUND] += 1
            # As DynamoDB counts an item: names and values in UTF-8, numbers and booleans approximately.
            item = record.as_item() | {"upload_day": record.upload_timestamp[:10]}
            item_bytes += sum(len(name) + len(str(value).encode()) for name, value in item.items())
        if not total:
            return self
        fetched = total - errors.total()
        return replace(
            self,
            records=total,
            image_bytes=Decimal(image_bytes) / (fetched or 1),
            item_bytes=Decimal(item_bytes) / total,
            stored=Decimal(outcomes["stored"] + outcomes["quarantined"]) / total,
            conflicts=Decimal(outcomes["duplicate"] + renamed) / total,
            renamed=Decimal(renamed) / total,
            alerts=Decimal(alerts) / total,
            failures=_shares(errors, total),
        )

    def logged(self, calls: Mapping[str, Decimal], images: int) -> Decimal:
        """Bytes of logs of so many invocations by function."""
        own = sum((count * self.log_bytes[name] for name, count in calls.items() if name in self.log_bytes), Decimal(0))
        if not self.log_bytes:
            own = Decimal(images * self.log_bytes_per_image)
        return own + sum(calls.values(), Decimal(0)) * self.log_bytes_per_invocation

    def as_deployed(self) -> "Assumptions":
        """With the memory of template.yaml, and what its functions log."""
        return replace(self, function_mb=DEPLOYED_MB, log_bytes=DEPLOYED_LOG_BYTES)


def _shares(errors: Counter[str], total: int) -> dict[str, Decimal]:
    followed = Counter(dict(errors.most_common(_MOST_ERRORS)))
    followed[NOT_FOUND] += errors.total() - followed.total()
    return {error: Decimal(count) / total for error, count in followed.items() if count}
