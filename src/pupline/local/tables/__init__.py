"""The tables without rules of their own: audit records, write-once values, runs, findings of the quality pass."""

from pupline.local.tables._audit import (
    AUDIT_COLUMNS,
    RUN_CONDITION,
    AuditQuery,
    LocalAuditTable,
    insert_records,
    record_of,
    run_range,
)
from pupline.local.tables._quality import Decision, GroupRow, QualityRow, QualityTable, forget_dataset
from pupline.local.tables._run_kinds import RunKind, check_run_kind, kind_of_settings
from pupline.local.tables._runs import RunRow, Runs
from pupline.local.tables._write_once import LocalWriteOnceStore

__all__ = [
    "AUDIT_COLUMNS",
    "RUN_CONDITION",
    "AuditQuery",
    "Decision",
    "GroupRow",
    "LocalAuditTable",
    "LocalWriteOnceStore",
    "QualityRow",
    "QualityTable",
    "RunKind",
    "RunRow",
    "Runs",
    "check_run_kind",
    "forget_dataset",
    "insert_records",
    "kind_of_settings",
    "record_of",
    "run_range",
]
