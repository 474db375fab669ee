"""The lines of failures.jsonl: the manifest's line of each failed item, and why it failed."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pupline.errors import FAILING_OUTCOMES
from pupline.tasks.items import SourceItem
from pupline.tasks.metadata import METADATA_COLUMNS

# The fields of the source's item by their columns in the metadata: `expected_sha256` is the item's `sha256`.
_ITEM_COLUMNS = {
    column.name: column.path.removeprefix("item.") for column in METADATA_COLUMNS if column.path.startswith("item.")
}


def failure_lines(rows: Iterable[Mapping[str, Any]]) -> str:
    """The lines for the failed rows of a metadata part, in their order; empty where none failed."""
    lines = []
    for row in rows:
        if row["outcome"] in FAILING_OUTCOMES:
            fields = {field: row.get(name) for name, field in _ITEM_COLUMNS.items()}
            item = SourceItem.from_dict({field: value for field, value in fields.items() if value is not None})
            why = {name: row[name] for name in ("outcome", "reason", "error", "cause", "attempts")}
            failure = {"index": row["index"], **item.as_dict(), **why}
            lines.append(json.dumps(failure, ensure_ascii=False, separators=(",", ":")) + "\n")
    return "".join(lines)
