"""The one table of prices."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

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
"""List prices per unit: Lambda on arm64, DynamoDB on demand, e-mail per delivery."""


def to_cents(usd: Decimal) -> Decimal:
    """Rounded half up, as on a bill."""
    return usd.quantize(Decimal("0.01"), ROUND_HALF_UP)
