"""Corrects the rows that refer to lost ones, so that nothing continues from half of what it needs."""

import sqlite3
from dataclasses import dataclass

_CAUSE = "the database was damaged, and what this execution continues from was lost; start it again"

_DANGLING = (
    ("executions", "digest NOT IN (SELECT digest FROM definitions)"),
    ("facts", "execution_id NOT IN (SELECT execution_id FROM executions)"),
    ("api_executions", "execution_id NOT IN (SELECT execution_id FROM executions)"),
    ("api_executions", "text_digest NOT IN (SELECT text_digest FROM definition_texts)"),
    ("map_runs", "execution_id NOT IN (SELECT execution_id FROM executions)"),
    ("deliveries", "alert_id NOT IN (SELECT alert_id FROM alerts)"),
    ("deliveries", "subscription_id NOT IN (SELECT subscription_id FROM subscriptions)"),
    ("ingest_items", "ingest_id NOT IN (SELECT ingest_id FROM ingests)"),
)
_WITHOUT_RUN = "run_id IS NOT NULL AND run_id NOT IN (SELECT run_id FROM runs)"
_WITH_HOLES = (
    "status = 'RUNNING' AND execution_id IN"
    " (SELECT execution_id FROM facts GROUP BY execution_id HAVING count(*) <> max(seq) + 1)"
)
_ABORT = "UPDATE executions SET status = 'ABORTED', error = 'DatabaseDamaged', cause = ?, stop_time = ? WHERE "
_ITEMS_WITHOUT_RECORD = (
    "SELECT i.ingest_id, i.item_index FROM ingest_items AS i JOIN ingests AS r USING (ingest_id)"
    " WHERE r.status = 'RUNNING' AND i.outcome IS NOT NULL AND NOT EXISTS"
    " (SELECT 1 FROM audit AS a WHERE a.execution = r.run_id || '-' || printf('%08d', i.item_index))"
)
_LIST_AGAIN = (
    "UPDATE ingests SET listed = 0, position = NULL,"
    " items = max(items, (SELECT coalesce(max(item_index), -1) + 1 FROM ingest_items AS i"
    " WHERE i.ingest_id = ingests.ingest_id))"
    " WHERE status = 'RUNNING' AND items <> (SELECT count(*) FROM ingest_items WHERE ingest_id = ingests.ingest_id)"
)


@dataclass(frozen=True, slots=True)
class ReferenceCounts:
    """dropped: rows of lost owners. aborted: executions that cannot continue. reopened: items to fetch again."""

    dropped: int
    aborted: int
    reopened: int


def correct_references(connection: sqlite3.Connection, now: float) -> ReferenceCounts:
    """Correct the rows that refer to missing ones. now: seconds since the epoch.

    An execution that lost its run, and with it its settings, or some of its facts, would continue as another one: it is
    aborted. Items of an unfinished ingest whose record was lost are fetched again. Where items were lost, the source is
    listed again; items that are still in the run are not added twice.
    """
    aborted = connection.execute(f"{_ABORT} status = 'RUNNING' AND {_WITHOUT_RUN}", (_CAUSE, now)).rowcount
    aborted += connection.execute(f"{_ABORT} {_WITH_HOLES}", (_CAUSE, now)).rowcount
    connection.execute(f"UPDATE executions SET run_id = NULL, run_index = NULL WHERE {_WITHOUT_RUN}")  # noqa: S608
    dropped = sum(
        connection.execute(f"DELETE FROM {table} WHERE {condition}").rowcount  # noqa: S608 - the texts are ours
        for table, condition in _DANGLING
    )
    lost = connection.execute(_ITEMS_WITHOUT_RECORD).fetchall()
    connection.executemany(
        "UPDATE ingest_items SET outcome = NULL, key = NULL WHERE ingest_id = ? AND item_index = ?", lost
    )
    connection.execute(_LIST_AGAIN)
    return ReferenceCounts(dropped, aborted, len(lost))
