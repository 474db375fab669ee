"""A run of another data directory becomes a run of this one. Each step may be repeated after a kill at any instant.

The run is RUNNING here until all its items and files are there; then it gets the end that it had.
"""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pupline.local.database import Database, execute_many, marks
from pupline.local.merging._foreign_runs import ForeignRun
from pupline.local.tables import RUN_CONDITION, run_range

_PAGE = 1000
MERGING = "it is being merged: repeat pupline merge"
"""The cause of a run that is RUNNING because not all of it is here yet."""

_END = ("status", "ended_at", "error", "cause", "stopped_at")
_ALERT = "message_id, execution, command_id, topic, subject, message, attributes, published_at"
_QUALITY = {
    "quality": "sha256, version, decoder, findings, examined_at",
    "quality_reviews": "dataset, sha256, decision, decided_at",
}
_ITEM = "INSERT OR IGNORE INTO ingest_items (ingest_id, item_index, identity, url, facts)"


@dataclass(frozen=True, slots=True)
class Adoption:
    """A run that is being adopted, or was. is_whole: nothing is left to do."""

    ingest_id: int
    is_whole: bool
    _database: Database
    _run: ForeignRun

    def missing(self, indexes: Sequence[int]) -> set[int]:
        """Those of the items that have not ended here."""
        query = (
            "SELECT item_index FROM ingest_items WHERE ingest_id = ? AND outcome IS NULL"  # noqa: S608
            f" AND item_index IN ({marks(len(indexes))})"
        )
        return {index for (index,) in self._database.rows(query, (self.ingest_id, *indexes))}

    def end(self) -> None:
        """Give the run the end that it had."""
        values = tuple(self._run.values[name] for name in _END)
        update = f"UPDATE ingests SET {', '.join(f'{name} = ?' for name in _END)} WHERE ingest_id = ?"  # noqa: S608
        self._database.write(lambda connection: connection.execute(update, (*values, self.ingest_id)))


def adopt(database: Database, run: ForeignRun) -> Adoption:
    """The run in this database, with all its items, of which none has ended; or as far as it came before."""
    own = _own_row(database, run)
    if own and _is_whole(database, own, run):
        return Adoption(own["ingest_id"], True, database, run)
    # One that was continued over there since the last merge has a later end, and maybe more items.
    values = {**run.values, "status": "RUNNING", "cause": MERGING, "ended_at": None, "error": None, "stopped_at": None}

    def work(connection: sqlite3.Connection) -> int:
        if own:
            update = f"UPDATE ingests SET {', '.join(f'{name} = ?' for name in values)} WHERE ingest_id = ?"  # noqa: S608
            connection.execute(update, (*values.values(), own["ingest_id"]))
            return int(own["ingest_id"])
        insert = f"INSERT INTO ingests ({', '.join(values)}) VALUES ({marks(len(values))}) RETURNING ingest_id"  # noqa: S608
        (ingest_id,) = connection.execute(insert, tuple(values.values())).fetchone()
        return int(ingest_id)

    ingest_id = database.write(work)
    for page in run.listed_items():
        rows = [(ingest_id, *item) for item in page]
        database.write(partial(execute_many, before=_ITEM, rows=rows))
    return Adoption(ingest_id, False, database, run)


def alerts_into(database: Database, run: ForeignRun) -> None:
    """Copy the run's alerts. They were delivered where they arose, and are not delivered again."""
    query = (
        f"SELECT alert_id, {_ALERT} FROM alerts WHERE alert_id > ?"  # noqa: S608
        f" AND (execution = ? OR {RUN_CONDITION}) ORDER BY alert_id LIMIT ?"
    )
    after = 0
    while page := run.database.rows(query, (after, run.run_id, *run_range(run.run_id), _PAGE)):
        rows = [row[1:] for row in page]
        insert = f"INSERT OR IGNORE INTO alerts ({_ALERT})"
        database.write(partial(execute_many, before=insert, rows=rows))
        after = page[-1][0]


def quality_into(database: Database, other: Database) -> None:
    """Copy what the quality pass found, and what people decided, where nothing is known here.

    Groups of near-duplicates are of one dataset as a whole: the next pass makes them again.
    """
    for table, columns in _QUALITY.items():
        insert = f"INSERT OR IGNORE INTO {table} ({columns})"
        with other.reading() as connection:
            cursor = connection.execute(f"SELECT {columns} FROM {table}")  # noqa: S608
            while page := cursor.fetchmany(_PAGE):
                database.write(partial(execute_many, before=insert, rows=page))


def _own_row(database: Database, run: ForeignRun) -> dict[str, Any] | None:
    found = database.rows("SELECT ingest_id, ended_at FROM ingests WHERE run_id = ?", (run.run_id,))
    return dict(zip(("ingest_id", "ended_at"), found[0], strict=True)) if found else None


def _is_whole(database: Database, own: dict[str, Any], run: ForeignRun) -> bool:
    """Whether nothing of the run is missing here. It may have been continued here, or stopped while it was merged."""
    if own["ended_at"] is None or own["ended_at"] < run.values["ended_at"]:
        return False
    query = "SELECT count(*) FROM ingest_items WHERE ingest_id = ? AND outcome IS NOT NULL"
    (here,) = database.rows(query, (own["ingest_id"],))[0]
    (there,) = run.database.rows(query, (run.ingest_id,))[0]
    return bool(here >= there)
