"""Journals of old executions deleted, and their space freed."""

import sqlite3
from contextlib import closing
from pathlib import Path

from pupline.local import LocalBackend, PruneCounts, count_prunable, prune


def prune_data_dir(data_dir: Path, before: float, *, dry_run: bool) -> PruneCounts:
    """Delete journals of executions that ended before `before`, in seconds since the epoch. Raises: StorageError."""
    if dry_run:
        with LocalBackend.open(data_dir, exclusive=False) as backend:
            return count_prunable(backend.database, before)
    with LocalBackend.open(data_dir, exclusive=True, create=False) as backend:
        found = prune(backend.database, before)
        if found.executions:
            with closing(sqlite3.connect(backend.database.path)) as connection:
                connection.execute("VACUUM")
    return found
