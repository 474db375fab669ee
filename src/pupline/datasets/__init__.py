"""Datasets that somebody can use: rows to train on, the files that hold them, and exports of what is good.

Sub-rooms, each of which imports only those above it (`tests/test_architecture.py` checks this):

    training    rows with one schema for all images, tar shards in webdataset's layout, lines of `metadata.jsonl`
    selection   the latest good row of each address, from all runs; filters and splits
    export      the chosen images as folders, shards or a table, in a directory or a bucket
"""

from pupline.datasets._objects import BucketObjects, ImageBytes, MissingImage
from pupline.datasets.export import (
    ExportDirectory,
    ExportFormat,
    ExportHeader,
    ExportPrefix,
    ExportReport,
    ExportRequest,
    ExportTarget,
    LeftOut,
    ListFile,
    export_dataset,
    list_kind,
)
from pupline.datasets.selection import (
    EVERYTHING,
    WHOLE,
    Filters,
    GoodRows,
    Split,
    parse_where,
)
from pupline.datasets.training import (
    FETCH_COLUMNS,
    SHARD_TYPE,
    SchemaScan,
    Shard,
    TrainingColumn,
    TrainingSchema,
    csv_header,
    csv_line,
    json_line,
    shard_name,
)

__all__ = [
    "EVERYTHING",
    "FETCH_COLUMNS",
    "SHARD_TYPE",
    "WHOLE",
    "BucketObjects",
    "ExportDirectory",
    "ExportFormat",
    "ExportHeader",
    "ExportPrefix",
    "ExportReport",
    "ExportRequest",
    "ExportTarget",
    "Filters",
    "GoodRows",
    "ImageBytes",
    "LeftOut",
    "ListFile",
    "MissingImage",
    "SchemaScan",
    "Shard",
    "Split",
    "TrainingColumn",
    "TrainingSchema",
    "csv_header",
    "csv_line",
    "export_dataset",
    "json_line",
    "list_kind",
    "parse_where",
    "shard_name",
]
