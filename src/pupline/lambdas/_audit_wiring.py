"""LogToDynamoDB's services in Lambda, from its environment, read once.

`DDB_TABLE`: the audit table.
"""

import os
from dataclasses import dataclass
from functools import cache

from pupline.aws import DynamoDBAuditTable, dynamodb_client
from pupline.lambdas._runtime import SystemClock, required
from pupline.tasks.ports import AuditTable, Clock


@dataclass(frozen=True, slots=True)
class AuditServices:
    """What the task works with."""

    table: AuditTable
    clock: Clock


@cache
def audit_services() -> AuditServices:
    """LogToDynamoDB's services, made once in this process. Raises: ConfigurationError."""
    table = DynamoDBAuditTable(dynamodb_client(), required(os.environ, "DDB_TABLE"))
    return AuditServices(table, SystemClock())
