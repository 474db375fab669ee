"""Bulk ingests that a stopped or killed process left unfinished. `resume` finishes executions only, and names these."""

from collections.abc import Sequence

from pupline.local import IngestRow, Ingests
from pupline.text import plural

_COMMANDS_SHOWN = 3


def unfinished_ingests(ingests: Ingests, options: str = "") -> tuple[str, str] | None:
    """How many bulk ingests are unfinished, and the commands that finish them; None where there are none.

    options: those that name the data directory.
    """
    unsuccessful = [row for row in ingests.all() if row.status != "SUCCEEDED"]
    newest = {row.dataset: row for row in unsuccessful}
    unfinished = [row for row in reversed(unsuccessful) if row.status == "RUNNING"]
    if not unfinished:
        return None
    be = "is" if len(unfinished) == 1 else "are"
    return f"{plural(len(unfinished), 'bulk ingest')} {be} unfinished", _commands(unfinished, newest, options)


def _commands(unfinished: Sequence[IngestRow], newest: dict[str, IngestRow], options: str) -> str:
    """--dataset resumes the newest run that did not succeed; another one has to be named by its ID."""
    commands = [
        f"pupline ingest --resume"
        f" {f'--dataset {row.dataset}' if newest[row.dataset] is row else f'--run-id {row.run_id}'}{options}"
        for row in unfinished
    ]
    more = len(commands) - _COMMANDS_SHOWN
    return "; ".join([*commands[:_COMMANDS_SHOWN], *([f"and {more:,} more"] if more > 0 else [])])
