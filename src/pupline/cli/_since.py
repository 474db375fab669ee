"""The --since option: one way to write a time, for every command that has it."""

import re
from datetime import UTC, datetime, time, timedelta

import click

from pupline.text import printable

_AGE = re.compile(r"([0-9]{1,6})([smhdw])")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_DAYS = {"today": 0, "yesterday": 1}
_FORMS = "2026-01-31, 2026-01-31T12:00:00Z, 2h, 30m, 7d, today or yesterday"


def _since(_context: click.Context, _option: click.Parameter, value: str | None) -> float | None:
    if value is None:
        return None
    found = since(value.strip(), datetime.now(UTC))
    if found is None:
        raise click.BadParameter(f"'{printable(value, 60)}' is not a time; write {_FORMS}")
    return found


since_option = click.option(
    "--since",
    metavar="TIME",
    callback=_since,
    help="Only later than this, in UTC: 2026-01-31, 2h, yesterday, or RFC 3339.",
)
"""The command gets seconds since the epoch, or None. A date or a time without an offset is UTC, as in every output."""


def since(text: str, now: datetime) -> float | None:
    """The time that the text names, in seconds since the epoch; None where it names none."""
    days = _DAYS.get(text.lower())
    if days is not None:
        return datetime.combine((now - timedelta(days=days)).date(), time(), UTC).timestamp()
    age = _AGE.fullmatch(text.lower().removesuffix(" ago"))
    if age is not None:
        return now.timestamp() - int(age[1]) * _UNITS[age[2]]
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
