"""What is due each month: for the stack itself, whether images come or not, and for keeping what came."""

from decimal import Decimal

from pupline.cost._bill import BillLine, lines_of
from pupline.cost._paths import FETCH
from pupline.cost._prices import to_cents
from pupline.cost._query import CostQuery

DEPLOYED_ALARMS = 16
"""Metrics that the alarms watch, each of which is billed. Two of them are there while the schedule is enabled."""

DEPLOYED_METRICS = 30
"""Custom metrics of both workflows, each billed in the months in which it has values."""

_ITEM_OVERHEAD_BYTES = 100
"""DynamoDB adds this to each item, and to each entry of an index."""

_MEMO_BYTES = 140
"""Of each of the two memos of an image, which are kept for 30 days. Deleting them then is free."""

_GB = 10**9


def fixed_month() -> tuple[BillLine, ...]:
    """The key, the alarms, the metrics that the functions write, the dashboard."""
    return (
        BillLine("kms_key_month", Decimal(1)),
        BillLine("alarm_month", Decimal(DEPLOYED_ALARMS)),
        BillLine("metric_month", Decimal(DEPLOYED_METRICS)),
        BillLine("dashboard_month", Decimal(1)),
    )


def images_month(query: CostQuery) -> BillLine:
    """Keeping the new objects, in S3 Standard."""
    return BillLine("s3_gb_month", query.images * query.assumptions.stored * query.assumptions.image_bytes / _GB)


def storage_month(query: CostQuery) -> Decimal:
    """Dollars for keeping the new objects for a month, in S3 Standard."""
    return to_cents(images_month(query).usd)


def records_month(query: CostQuery) -> tuple[BillLine, ...]:
    """Keeping the records of the single flow: items, index by day, backup to any point in time, memos, logs."""
    given = query.assumptions.as_deployed()
    item = query.images * (given.item_bytes + _ITEM_OVERHEAD_BYTES) / _GB
    memos = 2 * query.images * Decimal(_MEMO_BYTES + _ITEM_OVERHEAD_BYTES) / _GB
    calls = dict.fromkeys((FETCH, "LogToDynamoDB"), Decimal(query.images))
    return lines_of(
        (
            BillLine("dynamodb_gb_month", 2 * item + memos),
            BillLine("dynamodb_backup_gb_month", item + memos),
            BillLine("logs_gb_month", given.logged(calls, query.images) / _GB),
        )
    )
