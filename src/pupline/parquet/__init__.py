"""Parquet, the only place that writes and reads it: a leaf that every room may import. It needs `pupline[parquet]`.

    require()                                     # raises ConfigurationError that says how to install it
    with ParquetWriter(file, [("url", "text"), ("width", "int32"), ("ended_at", "time")]) as writer:
        writer.add([urls, widths, times])
    table = ParquetTable(file)                    # any file from outside
    for row, (urls, widths) in table.batches(0, 0, [ColumnPath(0), ColumnPath(1)], note): ...

pyarrow is imported when the first file is opened: it takes a fifth of a second, and most processes never need it.
"""

from pupline.parquet._extra import MISSING, installed, require, why_unavailable
from pupline.parquet._table import ColumnPath, ColumnShape, DamagedParquet, ParquetTable
from pupline.parquet._writer import MEDIA_TYPE, ColumnKind, ParquetWriter
from pupline.parquet._zstd import unpacked_zstd

__all__ = [
    "MEDIA_TYPE",
    "MISSING",
    "ColumnKind",
    "ColumnPath",
    "ColumnShape",
    "DamagedParquet",
    "ParquetTable",
    "ParquetWriter",
    "installed",
    "require",
    "unpacked_zstd",
    "why_unavailable",
]
