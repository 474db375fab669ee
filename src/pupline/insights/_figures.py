"""The figures of `pupline insights`, gathered in one pass."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pupline.insights._datasets import Ingests
from pupline.insights._problems import Problems
from pupline.tasks.records import AuditRecord


@dataclass(slots=True)
class Insights:
    """Counts over audit records.

    file_types: by content, of images that were kept (stored, duplicate or quarantined).
    alerts_by_reason: an image with two reasons counts under both. alerts_not_sent: publishing failed.
    alerts_in_digests: told of in the digest of a bulk run, which is published after the records were written.
    bytes_stored: of newly stored objects only; bytes_saved: what duplicates did not cost.
    first and last: RFC 3339 timestamps of the oldest and newest record, or None.
    ingests: what bulk runs gave. problems: why images could not be had, and from where.
    """

    records: int = 0
    alerts: int = 0
    alerts_not_sent: int = 0
    alerts_in_digests: int = 0
    bytes_stored: int = 0
    bytes_saved: int = 0
    first: str | None = None
    last: str | None = None
    file_types: Counter[str] = field(default_factory=Counter)
    alerts_by_reason: Counter[str] = field(default_factory=Counter)
    alerts_by_day: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    breeds: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    ingests: Ingests = field(default_factory=Ingests)
    problems: Problems = field(default_factory=Problems)

    @property
    def alert_frequency(self) -> float:
        """Alerts per record, 0 to 1; 0 where there are no records."""
        return self.alerts / self.records if self.records else 0.0

    @property
    def duplicates(self) -> int:
        """Records whose image was already there."""
        return self.outcomes["duplicate"]

    def add(self, record: AuditRecord) -> None:
        """Count one record."""
        self.records += 1
        self.outcomes[record.outcome] += 1
        self.reasons[record.reason] += 1
        self.first = min(self.first or record.upload_timestamp, record.upload_timestamp)
        self.last = max(self.last or record.upload_timestamp, record.upload_timestamp)
        for counts, value in ((self.file_types, record.file_type), (self.breeds, record.breed)):
            if value:
                counts[value] += 1
        if record.source:
            self.sources[record.source] += 1
        if record.alert_triggered:
            self._add_alert(record)
        self._add_bytes(record)
        self.ingests.add(record)
        self.problems.add(record)

    def _add_alert(self, record: AuditRecord) -> None:
        self.alerts += 1
        self.alerts_not_sent += record.alert_sent is False
        self.alerts_in_digests += record.alert_sent is None
        self.alerts_by_day[record.upload_timestamp[:10]] += 1
        self.alerts_by_reason.update(record.alert_reasons)

    def _add_bytes(self, record: AuditRecord) -> None:
        if record.outcome == "stored":
            self.bytes_stored += record.size_bytes or 0
        elif record.outcome == "duplicate":
            self.bytes_saved += record.size_bytes or 0

    def as_dict(self) -> dict[str, Any]:
        """All figures, JSON-ready, the two that matter most first; counts from the most frequent down."""
        return {
            "records": self.records,
            "file_types": _ranked(self.file_types),
            "alert_frequency": round(self.alert_frequency, 6),
            "alerts": self.alerts,
            "alerts_not_sent": self.alerts_not_sent,
            "alerts_in_digests": self.alerts_in_digests,
            "alerts_by_reason": _ranked(self.alerts_by_reason),
            "alerts_by_day": dict(sorted(self.alerts_by_day.items())),
            "outcomes": _ranked(self.outcomes),
            "reasons": _ranked(self.reasons),
            "breeds": _ranked(self.breeds),
            "sources": _ranked(self.sources),
            "duplicates": self.duplicates,
            "bytes_stored": self.bytes_stored,
            "bytes_saved": self.bytes_saved,
            "first": self.first,
            "last": self.last,
            "failures": [asdict(kind) for kind in self.problems.kinds()],
            "hosts": {name: asdict(host) for name, host in self.problems.hosts().items()},
            **self.ingests.as_dict(),
        }


def _ranked(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def insights_of(records: Iterable[AuditRecord], summaries: Iterable[Mapping[str, Any]] = ()) -> Insights:
    """The figures of all `records`, read once and not kept. summaries: of the bulk runs, as in their summary.json."""
    insights = Insights(ingests=Ingests(summaries))
    for record in records:
        insights.add(record)
    return insights
