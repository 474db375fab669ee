"""The ports over one directory and one SQLite file, and the durable driver of the engine.

    with LocalBackend.open(Path("pupline-data"), exclusive=True) as backend:
        runtime = LambdaRuntime({"FetchAndUploadDogImage": fetch, ...}, concurrency=16)
        settings = DriverSettings(machine=machine, runtime=runtime, topic=backend.topic, clock=backend.clock)
        backend.runs.open("monday", {"source": "sample"})
        result = backend.driver(settings).drive(
            Start(execution_name("monday", index), {}, "monday", index) for index in backend.runs.missing("monday", 12)
        )

Bulk runs need no engine: items are listed, and stored in groups as they arrive.

    ingest = backend.ingests.open(NewIngest(run_id="monday", dataset="dogs", source="dog-ceo", settings={}))
    backend.ingests.add_items(ingest.ingest_id, items, position=None, listed=True)
    intake = Intake(backend, ingest, record_of, done)
    intake.take(arrivals)  # again and again, of backend.ingests.pending(...)
    intake.close()

One process at a time drives executions and stores objects; any number may read. `pupline.local._driver` says in which
order things are written, and why that makes them safe; `pupline.local._intake` says it for groups.

The engine, and what stands on it, is loaded when first used: bulk runs begin without it.
"""

from typing import TYPE_CHECKING, Any

from pupline.errors import ReplayMismatch
from pupline.local._audit import AuditQuery, LocalAuditTable
from pupline.local._backend import LocalBackend
from pupline.local._bucket import LocalBucket, ObjectListed
from pupline.local._clock import DriverClock, SystemClock
from pupline.local._database import Database
from pupline.local._delivery import Deliverer
from pupline.local._events import (
    DriverEvent,
    ExecutionFinished,
    ExecutionRefused,
    ExecutionResumed,
    ExecutionStarted,
    Listener,
    TaskAttemptFailed,
)
from pupline.local._finished import FinishedItems, finished_items
from pupline.local._ingest_rows import Added, Arrival, IngestCounts, IngestRow, ItemDone, NewIngest, PendingItem
from pupline.local._ingests import Ingests, item_execution
from pupline.local._intake import Intake, RecordMaker
from pupline.local._layout import BUCKET, misplaced
from pupline.local._leftovers import Stuck
from pupline.local._memo import LocalMemo
from pupline.local._prune import Pruned, prunable, prune
from pupline.local._recovery import Foreseen, foresee
from pupline.local._runs import Run, Runs, execution_name, new_run_id
from pupline.local._signals import StopAsked, stopping_on_signals
from pupline.local._subscriptions import PROTOCOLS, Subscription, Subscriptions
from pupline.local._topic import TOPIC_ARN, Alert, Delivery, LocalTopic, alert_as_dict, timestamp
from pupline.metadata import ItemRow

if TYPE_CHECKING:
    from pupline.local._driver import Driver
    from pupline.local._driver_settings import DriveResult, DriverSettings, Redrive, Runtime, Start
    from pupline.local._functions import Function, Invocation, LambdaRuntime
    from pupline.local._journal import ExecutionRow, Journal
    from pupline.local._repair import Repaired, repair

__all__ = [
    "BUCKET",
    "PROTOCOLS",
    "TOPIC_ARN",
    "Added",
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
    "Foreseen",
    "Function",
    "IngestCounts",
    "IngestRow",
    "Ingests",
    "Intake",
    "Invocation",
    "ItemDone",
    "ItemRow",
    "Journal",
    "LambdaRuntime",
    "Listener",
    "LocalAuditTable",
    "LocalBackend",
    "LocalBucket",
    "LocalMemo",
    "LocalTopic",
    "NewIngest",
    "ObjectListed",
    "PendingItem",
    "Pruned",
    "RecordMaker",
    "Redrive",
    "Repaired",
    "ReplayMismatch",
    "Run",
    "Runs",
    "Runtime",
    "Start",
    "StopAsked",
    "Stuck",
    "Subscription",
    "Subscriptions",
    "SystemClock",
    "TaskAttemptFailed",
    "alert_as_dict",
    "execution_name",
    "finished_items",
    "foresee",
    "item_execution",
    "misplaced",
    "new_run_id",
    "prunable",
    "prune",
    "repair",
    "stopping_on_signals",
    "timestamp",
]

_HOMES = {
    "Driver": "_driver",
    **dict.fromkeys(("DriveResult", "DriverSettings", "Redrive", "Runtime", "Start"), "_driver_settings"),
    **dict.fromkeys(("Function", "Invocation", "LambdaRuntime"), "_functions"),
    **dict.fromkeys(("Repaired", "repair"), "_repair"),
    **dict.fromkeys(("ExecutionRow", "Journal"), "_journal"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
