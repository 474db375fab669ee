"""Timestamps of the States Language: RFC 3339 with an uppercase T and a Z or a numeric offset."""

import re
from datetime import UTC, datetime, timedelta

_SHAPE = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(?:Z|([+-])(\d\d)(?::?(\d\d))?(?::?(\d\d))?)", re.ASCII
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant(text: object) -> tuple[int, str] | None:
    """A timestamp as (whole seconds since the epoch, its fraction's digits without trailing zeros), or None.

    Such pairs compare in the order of time, however many digits the fraction has. `2016-03-14T01:59:00.50Z` is
    (1457920740, "5"). Source: States Language, "Timestamps".
    """
    found = _SHAPE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    sign, *offset = found.groups()[7:]
    hours, minutes, seconds = (int(part or 0) for part in offset)
    if hours > 18 or minutes > 59 or seconds > 59:
        return None
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        return None
    shift = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    since = moment - _EPOCH + (shift if sign == "-" else -shift)
    return since.days * 86400 + since.seconds, (found.group(7) or "").rstrip("0")


def epoch_seconds(text: object) -> float | None:
    """A timestamp as seconds since the epoch, or None when it is not valid."""
    moment = instant(text)
    return None if moment is None else moment[0] + float(f"0.{moment[1] or 0}")
