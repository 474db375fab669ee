"""Runs: executions that were requested together, with the settings they share."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pupline.json_values import JSON
from pupline.local.database import Database
from pupline.tasks.ports import Clock
from pupline.tasks.run_ids import check_run_id


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run. settings: of the command that created it. Times: seconds since the epoch.

    count: the most executions that were asked for; None for runs of earlier versions. stopped_at: when `stop` ended it
    without an execution to abort.
    """

    run_id: str
    settings: Mapping[str, JSON]
    created_at: float
    count: int | None = None
    stopped_at: float | None = None


class Runs:
    """The runs of this data directory. Methods raise StorageError."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def open(self, run_id: str, settings: Mapping[str, JSON], count: int | None = None) -> RunRow:
        """The run of that id: a new one with these settings, or the existing one with its own.

        count: executions that are asked for. Raises: ConfigurationError for an id that cannot begin an execution's
        name.
        """
        check_run_id(run_id)
        row = (run_id, json.dumps(dict(settings)), self._clock.now(), count)

        def work(connection: sqlite3.Connection) -> RunRow:
            insert = (
                "INSERT INTO runs (run_id, settings, created_at, count) VALUES (?, ?, ?, ?) ON CONFLICT (run_id)"
                " DO UPDATE SET count = max(coalesce(count, 0), excluded.count), stopped_at = NULL"
                " WHERE excluded.count IS NOT NULL OR stopped_at IS NOT NULL"
            )
            connection.execute(insert, row)
            return _run(connection.execute(f"{_SELECT} WHERE run_id = ?", (run_id,)).fetchone())

        return self._database.write(work)

    def drop_empty(self, run_id: str) -> None:
        """Delete the run if it has no execution."""
        delete = "DELETE FROM runs WHERE run_id = ?1 AND NOT EXISTS (SELECT 1 FROM executions WHERE run_id = ?1)"
        self._database.write(lambda connection: connection.execute(delete, (run_id,)))

    def stop(self, run_id: str) -> None:
        """Note that the run, which has no execution to abort, was ended."""
        update = "UPDATE runs SET stopped_at = ? WHERE run_id = ?"
        self._database.write(lambda connection: connection.execute(update, (self._clock.now(), run_id)))

    def find(self, run_id: str) -> RunRow | None:
        """The run of that id, if any."""
        found = self._database.rows(f"{_SELECT} WHERE run_id = ?", (run_id,))
        return _run(found[0]) if found else None

    def all(self) -> list[RunRow]:
        """All runs, oldest first."""
        return [_run(row) for row in self._database.rows(f"{_SELECT} ORDER BY created_at, run_id")]

    def missing(self, run_id: str, count: int) -> Iterator[int]:
        """The indexes from 1 to `count` that have no execution yet."""
        query = "SELECT run_index FROM executions WHERE run_id = ? AND run_index BETWEEN 1 AND ?"
        started = {index for (index,) in self._database.rows(query, (run_id, count))}
        return (index for index in range(1, count + 1) if index not in started)


_SELECT = "SELECT run_id, settings, created_at, count, stopped_at FROM runs"


def _run(row: tuple[Any, ...]) -> RunRow:
    run_id, settings, created_at, count, stopped_at = row
    return RunRow(run_id, json.loads(settings), created_at, count, stopped_at)
