"""`pupline subscribe`: where alerts go."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pupline.cli._command import Command
from pupline.cli._options import data_option, json_option
from pupline.cli._output import cell, console, message, print_json
from pupline.cli._table import Column, show_table

if TYPE_CHECKING:
    from pupline.local import Subscription


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
@click.option("--test", "trial", is_flag=True, help="Send a test message: to this one, or without PROTOCOL to all.")
@data_option
@json_option
def subscribe(
    protocol: str | None,
    endpoint: str,
    listing: bool,
    removed: int | None,
    trial: bool,
    data_dir: Path,
    as_json: bool,
) -> int:
    """Send alerts to ENDPOINT by PROTOCOL from now on.

    \b
    console                   one line on stderr during a run
    file PATH                 JSON Lines, in the shape of an SNS notification
    webhook URL               a POST of the same JSON
    email ADDRESS             through the SMTP server of PUPLINE_SMTP_URL (smtp://user@host:587;
                              the password from PUPLINE_SMTP_PASSWORD)
    apprise URL               any service that Apprise knows

    Deliveries are retried, and never delay a run. Receivers can recognise a repeated one by its MessageId. With --test
    a message is sent now; exits with 1 when it could not be delivered.
    """
    from pupline.local import LocalBackend, send_trial, unreadiness

    actions = [listing, removed is not None, protocol is not None]
    if (sum(actions) != 1 and not (trial and sum(actions) == 0)) or (trial and (listing or removed is not None)):
        raise click.UsageError("give one of PROTOCOL [ENDPOINT], --list, --remove ID and --test")
    text = ""
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
            shown = backend.subscriptions.all()
        now = backend.clock.now()
    if text and not as_json:
        click.echo(text)
    if trial:
        return _test(shown, lambda one: send_trial(one, now), as_json=as_json)
    unready = [unreadiness(one.protocol, one.endpoint) if removed is None else None for one in shown]
    if as_json:
        for one, found in zip(shown, unready, strict=True):
            print_json({**_facts(one), **({"problem": found.problem} if found else {})})
    elif not text:
        _show(shown)
    for one, found in zip(shown, unready, strict=True):
        if found is not None:
            where = f"{one.protocol} {one.shown}"
            message(f"No alert can reach {where} yet: {found.problem}. Next: {found.next_step}")
    return 0


def _facts(one: "Subscription") -> dict[str, Any]:
    return {"subscription": one.subscription_id, "protocol": one.protocol, "endpoint": one.shown}


def _show(shown: "Sequence[Subscription]") -> None:
    if not shown:
        click.echo("No subscriptions; alerts are kept and shown by: pupline alerts")
        return
    columns = [Column("id", right=True), Column("protocol"), Column("endpoint", needs=20)]
    rows = [[cell(one.subscription_id), cell(one.protocol), cell(one.shown)] for one in shown]
    show_table(console(), columns, rows)


def _test(shown: "Sequence[Subscription]", send: "Callable[[Subscription], str | None]", *, as_json: bool) -> int:
    """Send a test message to each; the exit code."""
    failed = 0
    if not shown:
        message("No subscriptions; make one with: pupline subscribe PROTOCOL ENDPOINT --test")
        return 2
    for one in shown:
        error = send(one)
        failed += error is not None
        if as_json:
            print_json({**_facts(one), "test": "failed" if error else "sent", "error": error})
        elif error is None:
            click.echo(f"Test message sent to {one.protocol} {one.shown}")
        else:
            message(f"No test message reached {one.protocol} {one.shown}: {error}")
    return 1 if failed else 0
