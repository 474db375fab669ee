"""Records of executions that ended before the state that writes them: timed out, stopped, or failed unexpectedly.

The workflow records every end that it handles. It cannot handle an end from outside: the time-out of the state machine,
`pupline stop`, a value that is too large. The record is then written here: from the journal, else from the object that
a function stored whose answer did not arrive, else from the error. A function may store an object even after its
execution was recorded as failed, because a call cannot be cancelled; the next start finds that too.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from pupline.backends._settings import RunSettings, source_of_run
from pupline.errors import ConfigurationError, InvalidInput, ReplayMismatch
from pupline.http import Response
from pupline.json_values import JSON
from pupline.local import Database, ExecutionRow, LocalBackend
from pupline.tasks.alert_rules import AlertRules
from pupline.tasks.breeds import breed_of
from pupline.tasks.fetch_and_upload_dog_image import task_result
from pupline.tasks.image_storage import ImageStorage, ImageToStore, store_image_once
from pupline.tasks.ingest_item import inspect_response
from pupline.tasks.ingest_rules import IngestRules
from pupline.tasks.items import SourceItem
from pupline.tasks.log_to_dynamodb import record_of
from pupline.tasks.records import AuditRecord
from pupline.tasks.task_input import BY_URL
from pupline.text import timestamp
from pupline.workflow_files import PIPELINE_NAME

_PAGE = 500
_UNSUCCESSFUL = "e.status IN ('FAILED', 'TIMED_OUT', 'ABORTED')"


def _stored_for(name: str) -> str:
    """The query for the key of the object that is stored for an execution. name: an expression of SQL."""
    return (
        "SELECT o.key FROM memo AS m JOIN objects AS o ON substr(o.sha256, 1, 16) = substr(m.value, -64, 16)"  # noqa: S608
        f" WHERE m.name = {name} || '/object' AND o.owner = {name} AND o.state = 'stored'"
    )


_UNRECORDED = (
    "FROM executions AS e JOIN definitions AS d USING (digest)"  # noqa: S608 - the texts are ours
    f" WHERE d.name = ? AND {_UNSUCCESSFUL} AND NOT EXISTS (SELECT 1 FROM audit AS a"
    f" WHERE a.execution = e.name AND (a.sha256 IS NOT NULL OR NOT EXISTS ({_stored_for('e.name')})))"
)


def count_unrecorded(database: Database) -> int:
    """The number of executions that ended without a record, or without that of their object. Raises: StorageError."""
    return int(database.rows(f"SELECT count(*) {_UNRECORDED}", (PIPELINE_NAME,))[0][0])


class Unrecorded:
    """Writes the records that are missing in one data directory, which it holds."""

    def __init__(self, backend: LocalBackend) -> None:
        self._backend = backend
        self._storage = ImageStorage(backend.bucket(), backend.write_once)

    def record_all(self) -> int:
        """Write every missing record; how many there were. Raises: StorageError."""
        return sum(1 for _ in map(self.record, self._names()))

    def record(self, name: str) -> None:
        """Write the record of an execution that has ended. Raises: StorageError."""
        row = self._backend.journal.get(name)
        self._backend.audit.replace(name, self._record_of(row))

    def record_if_missing(self, name: str) -> None:
        """The same, where there is no record, or none of its object. Raises: StorageError."""
        missing = f"SELECT 1 {_UNRECORDED} AND e.name = ?"
        if self._backend.database.rows(missing, (PIPELINE_NAME, name)):
            self.record(name)

    def withdraw(self, name: str) -> None:
        """Before a redrive: delete a record that was written here, because the workflow will write its own.

        A record that the workflow wrote, and got the answer for, stays. Raises: StorageError.
        """
        row = self._backend.journal.find(name)
        if row is not None and row.status in ("FAILED", "TIMED_OUT", "ABORTED") and not self._was_logged(row):
            self._backend.audit.replace(name, None)

    def _names(self) -> Iterator[str]:
        after = 0
        query = f"SELECT e.execution_id, e.name {_UNRECORDED} AND e.execution_id > ? ORDER BY 1 LIMIT {_PAGE}"
        while page := self._backend.database.rows(query, (PIPELINE_NAME, after)):
            yield from (name for _, name in page)
            after = page[-1][0]

    def _was_logged(self, row: ExecutionRow) -> bool:
        like = "SELECT 1 FROM facts WHERE execution_id = ? AND resource LIKE '%:LogToDynamoDB' AND fact LIKE ?"
        return bool(self._backend.database.rows(like, (row.execution_id, '{"fact": "TaskSucceeded"%')))

    def _record_of(self, row: ExecutionRow) -> AuditRecord:
        stamp = timestamp(row.stop_time or row.start_time)
        state = self._state_of(row)
        image = state.get("image") if isinstance(state.get("image"), dict) else self._image_of(row)
        if image:
            triggered, sent = _flag(state, "alert", "triggered"), _flag(state, "published", "sent")
            told = {"execution": row.name, "image": image, "alert_triggered": triggered, "alert_sent": sent}
            if triggered:
                told["alert"] = state.get("alert")
            with suppress(InvalidInput):  # of a workflow with another idea of an image
                return record_of(told, stamp)
        return self._of_failure(row, state, stamp)

    def _of_failure(self, row: ExecutionRow, state: Mapping[str, Any], stamp: str) -> AuditRecord:
        """From the failure that the workflow was handling; else from what ended the execution."""
        given: dict[str, Any] = {"execution": row.name, "input": _input_of(row)}
        with suppress(InvalidInput):
            if isinstance(state.get("error"), dict):
                return record_of({**given, "error": state["error"], "outcome": state.get("outcome")}, stamp)
        error: dict[str, JSON] = {"Error": row.error or _ERRORS.get(row.status), "Cause": row.cause}
        found = record_of({**given, "error": error, "outcome": "failed"}, stamp)
        return replace(found, reason="stopped") if row.status == "ABORTED" else found

    def _state_of(self, row: ExecutionRow) -> Mapping[str, Any]:
        """The data of the state that the execution entered or left last."""
        try:
            history: list[dict[str, Any]] = self._backend.journal.history(row.name)
        except (ReplayMismatch, ValueError):  # it was stopped because it could not be replayed, or it is damaged
            return {}
        for event in reversed(history):
            details = event.get("stateExitedEventDetails") or event.get("stateEnteredEventDetails")
            if details:
                known = json.loads(details.get("output") or details.get("input") or "null")
                return known if isinstance(known, dict) else {}
        return {}

    def _image_of(self, row: ExecutionRow) -> dict[str, Any] | None:
        """The image that a function stored for the execution without its answer arriving."""
        found = self._backend.database.rows(_stored_for("?1"), (row.name,))
        given = _input_of(row)
        asked_for = given.get("image_url") if isinstance(given, dict) else None
        url = asked_for or self._backend.write_once.recall(f"{row.name}/picked")
        if not found or not isinstance(url, str):
            return None
        try:
            body = self._backend.bucket().read(found[0][0])
        except KeyError:  # the file was removed
            return None
        item, rules = SourceItem(url=url), IngestRules()
        image = inspect_response(Response(url, 200, {}, body, None), item, rules)
        image, stored = store_image_once(ImageToStore(item, image, body, row.name), self._storage, rules)
        source = BY_URL if asked_for else self._source_of(row)
        result = {**task_result(image, stored), "source": source, "source_url": url, "breed": breed_of(url)}
        definition = self._backend.journal.definition(row.digest).definition
        return {**result, "alert_reasons": list(AlertRules.readable(definition).reasons(result))}

    def _source_of(self, row: ExecutionRow) -> str | None:
        run = self._backend.runs.find(row.run_id) if row.run_id else None
        with suppress(ConfigurationError, ValueError):  # a spec that is gone
            return source_of_run(RunSettings.from_json(run.settings).source).name if run else None
        return None


def _input_of(row: ExecutionRow) -> Any:
    try:
        return json.loads(row.input)
    except ValueError:  # damaged: the record is made without it
        return None


_ERRORS = {"TIMED_OUT": "States.Timeout", "ABORTED": "ExecutionAborted"}


def _flag(state: Mapping[str, Any], name: str, field: str) -> bool:
    found = state.get(name)
    return isinstance(found, dict) and found.get(field) is True
