"""`pupline stop`: end an execution or a run."""

from typing import TYPE_CHECKING

import click

from pupline.cli._backend import backend_options
from pupline.cli._command import Command
from pupline.cli._name_completion import complete_run
from pupline.cli._selection import suggesting
from pupline.text import printable

if TYPE_CHECKING:
    from pupline.backends import Backend


@click.command(cls=Command)
@click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=complete_run)
@click.option("--error", help="The Error Name to record.")
@click.option("--cause", help="Why, for people.")
@backend_options
def stop(names: tuple[str, ...], error: str | None, cause: str | None, backend: "Backend") -> int:
    """End each execution, or run, called NAME: its status becomes ABORTED.

    An execution is aborted as StopExecution does. Of a run of `run` or `ingest --workflow`, all unfinished executions
    are. An unfinished ingest ends: what is done stays, and its files are written. A process that works on it does so
    within a second or two; otherwise it is done here. What has ended stays as it is.

    With --backend aws, NAME is an execution or its ARN; that of an ingest has the name of its run.
    """
    for name in names:
        with suggesting(backend, name):
            said = backend.stop(name, error, cause)
        click.echo(f"{printable(name)}: {said}")
    return 0
