"""`pupline alerts`: the published alerts and their deliveries."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from pupline.cli._backend import backend_options
from pupline.cli._command import Command
from pupline.cli._options import json_option, limit_option
from pupline.cli._output import cell, console, message, moment, print_json, rows_shown
from pupline.cli._table import Column, show_table
from pupline.text import plural

if TYPE_CHECKING:
    from pupline.backends import Backend

_COLUMNS = [
    Column("when (UTC)", left_out=2),
    Column("subject", needs=20, left_out=1),
    Column("message", needs=30),
    Column("deliveries", needs=16),
    Column("execution", needs=21),
]


@click.command(cls=Command)
@backend_options
@limit_option
@json_option
def alerts(backend: "Backend", limit: int | None, as_json: bool) -> int:
    """The alerts, oldest first, and the status of their deliveries.

    On AWS an alert's text and time come from its execution's history, which AWS keeps for 90 days; after that only the
    image and the execution are known. SNS does not report single deliveries.
    """
    most = rows_shown(limit)
    unreported = False
    if as_json:
        for alert in backend.alerts(limit=limit):
            print_json(alert)
            unreported = unreported or alert["deliveries"] is None
    else:
        found = list(backend.alerts(limit=most + 1))
        _show(found, most)
        unreported = any(alert["deliveries"] is None for alert in found)
    if unreported:
        message(f"SNS does not report single deliveries; what was lost: pupline doctor{backend.options}")
    return 0


def _first_line(message: str) -> str:
    """The first line; --json has all of a digest, which has more."""
    first, more, _ = message.partition("\n")
    return f"{first} ..." if more else first


def _show(found: Sequence[Mapping[str, Any]], limit: int) -> None:
    if not found:
        click.echo("No alerts. To see some: pupline run --source sample --count 12")
        return
    rows = [
        [
            cell(moment(alert["published_at"] or "-")),
            cell(alert["subject"]),
            cell(_first_line(alert["message"])),
            cell(_deliveries(alert["deliveries"])),
            cell(alert["execution"]),
        ]
        for alert in found[-limit:]
    ]
    out = console()
    show_table(out, _COLUMNS, rows)
    shown = plural(len(rows), "alert")
    out.print(f"the newest {shown}; for more: --limit N, or --json" if len(found) > limit else shown)
    if all(alert["deliveries"] == [] for alert in found):
        out.print("There were no subscriptions then. To receive alerts: pupline subscribe --help")


def _deliveries(deliveries: Sequence[Mapping[str, Any]] | None) -> str:
    if deliveries is None:
        return "unknown"
    if not deliveries:
        return "no subscription"
    return ", ".join(f"{one['protocol']} {one['status']}" for one in deliveries)
