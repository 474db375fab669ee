"""The figures of `pupline insights`, counted in one pass."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pupline.insights._datasets import DatasetFigures
from pupline.insights._failures import FailureFigures
from pupline.tasks.ingest_summary import ranked
from pupline.tasks.records import AuditRecord


@dataclass(slots=True)
class Insights:
    """Counts over audit records.

    file_types: by content, of stored, duplicate and quarantined images.
    alerts_by_reason: an image with two reasons counts under both. alerts_not_sent: publishing failed.
    alerts_in_digests: in the digest of a bulk run, which is published after the records are written.
    bytes_stored: of new objects only. bytes_saved: of duplicates.
    first and last: RFC 3339 timestamps of the oldest and newest record, or None.
    datasets: of bulk runs. failures: why images were not stored, and the figures of hosts.
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
    datasets: DatasetFigures = field(default_factory=DatasetFigures)
    failures: FailureFigures = field(default_factory=FailureFigures)

    @property
    def alert_frequency(self) -> float:
        """Alerts per record, 0 to 1; 0 where there are no records."""
        return self.alerts / self.records if self.records else 0.0

    @property
    def duplicates(self) -> int:
        """Records whose image was already stored."""
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
            self.alerts += 1
            self.alerts_not_sent += record.alert_sent is False
            self.alerts_in_digests += record.alert_sent is None
            self.alerts_by_day[record.upload_timestamp[:10]] += 1
            self.alerts_by_reason.update(record.alert_reasons)
        if record.outcome == "stored":
            self.bytes_stored += record.size_bytes or 0
        elif record.outcome == "duplicate":
            self.bytes_saved += record.size_bytes or 0
        self.datasets.add(record)
        self.failures.add(record)

    def as_dict(self) -> dict[str, Any]:
        """All figures, JSON-ready, the two most important first; counts with the most frequent first."""
        return {
            "records": self.records,
            "file_types": ranked(self.file_types),
            "alert_frequency": round(self.alert_frequency, 6),
            "alerts": self.alerts,
            "alerts_not_sent": self.alerts_not_sent,
            "alerts_in_digests": self.alerts_in_digests,
            "alerts_by_reason": ranked(self.alerts_by_reason),
            "alerts_by_day": dict(sorted(self.alerts_by_day.items())),
            "outcomes": ranked(self.outcomes),
            "reasons": ranked(self.reasons),
            "breeds": ranked(self.breeds),
            "sources": ranked(self.sources),
            "duplicates": self.duplicates,
            "bytes_stored": self.bytes_stored,
            "bytes_saved": self.bytes_saved,
            "first": self.first,
            "last": self.last,
            "failures": [asdict(kind) for kind in self.failures.kinds()],
            "hosts": {name: asdict(host) for name, host in self.failures.hosts().items()},
            **self.datasets.as_dict(),
        }


def insights_of(records: Iterable[AuditRecord], summaries: Iterable[Mapping[str, Any]] = ()) -> Insights:
    """The figures of all `records`, which are read once. summaries: the summary.json of each bulk run."""
    insights = Insights(datasets=DatasetFigures(summaries))
    for record in records:
        insights.add(record)
    return insights
