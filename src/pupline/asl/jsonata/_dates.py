"""`$toMillis` without a picture: the ISO 8601 forms that the reference implementation reads."""

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Final

from pupline.asl.jsonata._failure import QueryFailure

# The reference has (-[01][0-9])*(-[0-3][0-9])* for the date, which takes the same texts in quadratic time.
_ACCEPTED: Final = re.compile(
    r"[0-9]{4}(-[0-3][0-9])*(T[0-2][0-9]:[0-5][0-9]:[0-5][0-9])*(\.[0-9]+)?([+-][0-2][0-9]:?[0-5][0-9]|Z)?"
)
_READ: Final = re.compile(
    r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?"
    r"(?:T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]+))?(?:([+-])([0-9]{2}):?([0-9]{2}))?)?Z?"
)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def iso_to_millis(text: str) -> float:
    """Milliseconds since the epoch; a time without a zone is UTC. Not a number for a date that does not exist.

    Raises: QueryFailure (D3110) for a text in another form.
    """
    if not _ACCEPTED.fullmatch(text):
        raise QueryFailure("D3110", value=text)
    found = _READ.fullmatch(text)
    if found is None:
        return math.nan
    parts = zip(found.groups(), "011000", strict=False)
    year, month, day, hour, minute, second = (int(part or default) for part, default in parts)
    fraction = int(((found[7] or "") + "000")[:3])
    east = (int(found[9] or 0) * 60 + int(found[10] or 0)) * (-1 if found[8] == "-" else 1)
    if not (1 <= month <= 12 and 1 <= day <= 31 and int(found[9] or 0) < 24):
        return math.nan
    if hour > 24 or (hour == 24 and (minute or second or fraction)):
        return math.nan
    shift = year < 1  # the year 0 has as many days as 400 years later
    start = datetime(year + 400 * shift, month, 1, tzinfo=UTC)
    since = start - _EPOCH + timedelta(days=day - 1, hours=hour, minutes=minute - east, seconds=second)
    return round(since.total_seconds() * 1000) + fraction - 146_097 * 86_400_000 * shift
