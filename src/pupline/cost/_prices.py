"""The one table of prices.

Compared on 30 November 2026 with copies of AWS's price pages and of price guides from February to September 2026; the
lower prices of Express time and of S3 storage are those of earlier copies.
"""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal

PRICES_AS_OF = "2026-09"
PRICES_REGION = "us-east-1"
_MILLION = 1_000_000
PRICES_USD: Mapping[str, Decimal] = {
    "standard_transition": Decimal("0.025") / 1_000,
    "express_request": Decimal("1.00") / _MILLION,
    "express_gb_second": Decimal("0.00001667"),
    "lambda_gb_second": Decimal("0.0000133334"),
    "lambda_request": Decimal("0.20") / _MILLION,
    "s3_put": Decimal("0.005") / 1_000,
    "s3_get": Decimal("0.0004") / 1_000,
    "s3_gb_month": Decimal("0.023"),
    "dynamodb_write": Decimal("0.625") / _MILLION,
    "dynamodb_read": Decimal("0.125") / _MILLION,
    "dynamodb_gb_month": Decimal("0.25"),
    "dynamodb_backup_gb_month": Decimal("0.20"),
    "dynamodb_export_gb": Decimal("0.10"),
    "sns_publish": Decimal("0.50") / _MILLION,
    "sns_email": Decimal("2.00") / 100_000,
    "logs_gb": Decimal("0.50"),
    "logs_gb_month": Decimal("0.03"),
    "kms_request": Decimal("0.03") / 10_000,
    "kms_key_month": Decimal("1.00"),
    "xray_trace": Decimal("5.00") / _MILLION,
    "s3_event": Decimal("1.00") / _MILLION,
    "athena_tb": Decimal("5.00"),
    "alarm_month": Decimal("0.10"),
    "metric_month": Decimal("0.30"),
    "dashboard_month": Decimal("3.00"),
}
"""List prices per unit: Lambda on arm64, DynamoDB on demand, e-mail per delivery, S3's events to EventBridge."""

TIERS: Mapping[str, tuple[tuple[int, Decimal], ...]] = {
    "s3_gb_month": ((50_000, Decimal("0.022")), (500_000, Decimal("0.021"))),
    "express_gb_second": ((1_000 * 3_600, Decimal("0.00000833")), (5_000 * 3_600, Decimal("0.00000456"))),
}
"""Lower prices: of each unit of a month beyond a quantity."""

SERVICES: Mapping[str, str] = {
    "standard": "Step Functions",
    "express": "Step Functions",
    "lambda": "Lambda",
    "s3": "S3",
    "dynamodb": "DynamoDB",
    "sns": "SNS",
    "logs": "CloudWatch Logs",
    "kms": "KMS",
    "xray": "X-Ray",
    "athena": "Athena",
    "alarm": "CloudWatch",
    "metric": "CloudWatch",
    "dashboard": "CloudWatch",
}
"""The service by the first word of a price's name; EventBridge's own price is the exception."""


def service_of(price: str) -> str:
    """The service that bills a price."""
    return "EventBridge" if price == "s3_event" else SERVICES[price.partition("_")[0]]


def usd_of(price: str, quantity: Decimal) -> Decimal:
    """The price of a quantity, with the lower prices of large ones. Not rounded."""
    usd, unit, begins = Decimal(0), PRICES_USD[price], 0
    for ends, lower in TIERS.get(price, ()):
        if quantity <= ends:
            break
        usd += (ends - begins) * unit
        unit, begins = lower, ends
    return usd + (quantity - begins) * unit


def to_cents(usd: Decimal) -> Decimal:
    """Rounded half up, as on a bill."""
    return usd.quantize(Decimal("0.01"), ROUND_HALF_UP)
