"""What a column of a Parquet file is to Athena."""

ATHENA = {
    "string": "string",
    "bigint": "int64",
    "int": "int32",
    "boolean": "bool",
    "timestamp": "timestamp[ms, tz=UTC]",
    "array<string>": "list<element: string>",
}
"""The types of Athena and Glue, and those of Parquet files that they stand for, as pyarrow names them."""
