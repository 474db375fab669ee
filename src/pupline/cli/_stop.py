"""`pupline stop`: end an execution."""

from typing import TYPE_CHECKING

import click

from pupline.cli._backend import backend_options
from pupline.cli._command import Command
from pupline.text import printable

if TYPE_CHECKING:
    from pupline.backends import Backend


@click.command(cls=Command)
@click.argument("name")
@click.option("--error", help="The Error Name to record.")
@click.option("--cause", help="Why, for people.")
@backend_options
def stop(name: str, error: str | None, cause: str | None, backend: "Backend") -> int:
    """Abort the execution called NAME, as StopExecution does: its status becomes ABORTED.

    A process that runs it does so within a second; otherwise it is done here. An execution that has ended stays as it
    is. With --backend aws, NAME may be an ARN.
    """
    click.echo(f"{printable(name)}: {backend.stop(name, error, cause)}")
    return 0
