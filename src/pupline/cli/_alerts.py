"""`pupline alerts`: the published alerts and their deliveries."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, astuple
from typing import TYPE_CHECKING, Any

import click

from pupline.cli._backend import backend_options
from pupline.cli._command import Command
from pupline.cli._first_steps import first_run
from pupline.cli._options import json_option, limit_option
from pupline.cli._output import cell, console, message, moment, print_json, program, rows_shown
from pupline.cli._selection import selection_options
from pupline.cli._table import Column, show_table
from pupline.errors import ConfigurationError
from pupline.insights import Selection
from pupline.text import plural, printable

if TYPE_CHECKING:
    from pupline.backends import Backend

_COLUMNS = [
    Column("when (UTC)", left_out=2),
    Column("subject", needs=20, left_out=1),
    Column("message", needs=30),
    Column("deliveries", needs=16),
    Column("execution", needs=21),
]


_EPILOG = """\b
Examples:
  pupline alerts --since yesterday
  pupline alerts --retry
"""


@click.command(cls=Command, epilog=_EPILOG)
@backend_options
@selection_options
@limit_option
@click.option("--retry", is_flag=True, help="Deliver now what waits, and try once more what was given up.")
@click.option(
    "--alert", "message_ids", metavar="ID", multiple=True, help="With --retry: of what was given up, only this alert's."
)
@json_option
def alerts(
    backend: "Backend",
    selection: Selection,
    limit: int | None,
    retry: bool,
    message_ids: tuple[str, ...],
    as_json: bool,
) -> int:
    """The alerts, oldest first, and the status of their deliveries.

    With --retry deliveries are tried now, and counted; exits with 1 when some could not be made. --alert is the
    message_id that --json has; it may be repeated.

    On AWS an alert's text and time come from its execution's history, which AWS keeps for 90 days; after that only the
    image and the execution are known. SNS does not report single deliveries.
    """
    if retry:
        if limit is not None or not selection.is_all:
            raise click.UsageError("--retry goes with --alert only")
        return _retry(backend, message_ids, as_json=as_json)
    if message_ids:
        raise click.UsageError("--alert goes with --retry")
    most = rows_shown(limit)
    unreported = False
    if as_json:
        for alert in _chosen(backend, selection, limit):
            print_json(alert)
            unreported = unreported or alert["deliveries"] is None
    else:
        found = list(_chosen(backend, selection, most + 1))
        _show(found, most, selection, backend)
        unreported = any(alert["deliveries"] is None for alert in found)
    if unreported:
        message(f"SNS does not report single deliveries; what was lost: pupline doctor{backend.options}")
    return 0


def _retry(backend: "Backend", message_ids: Sequence[str], *, as_json: bool) -> int:
    """Deliver, and say what became of it; the exit code."""
    from pupline.backends import MachineBackend, retry_alerts

    if not isinstance(backend, MachineBackend):
        raise ConfigurationError(f"SNS retries by itself; what was lost: pupline doctor{backend.options}")
    done = retry_alerts(backend.data_dir, message_ids)
    if as_json:
        print_json(asdict(done))
    elif not any(astuple(done)):
        click.echo("Every alert is delivered: there is nothing to retry.")
    else:
        counts = ((done.delivered, "delivered"), (done.waiting, "waiting"), (done.given_up, "given up"))
        tried = plural(sum(count for count, _ in counts), "delivery", "deliveries")
        click.echo(f"{tried}: {', '.join(f'{count:,} {word}' for count, word in counts)}")
        if done.waiting or done.given_up:
            click.echo(f"Why: {program()} alerts{backend.options}")
    return 1 if done.waiting or done.given_up else 0


def _chosen(backend: "Backend", selection: Selection, limit: int | None) -> Iterable[Mapping[str, Any]]:
    """The chosen alerts, the newest `limit` of them, oldest first."""
    return backend.alerts(
        limit=limit, chosen=lambda execution, moment: selection.has_execution(execution) and selection.is_recent(moment)
    )


def _first_line(message: str | None) -> str | None:
    """The first line; --json has all of a digest, which has more. None where AWS no longer has the text."""
    first, more, _ = (message or "").partition("\n")
    if message is None:
        return None
    return f"{first} ..." if more else first


def _show(found: Sequence[Mapping[str, Any]], limit: int, selection: Selection, backend: "Backend") -> None:
    if not found:
        nothing = f"No alerts. To see some: {first_run(backend)}"
        click.echo(nothing if selection.is_all else f"No alerts match. All alerts: pupline alerts{backend.options}")
        return
    rows = [
        [
            cell(moment(alert["published_at"])),
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
    for line in _undelivered(found, backend.options):
        out.print(line, soft_wrap=True)
    if all(alert["deliveries"] == [] for alert in found):
        out.print("There were no subscriptions then. To receive alerts: pupline subscribe --help")


def _undelivered(alerts: Sequence[Mapping[str, Any]], options: str) -> Iterator[str]:
    """Why deliveries wait, or were given up: one line for each subscription and status, with its newest error."""
    found: dict[tuple[int, str], list[Mapping[str, Any]]] = {}
    for alert in alerts:
        for one in alert["deliveries"] or ():
            if one["status"] != "delivered":
                found.setdefault((one["subscription"], one["status"]), []).append(one)
    for (_, status), deliveries in found.items():
        last = max(deliveries, key=lambda one: int(one["attempts"]))
        where = f"{plural(len(deliveries), 'alert')} to {last['protocol']} {printable(last['endpoint'], 200)}"
        tried = f"after {plural(last['attempts'], 'attempt')}" if last["attempts"] else "not tried yet"
        why = f": {printable(last['last_error'], 300)}" if last["last_error"] else ""
        if status == "failed":
            yield f"Given up: {where}, {tried}{why or '; the subscription was removed'}"
            if why:
                yield f"  once more: {program()} alerts --retry{options}"
        else:
            soonest = min(str(one["next_attempt_at"]) for one in deliveries)
            yield f"Waiting: {where}, {tried}{why}"
            at_once = f"at once: {program()} resume{options}"
            yield f"  next attempt at {moment(soonest)} UTC, if a run is under way; {at_once}"


def _deliveries(deliveries: Sequence[Mapping[str, Any]] | None) -> str:
    if deliveries is None:
        return "unknown"
    if not deliveries:
        return "no subscription"
    return ", ".join(f"{one['protocol']} {one['status']}" for one in deliveries)
