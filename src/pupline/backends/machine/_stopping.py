"""Ends executions and runs of a data directory, here or through the process that works on them."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from pupline.bulk import abort_run
from pupline.errors import DirectoryInUse
from pupline.local import AbortRequest, IngestRow, LocalBackend, RunRow
from pupline.text import plural

if TYPE_CHECKING:
    from pupline.backends.machine._runner import WorkflowRunner

_BY_OTHER = "will be stopped by the process that is running it"


class Stopper:
    """Ends what a name names. open_runner: opens a runner of the data directory, which it holds exclusively."""

    def __init__(self, data_dir: Path, open_runner: "Callable[[], AbstractContextManager[WorkflowRunner]]") -> None:
        self._data_dir = data_dir
        self._open_runner = open_runner

    def stop(self, name: str, abort: AbortRequest) -> str | None:
        """What became of the execution, or the run, of that name, for people; None where there is none."""
        with LocalBackend.open(self._data_dir, exclusive=False) as backend:
            execution, ingest, run = backend.journal.find(name), backend.ingests.find(name), backend.runs.find(name)
        if execution is not None and (execution.status == "RUNNING" or run is None):
            if execution.status != "RUNNING":
                return f"has already ended ({execution.status})"
            return self._stop_executions([name], abort)
        if ingest is not None:
            return self._stop_ingest(ingest, abort)
        return None if run is None else self._stop_run(run, abort)

    def _stop_executions(self, names: list[str], abort: AbortRequest) -> str:
        with LocalBackend.open(self._data_dir, exclusive=False) as backend:
            for name in names:
                backend.journal.request_stop(name, abort.error, abort.cause)
        try:
            with self._open_runner() as runner:
                runner.carry_out_stops()
        except DirectoryInUse:  # another process holds the directory, and looks for such requests itself
            return _BY_OTHER
        with LocalBackend.open(self._data_dir, exclusive=False) as backend:
            return str(backend.journal.get(names[0]).status)

    def _stop_ingest(self, row: IngestRow, abort: AbortRequest) -> str:
        if row.status != "RUNNING":
            return f"has already ended ({row.status})"
        with LocalBackend.open(self._data_dir, exclusive=False) as backend:
            backend.ingests.request_stop(row.ingest_id, abort.error, abort.cause)
        try:
            backend = LocalBackend.open(self._data_dir, exclusive=True, create=False)
        except DirectoryInUse:
            return _BY_OTHER
        with backend:
            row = backend.ingests.get(row.run_id)
            if row.status == "RUNNING":  # and not just ended by its process
                abort_run(backend, row, abort)
            row = backend.ingests.get(row.run_id)
            counts = backend.ingests.counts(row.ingest_id)
        return f"{row.status}; {counts.done:,} of {plural(counts.items, 'image')} done, which stay, with their files"

    def _stop_run(self, run: RunRow, abort: AbortRequest) -> str:
        with LocalBackend.open(self._data_dir, exclusive=False) as backend:
            running = [row.name for row in backend.journal.executions(status="RUNNING", run_id=run.run_id)]
            newest = next(backend.journal.executions(run_id=run.run_id), None)
            started = backend.journal.count_ended(run.run_id) + len(running)
        is_whole = newest is not None and started >= (run.count or 0)
        if not running and (is_whole or run.stopped_at is not None):
            return f"has already ended ({newest.status if newest else 'ABORTED'})"
        said = self._stop_executions(running, abort) if running else "ABORTED"
        if not is_whole and said != _BY_OTHER:
            with LocalBackend.open(self._data_dir, exclusive=True, create=False) as backend:
                backend.runs.stop(run.run_id)
        return said if len(running) < 2 else f"{said} ({plural(len(running), 'execution')})"
