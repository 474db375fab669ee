"""Ending executions from outside, and forgetting those that have ended."""

import sqlite3
from contextlib import closing
from pathlib import Path

from pupline.backends.machine._machine import OneMachine
from pupline.errors import ConfigurationError
from pupline.local import LocalBackend, PruneCounts, count_prunable, prune


def stop_execution(data_dir: Path, name: str, error: str | None, cause: str | None) -> str:
    """Have the execution aborted; in words, what came of it.

    Raises: ConfigurationError when there is no such execution; StorageError.
    """
    with LocalBackend.open(data_dir, exclusive=False) as backend:
        status = backend.journal.get(name).status
        if status != "RUNNING":
            return f"has already ended ({status})"
        backend.journal.request_stop(name, error, cause)
    try:
        with OneMachine.open(data_dir, 1, lambda _event: None) as machine:
            machine.carry_out_stops()
    except ConfigurationError:  # another process has the directory, and looks for such requests itself
        return "will be stopped by the run that is at work"
    with LocalBackend.open(data_dir, exclusive=False) as backend:
        return str(backend.journal.get(name).status)


def prune_executions(data_dir: Path, before: float, *, dry_run: bool) -> PruneCounts:
    """Forget executions that ended before `before` (seconds since the epoch), and give the space back to the disk.

    Raises: ConfigurationError when a run is at work there, or there is nothing; StorageError.
    """
    if not data_dir.is_dir():
        raise ConfigurationError(f"there is no data directory {data_dir}; nothing was ever started there")
    if dry_run:
        with LocalBackend.open(data_dir, exclusive=False) as backend:
            return count_prunable(backend.database, before)
    with LocalBackend.open(data_dir, exclusive=True, create=False) as backend:
        found = prune(backend.database, before)
        if found.executions:
            with closing(sqlite3.connect(backend.database.path)) as connection:
                connection.execute("VACUUM")
    return found
