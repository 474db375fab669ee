"""Ingests that a stopped or killed process left unfinished, for `doctor`."""

from pupline.local import IngestRow, LocalBackend, RunKind, kind_of_settings
from pupline.text import plural

_COMMANDS_SHOWN = 3


def unfinished_ingests(backend: LocalBackend, options: str = "") -> tuple[str, str] | None:
    """How many ingests are unfinished, and the commands that finish them; None where there are none.

    Those through the workflow are among them before they have an execution; later `doctor` counts that. options: that
    name the data directory.
    """
    unsuccessful = [row for row in backend.ingests.all() if row.status in {"RUNNING", "FAILED"}]
    newest = {row.dataset: row for row in unsuccessful}
    bulk = [row for row in reversed(unsuccessful) if row.status == "RUNNING"]
    listing = [f"pupline resume --run {run}{options}" for run in _without_execution(backend)]
    count = len(bulk) + len(listing)
    if not count:
        return None
    commands = [*(_command(row, newest, options) for row in bulk), *listing]
    more = count - _COMMANDS_SHOWN
    shown = "; ".join(
        [*commands[:_COMMANDS_SHOWN], *([f"and {more:,} more: pupline runs{options}"] if more > 0 else [])]
    )
    return f"{plural(count, 'bulk ingest')} {'is' if count == 1 else 'are'} unfinished", shown


def _command(row: IngestRow, newest: dict[str, IngestRow], options: str) -> str:
    """--dataset resumes the newest run that did not succeed; another one has to be named by its ID."""
    which = f"--dataset {row.dataset}" if newest[row.dataset] is row else f"--run-id {row.run_id}"
    return f"pupline ingest --resume {which}{options}"


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
