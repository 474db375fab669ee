"""What LogToDynamoDB stands on in Lambda: the table that `DDB_TABLE` names, and the time."""

import os
import time
from functools import cache

from pupline.aws import DynamoDBAuditTable, dynamodb_client
from pupline.functions._environment import required


class SystemClock:
    """Implements `pupline.ports.Clock`."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()


@cache
def audit_table() -> DynamoDBAuditTable:
    """LogToDynamoDB's table, made at its first call in this process. Raises: ConfigurationError."""
    return DynamoDBAuditTable(dynamodb_client(), required(os.environ, "DDB_TABLE"))
