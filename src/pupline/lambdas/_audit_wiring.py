"""What LogToDynamoDB stands on in Lambda: the table that `DDB_TABLE` names, the time, and metrics.

`METRICS_NAMESPACE`: where CloudWatch shall keep the metrics of each record; unset for none.
"""

import os
import sys
import time
from functools import cache

from pupline.aws import DynamoDBAuditTable, dynamodb_client
from pupline.json_values import JSON
from pupline.lambdas._environment import required
from pupline.lambdas._metrics import metrics_line


class SystemClock:
    """Implements `pupline.tasks.ports.Clock`."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()


@cache
def audit_table() -> DynamoDBAuditTable:
    """LogToDynamoDB's table, made at its first call in this process. Raises: ConfigurationError."""
    return DynamoDBAuditTable(dynamodb_client(), required(os.environ, "DDB_TABLE"))


def log_metrics(item: JSON) -> None:
    """Write the record's metrics to the log, from where CloudWatch takes them."""
    namespace = os.environ.get("METRICS_NAMESPACE", "")
    if namespace and isinstance(item, dict):
        sys.stdout.write(f"{metrics_line(item, namespace, SystemClock().now())}\n")
        sys.stdout.flush()
