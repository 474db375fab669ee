"""The finished items of a run as columns of metadata, straight from the tables.

At the end of a run every item is read once more, while somebody waits. Objects made row by row, only to be taken apart
into columns again, would cost as much as all the rest of that.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pupline.local.database import Database
from pupline.local.ingests._rows import IngestRow
from pupline.tasks.metadata import METADATA_COLUMNS, Columns, MetadataColumn

PAGE_ROWS = 2_500
"""Items in memory at a time, some 5 MB; with more, the columns no longer fit a processor's cache."""


@dataclass(frozen=True, slots=True)
class FinishedItems:
    """Some finished items, in the order of the listing. facts: JSON objects of what the source told besides the URLs,
    None where it told nothing."""

    columns: Columns
    facts: Sequence[str | None]


def finished_items(database: Database, ingest: IngestRow) -> Iterator[FinishedItems]:
    """The run's finished items, a page at a time. Raises: StorageError."""
    after = -1
    while page := database.rows(_QUERY, (f"{ingest.run_id}-", ingest.ingest_id, after, PAGE_ROWS)):
        selected = dict(zip(_SELECTED, zip(*page, strict=True), strict=True))
        yield FinishedItems(_columns(selected, ingest.dataset), selected["facts"])
        after = selected["index"][-1]


def _expression(column: MetadataColumn) -> str | None:
    """Where the value of a column is: in the audit, among the items, or (None) in the JSON of facts."""
    owner, _, name = column.path.rpartition(".")
    if owner == "record":
        return f"a.{name}"
    if column.path in {"", "index"}:
        return "i.item_index" if column.path else None
    return f"i.{name}" if owner == "" or name == "url" else None


_SELECTED = {column.name: where for column in METADATA_COLUMNS if (where := _expression(column))} | {"facts": "i.facts"}
_QUERY = (
    f"SELECT {', '.join(_SELECTED.values())} FROM ingest_items AS i"  # noqa: S608 - the names are ours
    " CROSS JOIN audit AS a ON a.execution = ? || printf('%08d', i.item_index)"
    " WHERE i.ingest_id = ? AND i.item_index > ? AND i.outcome IS NOT NULL ORDER BY i.item_index LIMIT ?"
)
_FLAGS = {None: None, 0: False, 1: True}


def _columns(selected: Mapping[str, Sequence[Any]], dataset: str) -> Columns:
    facts = selected["facts"]
    told = [json.loads(text) if text else {} for text in facts] if any(facts) else None
    return [_values(column, selected, told, dataset) for column in METADATA_COLUMNS]


def _values(
    column: MetadataColumn, selected: Mapping[str, Sequence[Any]], told: Sequence[dict[str, Any]] | None, dataset: str
) -> Sequence[Any]:
    found = selected.get(column.name)
    if found is None:
        return _told(column, told, len(selected["facts"]), dataset)
    if column.kind == "flag":
        return list(map(_FLAGS.__getitem__, found))
    if column.kind == "texts":  # the alert's reasons, of which there are few kinds
        decoded = {text: tuple(json.loads(text)) for text in set(found)}
        return list(map(decoded.__getitem__, found))
    return found


def _told(column: MetadataColumn, told: Sequence[dict[str, Any]] | None, count: int, dataset: str) -> Sequence[Any]:
    """What the source told of each item; the dataset is the same for all."""
    if not column.path:
        return (dataset,) * count
    if column.kind == "texts":
        return [tuple(one.get(column.name, ())) for one in told] if told else ((),) * count
    return [one.get(column.name) for one in told] if told else (None,) * count
