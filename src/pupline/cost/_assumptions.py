"""The quantities of a bill that neither the prices nor the workflow give: assumed, or counted in an audit."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from pupline.tasks.records import AuditRecord

DEPLOYED_MB: Mapping[str, int] = {
    "FetchAndUploadDogImage": 512,
    "AlertPNG": 128,
    "LogToDynamoDB": 256,
    "IngestBatch": 512,
    "SummariseIngest": 1024,
}
"""MemorySize of each function in template.yaml."""

METRICS_LINE_BYTES = 500
"""The approximate size of the metrics that LogToDynamoDB logs for each image."""


@dataclass(frozen=True, slots=True)
class Assumptions:
    """Means, shares of all images from 0 to 1, and settings.

    function_mb, function_ms: memory and billed time by function. batch_mb, batch_ms_of_100: of a bulk function, the
    time for a hundred images. task_overhead_ms: of a Task of an Express execution, beyond its function.
    log_bytes_per_invocation: written by Lambda itself. log_bytes_per_image: added by fetching.
    image_bytes, item_bytes: mean sizes. stored: share with new bytes. conflicts: whose name was taken in the bucket.
    renamed: of these, stored under another name. failures: never stored, refusals included.
    emails_per_alert: confirmed e-mail subscriptions. records: audit records that were counted, 0 if all is assumed.
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
            # As DynamoDB counts an item: names and values in UTF-8, numbers and booleans approximately.
            item = record.as_item() | {"upload_day": record.upload_timestamp[:10]}
            item_bytes += sum(len(name) + len(str(value).encode()) for name, value in item.items())
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

    def as_deployed(self) -> "Assumptions":
        """With the memory and the metrics of template.yaml."""
        log_bytes = self.log_bytes_per_image + METRICS_LINE_BYTES
        return replace(self, function_mb=DEPLOYED_MB, log_bytes_per_image=log_bytes)
