"""Reading one machine's data directory, while a run goes on or not."""

import json
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pupline.local import AuditQuery, ExecutionRow, LocalBackend, alert_as_dict
from pupline.tasks.ports import ExecutionDetails, ExecutionSummary
from pupline.tasks.records import AuditRecord


class LocalReader:
    """Implements `pupline.tasks.ports.Reader` over a data directory."""

    def __init__(self, backend: LocalBackend) -> None:
        self._backend = backend

    @classmethod
    @contextmanager
    def open(cls, data_dir: Path) -> Iterator["LocalReader"]:
        """A reader of the data directory. Raises: ConfigurationError when there is none, or none that can be read."""
        with LocalBackend.open(data_dir, exclusive=False) as backend:
            yield cls(backend)

    def records(self, *, run: str | None = None) -> Iterator[AuditRecord]:
        """All audit records, oldest first; or those of one run, in the order of its executions."""
        return self._backend.audit.records(AuditQuery(run=run))

    def executions(self, *, status: str | None = None, run: str | None = None) -> Iterator[ExecutionSummary]:
        """Executions, newest first."""
        return map(_row, self._backend.journal.executions(status=status, run_id=run))

    def execution(self, name: str) -> ExecutionDetails:
        """One execution. Raises: ConfigurationError when there is none of that name."""
        journal = self._backend.journal
        row = journal.get(name)
        return ExecutionDetails(
            row=_row(row),
            definition=journal.definition(row.digest).definition,
            input=json.loads(row.input),
            output=None if row.output is None else json.loads(row.output),
            history=journal.history(name),
        )

    def alerts(self, *, limit: int | None = None) -> Iterator[Mapping[str, Any]]:
        """Alerts, oldest first; at most the newest `limit`."""
        found = (alert_as_dict(alert, deliveries) for alert, deliveries in self._backend.topic.alerts())
        return found if limit is None else iter(deque(found, maxlen=limit))

    def ingests(self, *, dataset: str | None = None) -> Iterator[Mapping[str, Any]]:
        """The runs of bulk ingestion, newest first: each the JSON object of its summary.json, as far as it is known."""
        from pupline.bulk import summaries

        return summaries(self._backend, dataset)


def _row(row: ExecutionRow) -> ExecutionSummary:
    return ExecutionSummary(row.name, row.status, row.run_id, row.start_time, row.stop_time, row.error, row.cause)
