"""Bulk runs on one machine: their items, stored in groups."""

from pupline.local.ingests._columns import PAGE_ROWS, FinishedItems, finished_items
from pupline.local.ingests._committer import GroupCommitter
from pupline.local.ingests._comparing import (
    Difference,
    Differences,
    HostOutcomes,
    differences_of,
    hosts_of,
)
from pupline.local.ingests._ingests import Ingests, item_execution
from pupline.local.ingests._listing import ListedPage
from pupline.local.ingests._rows import (
    AbortRequest,
    Arrival,
    IngestCounts,
    IngestRow,
    ItemDone,
    NewIngest,
    PageCounts,
    PendingItem,
)

__all__ = [
    "PAGE_ROWS",
    "AbortRequest",
    "Arrival",
    "Difference",
    "Differences",
    "FinishedItems",
    "GroupCommitter",
    "HostOutcomes",
    "IngestCounts",
    "IngestRow",
    "Ingests",
    "ItemDone",
    "ListedPage",
    "NewIngest",
    "PageCounts",
    "PendingItem",
    "differences_of",
    "finished_items",
    "hosts_of",
    "item_execution",
]
