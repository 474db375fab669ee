"""Training rows as lines of tables: `metadata.jsonl` and `metadata.csv`."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

from pupline.datasets.training._columns import FILE_NAME
from pupline.datasets.training._schema import TrainingSchema, text_of
from pupline.json_values import dumps
from pupline.text import harmless_cell


def json_line(schema: TrainingSchema, row: Mapping[str, Any]) -> str:
    """The row as JSON on one line, without a line feed."""
    return dumps(schema.json_object(row))


def csv_header(schema: TrainingSchema) -> str:
    """The names of the columns as a line of CSV, with its line end."""
    return _line(map(harmless_cell, schema.names))


def csv_line(schema: TrainingSchema, row: Mapping[str, Any]) -> str:
    """The row as CSV, with its line end: empty where there is no value, and an apostrophe before a formula."""
    values = zip(schema.columns, schema.values(row), strict=True)
    return _line(
        value if column.name == FILE_NAME else harmless_cell(value) if column.kind == "text" else text_of(value)
        for column, value in ((column, "" if value is None else value) for column, value in values)
    )


def _line(cells: Iterable[str]) -> str:
    target = io.StringIO()
    csv.writer(target).writerow(cells)
    return target.getvalue()
