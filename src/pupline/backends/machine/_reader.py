"""Reading the data directory of one machine, while a run goes on or not."""

import json
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path
from typing import Any, Self

from pupline.local import AuditQuery, ExecutionRow, LocalBackend, alert_as_dict
from pupline.tasks.ports import ExecutionDetails, ExecutionSummary
from pupline.tasks.records import AuditRecord


class MachineReader:
    """Implements `pupline.tasks.ports.Reader` over a data directory, which it opens at the first question.

    Every method raises ConfigurationError where there is no data directory, or none that can be read.
    """

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self._opened = ExitStack()

    @cached_property
    def _database(self) -> LocalBackend:
        return self._opened.enter_context(LocalBackend.open(self.data_dir, exclusive=False))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        """Close. Raises: DamagedDatabase where damage caused the error."""
        self._opened.__exit__(*error)  # type: ignore[arg-type]

    def close(self) -> None:
        """Release the data directory; the next question opens it again."""
        self._opened.close()
        self.__dict__.pop("_database", None)

    def records(self, *, run: str | None = None) -> Iterator[AuditRecord]:
        """All audit records, oldest first; or those of one run, in the order of its executions."""
        return self._database.audit.records(AuditQuery(run=run))

    def executions(self, *, status: str | None = None, run: str | None = None) -> Iterator[ExecutionSummary]:
        """Executions of both workflows, newest first."""
        return map(_summary, self._database.journal.executions(status=status, run_id=run))

    def execution(self, name: str) -> ExecutionDetails:
        """One execution. Raises: ConfigurationError when there is none of that name."""
        journal = self._database.journal
        row = journal.get(name)
        return ExecutionDetails(
            row=_summary(row),
            definition=journal.definition(row.digest).definition,
            input=json.loads(row.input),
            output=None if row.output is None else json.loads(row.output),
            history=journal.history(name),
        )

    def alerts(self, *, limit: int | None = None) -> Iterator[Mapping[str, Any]]:
        """Alerts, oldest first; at most the newest `limit`."""
        found = (alert_as_dict(alert, deliveries) for alert, deliveries in self._database.topic.alerts())
        return found if limit is None else iter(deque(found, maxlen=limit))

    def ingests(self, *, dataset: str | None = None) -> Iterator[Mapping[str, Any]]:
        """Bulk ingests, newest first: each the JSON object of its summary.json, as far as it is known."""
        from pupline.bulk import summaries

        return summaries(self._database, dataset)


def _summary(row: ExecutionRow) -> ExecutionSummary:
    return ExecutionSummary(row.name, row.status, row.run_id, row.start_time, row.stop_time, row.error, row.cause)
