"""Where the workflows run: one machine, or a deployed stack, behind one port.

    with open_backend(Path("pupline-data")) as backend:
        report = backend.run(RunRequest(RunSettings(source="sample"), count=12), print)

Names are loaded when first used: a command on one machine needs no boto3, one on a stack no database.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pupline.backends._bulk_ingest import has_parquet
    from pupline.backends._port import (
        Again,
        AttemptFailed,
        AuditExport,
        Backend,
        BatchDone,
        BulkEvent,
        Check,
        DiscardReport,
        DiscardSelection,
        Note,
        RedriveSelection,
        Refused,
        RetryReport,
        RunEvent,
        RunReport,
        RunRequest,
        RunStarted,
        Stopping,
    )
    from pupline.backends._redrive import EndedExecution, why_not_redriven
    from pupline.backends._results import ExecutionResult
    from pupline.backends._settings import RunSettings
    from pupline.backends.machine import (
        BULK_NAME,
        MachineBackend,
        WorkflowRunner,
        fetch_services,
        load_workflow,
        retry_alerts,
    )
    from pupline.backends.stack import StackBackend

__all__ = [
    "BULK_NAME",
    "Again",
    "AttemptFailed",
    "AuditExport",
    "Backend",
    "BatchDone",
    "BulkEvent",
    "Check",
    "DiscardReport",
    "DiscardSelection",
    "EndedExecution",
    "ExecutionResult",
    "MachineBackend",
    "Note",
    "RedriveSelection",
    "Refused",
    "RetryReport",
    "RunEvent",
    "RunReport",
    "RunRequest",
    "RunSettings",
    "RunStarted",
    "StackBackend",
    "Stopping",
    "WorkflowRunner",
    "fetch_services",
    "has_parquet",
    "load_workflow",
    "open_backend",
    "retry_alerts",
    "why_not_redriven",
]

_HOMES = {
    "ExecutionResult": "_results",
    "RunSettings": "_settings",
    "StackBackend": "stack",
    "has_parquet": "_bulk_ingest",
    **dict.fromkeys(("EndedExecution", "why_not_redriven"), "_redrive"),
    **dict.fromkeys(("BULK_NAME", "MachineBackend", "WorkflowRunner"), "machine"),
    **dict.fromkeys(("fetch_services", "load_workflow", "retry_alerts"), "machine"),
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES.get(name, '_port')}"), name)


def open_backend(data_dir: Path, stack: str | None = None) -> "Backend":
    """The backend over a data directory, or, with its name, a stack. Nothing is opened before it is first used."""
    if stack is not None:
        from pupline.backends.stack import StackBackend

        return StackBackend(stack)
    from pupline.backends.machine import MachineBackend

    return MachineBackend(data_dir)
