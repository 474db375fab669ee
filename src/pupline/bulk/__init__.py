"""Bulk ingestion on one machine: whole datasets from a source, each image once, as fast as its hosts allow.

    report = ingest(Path("pupline-data"), IngestRequest(source="sample"), print)

One process decides and writes (`_coordinator`), a few worker processes fetch (`_worker`). Names are loaded when first
used: a worker is a module of this package too, and needs neither SQLite nor Parquet.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pupline.bulk._alert_rules import alert_rules_of, with_alert_rules
    from pupline.bulk._ending import abort_run
    from pupline.bulk._merge import MergeReport, merge
    from pupline.bulk._parquet import complete_summary, has_parquet, write_parquet
    from pupline.bulk._preview import Preview, preview
    from pupline.bulk._progress_file import progress_of
    from pupline.bulk._request import (
        HostPaused,
        IngestEvent,
        IngestListener,
        IngestReport,
        IngestRequest,
        IngestStarted,
        ItemsDone,
        ItemsListed,
        ListingNote,
        MetadataWritten,
    )
    from pupline.bulk._run_files import RunFiles
    from pupline.bulk._source_rules import (
        checked_dataset,
        checked_source,
        fetch_policy,
        origin_refusal,
        save_piped_list,
        stored_list_reader,
    )
    from pupline.bulk._start import ingest
    from pupline.bulk._summary import summaries, written_summary

__all__ = [
    "HostPaused",
    "IngestEvent",
    "IngestListener",
    "IngestReport",
    "IngestRequest",
    "IngestStarted",
    "ItemsDone",
    "ItemsListed",
    "ListingNote",
    "MergeReport",
    "MetadataWritten",
    "Preview",
    "RunFiles",
    "abort_run",
    "alert_rules_of",
    "checked_dataset",
    "checked_source",
    "complete_summary",
    "fetch_policy",
    "has_parquet",
    "ingest",
    "merge",
    "origin_refusal",
    "preview",
    "progress_of",
    "save_piped_list",
    "stored_list_reader",
    "summaries",
    "with_alert_rules",
    "write_parquet",
    "written_summary",
]

_HOMES = {
    **dict.fromkeys(("MergeReport", "merge"), "_merge"),
    "ingest": "_start",
    **dict.fromkeys(("alert_rules_of", "with_alert_rules"), "_alert_rules"),
    **dict.fromkeys(("summaries", "written_summary"), "_summary"),
    "abort_run": "_ending",
    **dict.fromkeys(("complete_summary", "has_parquet", "write_parquet"), "_parquet"),
    "RunFiles": "_run_files",
    "progress_of": "_progress_file",
    **dict.fromkeys(("Preview", "preview"), "_preview"),
    **dict.fromkeys(
        (
            *("checked_dataset", "checked_source", "fetch_policy", "origin_refusal"),
            *("save_piped_list", "stored_list_reader"),
        ),
        "_source_rules",
    ),
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES.get(name, '_request')}"), name)
