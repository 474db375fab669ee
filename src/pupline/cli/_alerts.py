"""`pupline alerts`: what was published, and where it got to."""

from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from pupline.cli._backend import backend_options, open_backend
from pupline.cli._output import cell, console, data_option, json_option, plural, print_json, table


@click.command()
@data_option
@backend_options
@click.option("--limit", type=click.IntRange(min=1), help="The newest N. Default: 50 on a terminal, all with --json.")
@json_option
def alerts(data_dir: Path, backend: str, stack: str | None, limit: int | None, as_json: bool) -> int:
    """The alerts, oldest first, and what became of their deliveries."""
    with open_backend(data_dir, backend, stack) as source:
        if as_json:
            for alert in source.alerts() if limit is None else deque(source.alerts(), maxlen=limit):
                print_json(alert)
        else:
            _show(deque(source.alerts(), maxlen=limit or 50))
    return 0


def _show(found: Sequence[Mapping[str, Any]]) -> None:
    if not found:
        click.echo("No alerts. To see some: pupline run --source sample --count 12")
        return
    rows = table("", ["when", "subject", "message", "deliveries", "execution"])
    for alert in found:
        rows.add_row(
            cell(alert["published_at"]),
            cell(alert["subject"]),
            cell(alert["message"]),
            cell(_deliveries(alert["deliveries"])),
            cell(alert["execution"]),
        )
    out = console()
    out.print(rows)
    out.print(plural(len(found), "alert"))
    if not any(alert["deliveries"] for alert in found):
        out.print("Nobody was subscribed. To get them somewhere: pupline subscribe --help")


def _deliveries(deliveries: Sequence[Mapping[str, Any]]) -> str:
    if not deliveries:
        return "no subscription"
    return ", ".join(f"{one['protocol']} {one['status']}" for one in deliveries)
