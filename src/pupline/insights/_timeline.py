"""How many records and alerts there were when: the throughput, and the frequency of alerts."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from pupline.errors import UNACCEPTED_OUTCOMES

_HOURLY_SECONDS = 3 * 86_400
"""Up to three days are shown by the hour, more by the day."""


@dataclass(slots=True)
class Point:
    """One hour or day. unaccepted: images that are not among the stored ones. bytes: of new objects."""

    records: int = 0
    alerts: int = 0
    unaccepted: int = 0
    bytes: int = 0


class Timeline:
    """Records by the hour, UTC."""

    def __init__(self) -> None:
        self._hours: dict[str, Point] = {}

    def add(self, time: str, outcome: str, size: int, *, alerted: bool) -> None:
        """Count a record. time: its RFC 3339 timestamp."""
        hour = self._hours.get(time[:13])
        if hour is None:
            hour = self._hours[time[:13]] = Point()
        hour.records += 1
        if alerted:
            hour.alerts += 1
        if outcome == "stored":
            hour.bytes += size
        elif outcome in UNACCEPTED_OUTCOMES:
            hour.unaccepted += 1

    def hours(self) -> dict[str, Point]:
        """The hours with records, such as `2026-01-31T12`, oldest first."""
        return dict(sorted(self._hours.items()))

    def days(self) -> dict[str, Point]:
        """The days with records, such as `2026-01-31`, oldest first."""
        found: dict[str, Point] = {}
        for hour, point in self.hours().items():
            day = found.setdefault(hour[:10], Point())
            day.records += point.records
            day.alerts += point.alerts
            day.unaccepted += point.unaccepted
            day.bytes += point.bytes
        return found

    def as_dict(self) -> dict[str, Any]:
        """`unit`, hour or day, and the points that have records."""
        unit = "hour" if self._is_short() else "day"
        points = self.hours() if unit == "hour" else self.days()
        return {"unit": unit, "points": [{"time": time, **asdict(point)} for time, point in points.items()]}

    def _is_short(self) -> bool:
        hours = list(self.hours())
        if not hours:
            return True
        try:
            first, last = (datetime.fromisoformat(f"{hour}:00:00+00:00") for hour in (hours[0], hours[-1]))
        except ValueError:  # a timestamp that somebody else wrote
            return False
        return (last - first).total_seconds() <= _HOURLY_SECONDS
