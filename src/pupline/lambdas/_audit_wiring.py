"""LogToDynamoDB's services in Lambda, from its environment, read once at cold start.

`DDB_TABLE`: the audit table. `METRICS_NAMESPACE`: of the metrics of each record in CloudWatch; unset for no metrics.
"""

import os
import sys
from dataclasses import dataclass
from functools import cache

from pupline.aws import DynamoDBAuditTable, dynamodb_client
from pupline.json_values import JSON
from pupline.lambdas._metrics import metrics_line
from pupline.lambdas._runtime import SystemClock, required
from pupline.tasks.ports import AuditTable, Clock


@dataclass(frozen=True, slots=True)
class AuditServices:
    """metrics_namespace: empty for no metrics."""

    table: AuditTable
    clock: Clock
    metrics_namespace: str


@cache
def audit_services() -> AuditServices:
    """LogToDynamoDB's services, made at the first call in this process. Raises: ConfigurationError."""
    table = DynamoDBAuditTable(dynamodb_client(), required(os.environ, "DDB_TABLE"))
    return AuditServices(table, SystemClock(), os.environ.get("METRICS_NAMESPACE", ""))


def log_metrics(item: JSON, namespace: str, now: float) -> None:
    """Write the record's metrics to the log, where CloudWatch reads them. now: seconds since the epoch."""
    if namespace and isinstance(item, dict):
        sys.stdout.write(f"{metrics_line(item, namespace, now)}\n")
        sys.stdout.flush()
