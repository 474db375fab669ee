"""The ports over one directory and one SQLite file, and the durable driver of the engine.

    with LocalBackend.open(Path("pupline-data"), exclusive=True) as backend:
        runtime = LambdaRuntime({"FetchAndUploadDogImage": fetch, ...}, concurrency=16)
        settings = DriverSettings(machine=machine, runtime=runtime, topic=backend.topic, clock=backend.clock)
        backend.runs.open("monday", {"source": "sample"})
        result = backend.driver(settings).drive(
            StartRequest(execution_name("monday", index), {}, "monday", index)
            for index in backend.runs.missing("monday", 12)
        )

Bulk runs need no engine: items are listed, and stored in groups as they arrive.

    ingest = backend.ingests.open(NewIngest(run_id="monday", dataset="dogs", source="dog-ceo", settings={}))
    backend.ingests.add_items(ingest.ingest_id, items, position=None, listed=True)
    intake = GroupCommitter(backend, ingest, record_of, done)
    intake.take(arrivals)  # again and again, of backend.ingests.pending(...)
    intake.close()

One process at a time drives executions and stores objects; any number may read. `pupline.local.journal.driver` says
in which order things are written, and why that makes them safe; `pupline.local.ingests.intake` says it for groups.

The engine, and what stands on it, is loaded when first used: bulk runs begin without it.
"""

from typing import TYPE_CHECKING, Any

from pupline.errors import ReplayMismatch
from pupline.local._audit import AuditQuery, LocalAuditTable
from pupline.local._backend import LocalBackend
from pupline.local._clock import DriverClock, SystemClock
from pupline.local._memo import LocalWriteOnceStore
from pupline.local._prune import PruneCounts, count_prunable, prune
from pupline.local._signals import StopRequested, stopping_on_signals
from pupline.local.alerts.delivery import Deliverer
from pupline.local.alerts.subscriptions import PROTOCOLS, Subscription, Subscriptions
from pupline.local.alerts.topic import TOPIC_ARN, Alert, Delivery, LocalTopic, alert_as_dict
from pupline.local.bucket.bucket import ListedObject, LocalBucket
from pupline.local.bucket.leftovers import UndeletedFiles
from pupline.local.bucket.recovery import RecoveryPlan, plan_recovery
from pupline.local.database.database import Database
from pupline.local.database.layout import BUCKET, layout_problem
from pupline.local.ingests.finished import FinishedItems, finished_items
from pupline.local.ingests.ingests import Ingests, item_execution
from pupline.local.ingests.intake import GroupCommitter, RecordMaker
from pupline.local.ingests.rows import Arrival, IngestCounts, IngestRow, ItemDone, NewIngest, PageCounts, PendingItem
from pupline.local.journal.events import (
    DriverEvent,
    ExecutionFinished,
    ExecutionRefused,
    ExecutionResumed,
    ExecutionStarted,
    Listener,
    TaskAttemptFailed,
)
from pupline.local.journal.runs import RunRow, Runs
from pupline.tasks.metadata import ItemRow

if TYPE_CHECKING:
    from pupline.local.journal.driver import Driver
    from pupline.local.journal.driver_settings import DriveResult, DriverSettings, RedriveRequest, Runtime, StartRequest
    from pupline.local.journal.functions import Invocation, LambdaHandler, LambdaRuntime
    from pupline.local.journal.journal import ExecutionRow, Journal
    from pupline.local.repair.repair import RepairReport, repair_database

__all__ = [
    "BUCKET",
    "PROTOCOLS",
    "TOPIC_ARN",
    "Alert",
    "Arrival",
    "AuditQuery",
    "Database",
    "Deliverer",
    "Delivery",
    "DriveResult",
    "Driver",
    "DriverClock",
    "DriverEvent",
    "DriverSettings",
    "ExecutionFinished",
    "ExecutionRefused",
    "ExecutionResumed",
    "ExecutionRow",
    "ExecutionStarted",
    "FinishedItems",
    "GroupCommitter",
    "IngestCounts",
    "IngestRow",
    "Ingests",
    "Invocation",
    "ItemDone",
    "ItemRow",
    "Journal",
    "LambdaHandler",
    "LambdaRuntime",
    "ListedObject",
    "Listener",
    "LocalAuditTable",
    "LocalBackend",
    "LocalBucket",
    "LocalTopic",
    "LocalWriteOnceStore",
    "NewIngest",
    "PageCounts",
    "PendingItem",
    "PruneCounts",
    "RecordMaker",
    "RecoveryPlan",
    "RedriveRequest",
    "RepairReport",
    "ReplayMismatch",
    "RunRow",
    "Runs",
    "Runtime",
    "StartRequest",
    "StopRequested",
    "Subscription",
    "Subscriptions",
    "SystemClock",
    "TaskAttemptFailed",
    "UndeletedFiles",
    "alert_as_dict",
    "count_prunable",
    "finished_items",
    "item_execution",
    "layout_problem",
    "plan_recovery",
    "prune",
    "repair_database",
    "stopping_on_signals",
]

_HOMES = {
    "Driver": "journal.driver",
    **dict.fromkeys(
        ("DriveResult", "DriverSettings", "RedriveRequest", "Runtime", "StartRequest"), "journal.driver_settings"
    ),
    **dict.fromkeys(("LambdaHandler", "Invocation", "LambdaRuntime"), "journal.functions"),
    **dict.fromkeys(("RepairReport", "repair_database"), "repair.repair"),
    **dict.fromkeys(("ExecutionRow", "Journal"), "journal.journal"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
