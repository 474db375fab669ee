"""`pupline subscribe`: where alerts go."""

from pathlib import Path

import click

from pupline.cli._command import Command
from pupline.cli._options import data_option, json_option
from pupline.cli._output import cell, console, print_json
from pupline.cli._table import Column, show_table


@click.command(cls=Command)
@click.argument(
    "protocol",
    metavar="[PROTOCOL]",
    required=False,
    type=click.Choice(["console", "file", "webhook", "email", "apprise"]),
)
@click.argument("endpoint", required=False, default="")
@click.option("--list", "listing", is_flag=True, help="List the subscriptions.")
@click.option("--remove", "removed", type=int, metavar="ID", help="Remove the subscription with this number.")
@data_option
@json_option
def subscribe(
    protocol: str | None, endpoint: str, listing: bool, removed: int | None, data_dir: Path, as_json: bool
) -> int:
    """Send alerts to ENDPOINT by PROTOCOL from now on.

    \b
    console                   one line on stderr during a run
    file PATH                 JSON Lines, in the shape of an SNS notification
    webhook URL               a POST of the same JSON
    email ADDRESS             through the SMTP server of PUPLINE_SMTP_URL (smtp://user@host:587;
                              the password from PUPLINE_SMTP_PASSWORD)
    apprise URL               any service that Apprise knows

    Deliveries are retried, and never delay a run. Receivers can recognise a repeated one by its MessageId.
    """
    from pupline.local import LocalBackend

    actions = [listing, removed is not None, protocol is not None]
    if sum(actions) != 1:
        raise click.UsageError("give one of PROTOCOL [ENDPOINT], --list and --remove ID")
    with LocalBackend.open(data_dir, exclusive=False, create=protocol is not None) as backend:
        if protocol is not None:
            made = backend.subscriptions.subscribe(protocol, endpoint)
            text = f"Subscription {made.subscription_id}: {made.protocol} {made.shown}"
            shown = [made]
        elif removed is not None:
            gone = backend.subscriptions.unsubscribe(removed)
            text = f"Removed subscription {gone.subscription_id}: {gone.protocol} {gone.shown}"
            shown = [gone]
        else:
            text = ""
            shown = backend.subscriptions.all()
    if as_json:
        for one in shown:
            print_json({"subscription": one.subscription_id, "protocol": one.protocol, "endpoint": one.shown})
    elif text:
        click.echo(text)
    elif not shown:
        click.echo("No subscriptions; alerts are kept and shown by: pupline alerts")
    else:
        columns = [Column("id", right=True), Column("protocol"), Column("endpoint", needs=20)]
        show_table(
            console(), columns, [[cell(one.subscription_id), cell(one.protocol), cell(one.shown)] for one in shown]
        )
    return 0
