"""What it costs to ask for the records of so many images. docs/queries.md says which question takes which way."""

from decimal import Decimal

from pupline.cost._prices import usd_of
from pupline.cost._query import CostQuery

_READ_UNIT_BYTES = 4_096
_EVENTUALLY = Decimal("0.5")
"""Read units of a query or scan that need not see the last write, for each 4 KB."""

_ATHENA_AT_LEAST = 10 * 2**20
_TB = 2**40


def questions(query: CostQuery) -> dict[str, Decimal]:
    """Dollars, not rounded, by the way that a question takes."""
    size = query.images * query.assumptions.item_bytes
    return {
        "the rows of a bulk run in the bucket": usd_of("s3_get", Decimal(query.batches)),
        "the index by day, or a scan of the table": usd_of("dynamodb_read", size / _READ_UNIT_BYTES * _EVENTUALLY),
        "an export of the table": usd_of("dynamodb_export_gb", size / 10**9),
        # Of compressed lines, or of some columns of Parquet, it reads less.
        "each query of an export with Athena, at most": usd_of("athena_tb", max(size, Decimal(_ATHENA_AT_LEAST)) / _TB),
    }
