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
    backend.ingests.add_page(ingest.ingest_id, ListedPage(items, position=None, listed=True))
    committer = GroupCommitter(backend.ingests, ingest, record_of, done)
    committer.take(arrivals)  # repeatedly, of backend.ingests.pending(...)
    committer.close()

One process at a time drives executions and stores objects; any number may read.

Sub-rooms, each of which imports only those above it (`tests/test_architecture.py` checks this):

    data_dir   the directory: its layout, its lock
    database   the SQLite file: schema, one writing thread, checks of rows
    tables     audit records, write-once values, runs, findings of the quality pass
    alerts     topic, subscriptions, outbox, delivery
    bucket     objects; `_bucket` decides the order of writes of a single object, `_recovery` what a kill leaves
    journal    executions; `_driver` decides the order of writes of an execution
    ingests    bulk runs; `_committer` decides the order of writes of a group of items
    merging    bulk runs of other data directories, adopted here
    discarding runs that are removed, and which images only they need
    pages      the console's lists: by page, with filters, search, counts
    repair     a new database from a damaged one

The engine, and everything that needs it, is loaded on first use, and so are the console's
lists: bulk runs start without them.
"""

from typing import TYPE_CHECKING, Any

from pupline.local._backend import LocalBackend
from pupline.local._changes import DATA_TOPICS, EXECUTION_PREFIX, Changes
from pupline.local._clock import SystemClock
from pupline.local._signals import StopRequested, stopping_on_signals
from pupline.local.alerts import (
    TOPIC_ARN,
    Alert,
    Deliverer,
    Subscription,
    Unready,
    alert_as_dict,
    send_trial,
    unreadiness,
)
from pupline.local.bucket import LocalBucket, UndeletedFiles, plan_recovery
from pupline.local.data_dir import BUCKET, DATABASE_NAME, WAIT_VARIABLE, WAITING, layout_problem
from pupline.local.database import Database
from pupline.local.discarding import DiscardCounts, DiscardedRun, Discards
from pupline.local.ingests import (
    PAGE_ROWS,
    AbortRequest,
    Arrival,
    Differences,
    FinishedItems,
    GroupCommitter,
    HostOutcomes,
    IngestCounts,
    IngestRow,
    Ingests,
    ItemDone,
    ListedPage,
    NewIngest,
    differences_of,
    finished_items,
    hosts_of,
)
from pupline.local.merging import MERGING, ForeignItem, ForeignRun, adopt, alerts_into, foreign_runs, quality_into
from pupline.local.tables import (
    AuditQuery,
    Decision,
    GroupRow,
    QualityRow,
    QualityTable,
    RunKind,
    RunRow,
    check_run_kind,
    kind_of_settings,
)

if TYPE_CHECKING:
    from pupline.local.journal import (
        ApiDriver,
        ApiExecution,
        ApiJournal,
        ApiStart,
        Driver,
        DriveResult,
        DriverEvent,
        DriverSettings,
        ExecutionFilter,
        ExecutionFinished,
        ExecutionRefused,
        ExecutionRow,
        Invocation,
        Journal,
        LambdaHandler,
        LambdaRuntime,
        LocalMapIO,
        NameInUse,
        NoRoom,
        NotRedrivable,
        NotWaiting,
        PruneCounts,
        RedriveRequest,
        StartRequest,
        TaskAttemptFailed,
        count_prunable,
        prune,
    )
    from pupline.local.pages import INDEX_NAME, LocalPages
    from pupline.local.repair import RepairReport, repair_database

__all__ = [
    "BUCKET",
    "DATABASE_NAME",
    "DATA_TOPICS",
    "EXECUTION_PREFIX",
    "INDEX_NAME",
    "MERGING",
    "PAGE_ROWS",
    "TOPIC_ARN",
    "WAITING",
    "WAIT_VARIABLE",
    "AbortRequest",
    "Alert",
    "ApiDriver",
    "ApiExecution",
    "ApiJournal",
    "ApiStart",
    "Arrival",
    "AuditQuery",
    "Changes",
    "Database",
    "Decision",
    "Deliverer",
    "Differences",
    "DiscardCounts",
    "DiscardedRun",
    "Discards",
    "DriveResult",
    "Driver",
    "DriverEvent",
    "DriverSettings",
    "ExecutionFilter",
    "ExecutionFinished",
    "ExecutionRefused",
    "ExecutionRow",
    "FinishedItems",
    "ForeignItem",
    "ForeignRun",
    "GroupCommitter",
    "GroupRow",
    "HostOutcomes",
    "IngestCounts",
    "IngestRow",
    "Ingests",
    "Invocation",
    "ItemDone",
    "Journal",
    "LambdaHandler",
    "LambdaRuntime",
    "ListedPage",
    "LocalBackend",
    "LocalBucket",
    "LocalMapIO",
    "LocalPages",
    "NameInUse",
    "NewIngest",
    "NoRoom",
    "NotRedrivable",
    "NotWaiting",
    "PruneCounts",
    "QualityRow",
    "QualityTable",
    "RedriveRequest",
    "RepairReport",
    "RunKind",
    "RunRow",
    "StartRequest",
    "StopRequested",
    "Subscription",
    "SystemClock",
    "TaskAttemptFailed",
    "UndeletedFiles",
    "Unready",
    "adopt",
    "alert_as_dict",
    "alerts_into",
    "check_run_kind",
    "count_prunable",
    "differences_of",
    "finished_items",
    "foreign_runs",
    "hosts_of",
    "kind_of_settings",
    "layout_problem",
    "plan_recovery",
    "prune",
    "quality_into",
    "repair_database",
    "send_trial",
    "stopping_on_signals",
    "unreadiness",
]


_LAZY = {
    **dict.fromkeys(("INDEX_NAME", "LocalPages"), "pages"),
    **dict.fromkeys(("RepairReport", "repair_database"), "repair"),
}
"""The rooms of names that are loaded on first use; the journal has the others."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LAZY.get(name, 'journal')}"), name)
