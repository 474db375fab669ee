"""`pupline stop` and `pupline prune`: ending executions, and forgetting those that have ended."""

import re
import time
from pathlib import Path

import click

from pupline.cli._command import Command
from pupline.cli._output import data_option, json_option, print_json
from pupline.text import plural

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def _seconds(_ctx: click.Context, _param: click.Parameter, value: str) -> float:
    """The seconds that an age such as 30d means."""
    found = re.fullmatch(r"(\d{1,6})([smhdw])", value.strip())
    if found is None:
        raise click.BadParameter(f"'{value}' is no age; write a number and s, m, h, d or w, such as 30d")
    return float(found[1]) * _UNITS[found[2]]


@click.command(cls=Command)
@click.argument("name")
@click.option("--error", help="The Error Name to record.")
@click.option("--cause", help="Why, for people.")
@data_option
def stop(name: str, error: str | None, cause: str | None, data_dir: Path) -> int:
    """Abort the execution called NAME, as StopExecution does: its status becomes ABORTED.

    A run that is at work carries it out within a second; otherwise it is done here. Stopping an execution that has
    ended changes nothing. A stopped execution writes no audit record.
    """
    from pupline.backends.machine import stop_execution

    click.echo(f"{name}: {stop_execution(data_dir, name, error, cause)}")
    return 0


@click.command(cls=Command)
@click.option(
    "--older-than",
    "age",
    metavar="AGE",
    required=True,
    callback=_seconds,
    help="How long ago it ended, such as 12h, 30d, 8w.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be forgotten, and forget nothing.")
@data_option
@json_option
def prune(age: float, dry_run: bool, data_dir: Path, as_json: bool) -> int:
    """Forget the journals of executions that ended long ago: runs as a whole, never parts of one.

    Images, audit records and alerts stay. What was forgotten can no longer be shown by `pupline executions`.
    """
    from pupline.backends.machine import prune_executions

    found = prune_executions(data_dir, time.time() - age, dry_run=dry_run)
    if as_json:
        print_json({"executions": found.executions, "facts": found.facts, "dry_run": dry_run})
    else:
        verb = "Would forget" if dry_run else "Forgot"
        click.echo(f"{verb} {plural(found.executions, 'execution')} with {plural(found.facts, 'journalled fact')}.")
    return 0
