"""Ingests that a stopped or killed process left unfinished, for `doctor`."""

from pupline.local import LocalBackend, RunKind, kind_of_settings
from pupline.text import plural

_COMMANDS_SHOWN = 3


def unfinished_ingests(backend: LocalBackend, options: str = "") -> tuple[str, str] | None:
    """How many ingests are unfinished, and the commands that finish them; None where there are none.

    Those through the workflow are among them before they have an execution; later `doctor` counts that. options: that
    name the data directory.
    """
    bulk = [row.run_id for row in backend.ingests.all() if row.status == "RUNNING"]
    runs = [*reversed(bulk), *_without_execution(backend)]
    count = len(runs)
    if not count:
        return None
    commands = [f"pupline resume --run {run}{options}" for run in runs[:_COMMANDS_SHOWN]]
    more = count - _COMMANDS_SHOWN
    shown = "; ".join([*commands, *([f"and {more:,} more: pupline runs{options}"] if more > 0 else [])])
    return f"{plural(count, 'bulk ingest')} {'is' if count == 1 else 'are'} unfinished", shown


def _without_execution(backend: LocalBackend) -> list[str]:
    """Ingests through the workflow that were killed while they listed their source, the newest first."""
    started = {run for (run,) in backend.database.rows("SELECT DISTINCT run_id FROM executions")}
    return [
        run.run_id
        for run in reversed(backend.runs.all())
        if kind_of_settings(run.settings) is RunKind.WORKFLOW_INGEST
        and run.stopped_at is None
        and run.run_id not in started
    ]
