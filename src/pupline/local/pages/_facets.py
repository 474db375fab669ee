"""The values of a field among audit records, with their counts."""

from collections import Counter

from pupline.local.database import Database
from pupline.local.pages._conditions import HOST, RUN_PREFIX
from pupline.local.pages._records import conditions_of, datasets_of, run_of
from pupline.tasks.pages import FACET_LIMIT, Facet, RecordField, RecordQuery

_EXPRESSIONS: dict[RecordField, str] = {
    "day": "substr(upload_timestamp, 1, 10)",
    "breed": "breed",
    "type": "file_type",
    "outcome": "outcome",
    "reason": "reason",
    "alert": "CASE alert_triggered WHEN 1 THEN 'yes' ELSE 'no' END",
    "host": HOST,
    "source": "source",
    "run": RUN_PREFIX,
    "dataset": RUN_PREFIX,
}


def facets(database: Database, query: RecordQuery, field: RecordField) -> list[Facet]:
    """The values, most frequent first; days newest first. Raises: StorageError."""
    conditions = conditions_of(query.without(field))
    text = f"SELECT {_EXPRESSIONS[field]}, count(*) FROM audit WHERE {conditions.all()} GROUP BY 1"  # noqa: S608
    counts: Counter[str | None] = Counter(dict(database.rows(text, tuple(conditions.values))))
    if field in {"run", "dataset"}:
        counts = _of_runs(database, counts, field)
    found = [Facet(value, count) for value, count in counts.items()]
    if field == "day":
        found.sort(key=lambda facet: facet.value or "", reverse=True)
    else:
        found.sort(key=lambda facet: (-facet.count, facet.value is None, facet.value or ""))
    return found[:FACET_LIMIT]


def _of_runs(database: Database, counts: Counter[str | None], field: RecordField) -> Counter[str | None]:
    """The counts by run, or by its dataset. counts: by what precedes the index in names of executions."""
    runs = {prefix: run_of(f"{prefix}0") for prefix in counts}
    datasets = datasets_of(database, {run for run in runs.values() if run is not None})
    found: Counter[str | None] = Counter()
    for prefix, count in counts.items():
        run = runs[prefix]
        known = run if run in datasets else None
        found[known if field == "run" or known is None else datasets[known]] += count
    return found
