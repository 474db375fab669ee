"""What it costs to ask for the records of so many images. docs/queries.md says which question takes which way."""

from decimal import Decimal

from pupline.cost._prices import usd_of
from pupline.cost._query import CostQuery

ROW_BYTES = 1_300
"""The approximate size of a row of the metadata that a batch leaves in the bucket, as a line of JSON."""

_READ_UNIT_BYTES = 4_096
_EVENTUALLY = Decimal("0.5")
"""Read units of a query or scan that need not see the last write, for each 4 KB."""

_ATHENA_AT_LEAST = 10 * 2**20
_TB = 2**40


def questions(query: CostQuery) -> dict[str, Decimal]:
    """Dollars, not rounded, by the way that a question takes."""
    units = query.images * query.assumptions.item_bytes / _READ_UNIT_BYTES * _EVENTUALLY
    scanned = Decimal(max(_ATHENA_AT_LEAST, query.images * ROW_BYTES)) / _TB
    return {
        "the rows of a bulk run in the bucket": usd_of("s3_get", Decimal(query.batches)),
        "the index by day, or a scan of the table": usd_of("dynamodb_read", units),
        "Athena over the rows of bulk runs": usd_of("athena_tb", scanned),
    }
