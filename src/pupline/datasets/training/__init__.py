"""Training rows: one schema for all images of a dataset, and the files that training libraries read.

    scan = SchemaScan()
    for row in rows:                    # of metadata, with the columns of the quality pass
        scan.add(row)
    schema = scan.schema()
    shard = Shard(file, schema)
    shard.add(42, row, image)           # 00000042.jpg, 00000042.json
    shard.close()

The libraries guess types from the first samples of a file and then insist on them. So the schema comes from a first
pass over all rows, and every sample has every column, with a value of its type.
"""

from pupline.datasets.training._columns import FETCH_COLUMNS, Kind, TrainingColumn
from pupline.datasets.training._scan import SchemaScan
from pupline.datasets.training._schema import TrainingSchema
from pupline.datasets.training._tables import csv_header, csv_line, json_line
from pupline.datasets.training._tar import SHARD_TYPE, Shard, shard_name

__all__ = [
    "FETCH_COLUMNS",
    "SHARD_TYPE",
    "Kind",
    "SchemaScan",
    "Shard",
    "TrainingColumn",
    "TrainingSchema",
    "csv_header",
    "csv_line",
    "json_line",
    "shard_name",
]
