"""The executions that the Step Functions API started, as its reading operations see them. Any thread may read."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pupline.asl import DetailedExecution, Execution
from pupline.local.database import Database
from pupline.local.journal._journal import ExecutionRow, Journal
from pupline.local.journal._settings import ApiStart

_COLUMNS = (
    "e.execution_id, e.name, e.run_id, e.run_index, e.digest, e.input, e.status, e.output, e.error, e.cause,"
    " e.start_time, e.stop_time, a.arn, a.machine_arn, a.context, a.details, a.redrive_count, a.redrive_time"
)
_SELECT = f"SELECT {_COLUMNS} FROM api_executions AS a JOIN executions AS e USING (execution_id)"  # noqa: S608
_OWN = 12
"""Columns of the table of executions among them."""


@dataclass(frozen=True, slots=True)
class ApiExecution:
    """One execution. redrive_time: None before the first redrive; seconds since the epoch."""

    row: ExecutionRow
    start: ApiStart
    redrive_count: int
    redrive_time: float | None


@dataclass(frozen=True, slots=True)
class ExecutionFilter:
    """Which executions to list. None: any. details: values of `ApiStart.details`. before: an execution id."""

    machine_arn: str
    status: str | None = None
    redriven: bool | None = None
    details: Mapping[str, str] | None = None
    before: int | None = None


class ApiJournal:
    """Methods raise StorageError; those that replay, ReplayMismatch."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._journal = Journal(database)

    def find(self, arn: str) -> ApiExecution | None:
        """The execution with this ARN, if any."""
        return self._first("a.arn = ?", arn)

    def of_map_run(self, arn: str) -> ApiExecution | None:
        """The execution that the Map Run belongs to, if there is one."""
        return self._first("e.execution_id = (SELECT execution_id FROM map_runs WHERE arn = ?)", arn)

    def list(self, wanted: ExecutionFilter, limit: int) -> list[ApiExecution]:
        """At most `limit` executions, the newest first."""
        conditions: dict[str, Any] = {"a.machine_arn = ?": wanted.machine_arn}
        if wanted.status is not None:
            conditions["e.status = ?"] = wanted.status
        if wanted.redriven is not None:
            conditions["(a.redrive_count > 0) = ?"] = wanted.redriven
        if wanted.before is not None:
            conditions["e.execution_id < ?"] = wanted.before
        values = list(conditions.values())
        where = list(conditions)
        for name, value in (wanted.details or {}).items():
            where.append("json_extract(a.details, ?) = ?")
            values += [f"$.{name}", value]
        query = f"{_SELECT} WHERE {' AND '.join(where)} ORDER BY e.execution_id DESC LIMIT ?"
        return [_execution(row) for row in self._database.rows(query, (*values, limit))]

    def count_running(self, machine_arn: str) -> int:
        """How many executions of a state machine run."""
        query = (
            "SELECT count(*) FROM executions AS e JOIN api_executions AS a USING (execution_id)"
            " WHERE e.status = 'RUNNING' AND a.machine_arn = ?"
        )
        return int(self._database.rows(query, (machine_arn,))[0][0])

    def definition(self, found: ApiExecution) -> str:
        """The text of the definition that the execution runs, as it was given."""
        query = (
            "SELECT t.definition FROM definition_texts AS t JOIN api_executions AS a USING (text_digest)"
            " WHERE a.execution_id = ?"
        )
        return str(self._database.rows(query, (found.row.execution_id,))[0][0])

    def replay(self, found: ApiExecution) -> Execution:
        """The execution with its history and its Map Runs, as far as the journal has them."""
        return self._journal.replay(found.row, self._journal.definition(found.row.digest), found.start).core

    def replay_children(self, found: ApiExecution) -> DetailedExecution:
        """As `replay`, with the child executions, which take much memory where they are many."""
        return self._journal.detailed(found.row)

    def _first(self, condition: str, value: str) -> ApiExecution | None:
        rows = self._database.rows(f"{_SELECT} WHERE {condition}", (value,))
        return _execution(rows[0]) if rows else None


def _execution(row: tuple[Any, ...]) -> ApiExecution:
    arn, machine_arn, context, details, redrive_count, redrive_time = row[_OWN:]
    execution = ExecutionRow(*row[:_OWN])
    start = ApiStart(arn, machine_arn, json.loads(context), execution.input, json.loads(details))
    return ApiExecution(execution, start, redrive_count, redrive_time)
