"""The --since option: one way to write a time, for every command that has it."""

from datetime import UTC, datetime

import click

from pupline.text import TIME_FORMS, printable, time_named


def _since(_context: click.Context, _option: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    found = time_named(value.strip(), datetime.now(UTC))
    if found is None:
        raise click.BadParameter(f"'{printable(value, 60)}' is not a time; write {TIME_FORMS}")
    return found


since_option = click.option(
    "--since",
    metavar="TIME",
    callback=_since,
    help="Only later than this, in UTC: 2026-01-31, 2h, yesterday, or RFC 3339.",
)
"""The command gets seconds since the epoch, or None."""

until_option = click.option("--until", metavar="TIME", callback=_since, help="Only earlier than this, as --since.")
