"""An export of the audit table into the bucket, where the Glue table `records` reads it."""

from collections.abc import Callable
from typing import Any

from pupline.backends._port import AuditExport, Note
from pupline.backends.stack._account import Account, aws_errors
from pupline.backends.stack._polling import Timer
from pupline.backends.stack._stack import BUCKET, KEY, TABLE, Stack
from pupline.errors import PuplineError
from pupline.text import printable

EXPORT_PREFIX = "audit"
"""The Glue table in template.yaml reads `audit/AWSDynamoDB/<export>/data/`."""

_POLL_SECONDS = 10.0


def export_audit(account: Account, stack: Stack, timer: Timer, listener: Callable[[Note], None]) -> AuditExport:
    """Export the table as it is now, encrypted with the stack's key, and wait for the end, which takes minutes.

    If this is interrupted, the export continues. Raises: ConfigurationError; BackendUnavailable; PuplineError when the
    export fails.
    """
    client, table, bucket = account.client("dynamodb"), stack.resource(TABLE), stack.resource(BUCKET)
    doing = f"exporting the table {table}"
    with aws_errors(doing):
        arn = client.describe_table(TableName=table)["Table"]["TableArn"]
        started = client.export_table_to_point_in_time(
            TableArn=arn,
            S3Bucket=bucket,
            S3Prefix=EXPORT_PREFIX,
            S3SseAlgorithm="KMS",
            S3SseKmsKeyId=stack.resource(KEY),
            ExportFormat="DYNAMODB_JSON",
        )["ExportDescription"]
        name = str(started["ExportArn"]).rpartition("/")[2]
        listener(Note(f"Export {printable(name)} has started. It takes some minutes, and needs nobody to wait for it."))
        described = _ended(client, started, timer)
    if described["ExportStatus"] != "COMPLETED":
        why = ": ".join(str(described[part]) for part in ("FailureCode", "FailureMessage") if described.get(part))
        raise PuplineError(f"{doing}: {printable(why, 400) or described['ExportStatus']}")
    return AuditExport(
        export=name,
        location=f"s3://{bucket}/{EXPORT_PREFIX}/AWSDynamoDB/{name}/data/",
        records=int(described.get("ItemCount", 0)),
        bytes=int(described.get("BilledSizeBytes", 0)),
    )


def _ended(client: Any, described: Any, timer: Timer) -> Any:
    """DescribeExport's answer, once the export has ended."""
    while described["ExportStatus"] == "IN_PROGRESS":
        timer.sleep(_POLL_SECONDS)
        described = client.describe_export(ExportArn=described["ExportArn"])["ExportDescription"]
    return described
