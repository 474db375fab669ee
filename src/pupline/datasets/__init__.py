"""Datasets that somebody can use: rows to train on, and the files that hold them.

Sub-rooms:

    training   rows with one schema for all images, tar shards in webdataset's layout, lines of `metadata.jsonl`
"""

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
    "FETCH_COLUMNS",
    "SHARD_TYPE",
    "SchemaScan",
    "Shard",
    "TrainingColumn",
    "TrainingSchema",
    "csv_header",
    "csv_line",
    "json_line",
    "shard_name",
]
