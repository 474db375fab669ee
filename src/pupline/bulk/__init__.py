"""Bulk ingestion on one machine: whole datasets from a source, each image once, as fast as its host likes.

    report = ingest(Path("pupline-data"), IngestRequest(source="sample"), print)

One process decides and writes (`_coordinator`), a few worker processes fetch (`_worker`). Names are loaded when first
used: a worker is a module of this package too, and needs neither SQLite nor Parquet.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pupline.bulk._begin import (
        checked_dataset,
        checked_source,
        policy_of,
        stored_list_reader,
        why_refused,
        with_list_kept,
    )
    from pupline.bulk._outputs import OutputOptions, Outputs, RunFigures, summaries, write_outputs
    from pupline.bulk._parquet import write_parquet
    from pupline.bulk._preview import Preview, preview
    from pupline.bulk._request import (
        HostPaused,
        IngestBegan,
        IngestEvent,
        IngestListener,
        IngestReport,
        IngestRequest,
        ItemsDone,
        ItemsListed,
        ListingNote,
        MetadataWritten,
    )
    from pupline.bulk._spool import Spool
    from pupline.bulk._starting import ingest

__all__ = [
    "HostPaused",
    "IngestBegan",
    "IngestEvent",
    "IngestListener",
    "IngestReport",
    "IngestRequest",
    "ItemsDone",
    "ItemsListed",
    "ListingNote",
    "MetadataWritten",
    "OutputOptions",
    "Outputs",
    "Preview",
    "RunFigures",
    "Spool",
    "checked_dataset",
    "checked_source",
    "ingest",
    "policy_of",
    "preview",
    "stored_list_reader",
    "summaries",
    "why_refused",
    "with_list_kept",
    "write_outputs",
    "write_parquet",
]

_HOMES = {
    "Spool": "_spool",
    "ingest": "_starting",
    "write_parquet": "_parquet",
    "preview": "_preview",
    "Preview": "_preview",
    **dict.fromkeys(
        (
            "checked_dataset",
            "checked_source",
            "policy_of",
            "stored_list_reader",
            "why_refused",
            "with_list_kept",
        ),
        "_begin",
    ),
    **dict.fromkeys(("OutputOptions", "Outputs", "RunFigures", "summaries", "write_outputs"), "_outputs"),
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES.get(name, '_request')}"), name)
