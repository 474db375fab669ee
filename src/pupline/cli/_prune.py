"""`pupline prune`: delete the journals of executions that ended long ago."""

import re
import time
from pathlib import Path

import click

from pupline.cli._command import Command
from pupline.cli._options import data_option, json_option
from pupline.cli._output import print_json
from pupline.text import plural

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def _seconds(_ctx: click.Context, _param: click.Parameter, value: str) -> float:
    """An age such as 30d in seconds."""
    found = re.fullmatch(r"(\d{1,6})([smhdw])", value.strip())
    if found is None:
        raise click.BadParameter(f"'{value}' is not a valid age; write a number and s, m, h, d or w, such as 30d")
    return float(found[1]) * _UNITS[found[2]]


@click.command(cls=Command)
@click.option(
    "--older-than",
    "age",
    metavar="AGE",
    required=True,
    callback=_seconds,
    help="How long ago it ended, such as 12h, 30d, 8w.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be deleted, and delete nothing.")
@data_option
@json_option
def prune(age: float, dry_run: bool, data_dir: Path, as_json: bool) -> int:
    """Delete the journals of executions that ended long ago: runs as a whole, never parts of one.

    Images, audit records and alerts stay. `pupline executions` can no longer show what was deleted.
    """
    from pupline.backends import MachineBackend

    found = MachineBackend(data_dir).prune(time.time() - age, dry_run=dry_run)
    if as_json:
        print_json({"executions": found.executions, "facts": found.facts, "dry_run": dry_run})
    else:
        verb = "Would delete" if dry_run else "Deleted"
        click.echo(f"{verb} {plural(found.executions, 'execution')} with {plural(found.facts, 'journalled fact')}.")
    return 0
