"""The finished items of a run as columns of metadata, read straight from the tables.

At the end of a run every item is read once more, while the user waits. Building an object per row, only to take it
apart into columns again, would cost as much as everything else in that step.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pupline.local.database import Database
from pupline.local.ingests._rows import IngestRow
from pupline.tasks.metadata import METADATA_COLUMNS, Columns, MetadataColumn, extra_text

PAGE_ROWS = 2_500
"""Items in memory at a time, about 5 MB; with more, the columns no longer fit a processor's cache."""

_NO_INDEX = 1 << 62


@dataclass(frozen=True, slots=True)
class FinishedItems:
    """Some finished items, in the order of the listing. facts: JSON objects of the source's facts, or None."""

    columns: Columns
    facts: Sequence[str | None]


def finished_items(
    database: Database, ingest: IngestRow, after: int = -1, before: int = _NO_INDEX
) -> Iterator[FinishedItems]:
    """The run's finished items with an index between the two given, a page at a time. Raises: StorageError."""
    while page := database.rows(_QUERY, (f"{ingest.run_id}-", ingest.ingest_id, after, before, PAGE_ROWS)):
        selected = dict(zip(_SELECTED, zip(*page, strict=True), strict=True))
        facts = selected["facts"]
        decoded = [json.loads(text) if text else {} for text in facts] if any(facts) else None
        columns = [
            _selected_values(column, selected[column.name])
            if column.name in selected
            else _fact_values(column, decoded, len(facts), ingest.dataset)
            for column in METADATA_COLUMNS
        ]
        yield FinishedItems(columns, facts)
        after = selected["index"][-1]


def _expression(column: MetadataColumn) -> str | None:
    """The SQL of a column's value: in the audit, among the items, or None for a value in the JSON of facts."""
    owner, _, name = column.path.rpartition(".")
    if owner == "record":
        return f"a.{name}"
    if column.path in {"", "index"}:
        return "i.item_index" if column.path else None
    return f"i.{name}" if owner == "" or name == "url" else None


_SELECTED: Mapping[str, str] = {
    column.name: expression for column in METADATA_COLUMNS if (expression := _expression(column))
} | {"facts": "i.facts"}
_QUERY = (
    f"SELECT {', '.join(_SELECTED.values())} FROM ingest_items AS i"  # noqa: S608 - the names are ours
    " CROSS JOIN audit AS a ON a.execution = ? || printf('%08d', i.item_index)"
    " WHERE i.ingest_id = ? AND i.item_index > ? AND i.item_index < ? AND i.outcome IS NOT NULL"
    " ORDER BY i.item_index LIMIT ?"
)
_FLAGS = {None: None, 0: False, 1: True}


def _selected_values(column: MetadataColumn, values: Sequence[Any]) -> Sequence[Any]:
    if column.kind == "flag":
        return list(map(_FLAGS.__getitem__, values))
    if column.kind == "texts":  # the alert's reasons, of which there are few different lists
        decoded = {text: tuple(json.loads(text)) for text in set(values)}
        return list(map(decoded.__getitem__, values))
    return values


def _fact_values(
    column: MetadataColumn, facts: Sequence[dict[str, Any]] | None, count: int, dataset: str
) -> Sequence[Any]:
    if not column.path:
        return (dataset,) * count
    name = column.path.rpartition(".")[2]  # `expected_md5` is the item's `md5`
    if column.kind == "texts":
        return [tuple(one.get(name, ())) for one in facts] if facts else ((),) * count
    if column.kind == "json":
        return [extra_text(one.get(name)) for one in facts] if facts else (None,) * count
    return [one.get(name) for one in facts] if facts else (None,) * count
