"""The lines of `pupline doctor --repair`: what was recovered, and what was lost."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from pupline.backends._port import Check
from pupline.local import RepairReport, repair_database
from pupline.text import plural

_NAMES: Mapping[str, tuple[str, str]] = {
    "definitions": ("workflow definition", "workflow definitions"),
    "runs": ("run", "runs"),
    "executions": ("execution", "executions"),
    "facts": ("journalled fact", "journalled facts"),
    "definition_texts": ("text of a definition", "texts of definitions"),
    "api_executions": ("execution of the API", "executions of the API"),
    "map_runs": ("Map Run", "Map Runs"),
    "memo": ("remembered choice", "remembered choices"),
    "objects": ("object", "objects"),
    "audit": ("audit record", "audit records"),
    "alerts": ("alert", "alerts"),
    "subscriptions": ("subscription", "subscriptions"),
    "deliveries": ("delivery", "deliveries"),
    "ingests": ("ingest", "ingests"),
    "ingest_items": ("item of ingests", "items of ingests"),
    "overwrites": ("unfinished overwrite", "unfinished overwrites"),
}


def repair_data_dir(data_dir: Path) -> list[Check]:
    """Repair the database of the data directory, if it needs it; one line for each thing that was done.

    Raises: ConfigurationError when another process holds the directory; LocalTrouble.
    """
    found = repair_database(data_dir)
    if found is None:
        return [Check("repair", "ok", "the database is intact: there is nothing to repair")]
    kept = f"; the damaged file is kept as {found.kept}" if found.kept else ""
    done = f"the database was damaged ({found.damage}), and is intact again{kept}"
    return [Check("repair", "ok", done), *_of_rows(found), *_of_work(found), *_of_bucket(found)]


def _of_rows(found: RepairReport) -> Iterator[Check]:
    kept = [_count(table.table, table.kept) for table in found.tables if table.kept]
    lost = [_count(table.table, table.lost) for table in found.tables if table.lost]
    gaps = [_count(table.table, 2).partition(" ")[2] for table in found.tables if table.has_gap]
    if kept:
        yield Check("recovered", "ok", ", ".join(kept))
    elif found.kept:
        yield Check("lost", "warning", "nothing of the damaged file could be read")
        return
    if lost:
        yield Check("lost", "warning", f"{', '.join(lost)} with values that pupline cannot have written")
    if gaps:
        yield Check("lost", "warning", f"rows on unreadable pages, of: {', '.join(gaps)}")
    if found.references.dropped:
        yield Check("lost", "warning", f"{plural(found.references.dropped, 'row')} that belonged to lost rows")


def _of_work(found: RepairReport) -> Iterator[Check]:
    if found.references.aborted:
        many = plural(found.references.aborted, "unfinished execution")
        yield Check("aborted", "warning", f"{many}, because their journals were lost", "start them again")
    if found.references.reopened:
        many = plural(found.references.reopened, "item")
        yield Check("to do again", "warning", f"{many} of unfinished ingests", "pupline resume")


def _of_bucket(found: RepairReport) -> Iterator[Check]:
    inventory = found.inventory
    if inventory.missing:
        many = plural(inventory.missing, "object")
        yield Check("bucket", "warning", f"{many} in the database without a file in the bucket")
    files = plural(inventory.objects, "file")
    records = plural(inventory.records, "audit record")
    yield Check("bucket", "ok", f"{files} in it that were in no row, and {records} made for objects without one")


def _count(table: str, number: int) -> str:
    return plural(number, *_NAMES.get(table, (table, table)))
