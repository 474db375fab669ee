"""The figures of `pupline insights`, counted in one pass."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pupline.errors import ACCEPTED_OUTCOMES
from pupline.insights._datasets import DatasetFigures
from pupline.insights._failures import FailureFigures
from pupline.insights._timeline import Timeline
from pupline.tasks.figure_rows import FigureRecord
from pupline.tasks.ingest_summary import ranked
from pupline.tasks.records import KNOWN_FIELDS

_Group = tuple[str, str, str | None, bool, bool | None, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class AlertExample:
    """The newest image that alerted for a reason."""

    image_name: str
    execution: str


@dataclass(frozen=True, slots=True)
class SizeClass:
    """Accepted images with at least `from_bytes`, and less than twice as many."""

    from_bytes: int
    images: int


@dataclass(slots=True)
class Insights:
    """Counts over audit records.

    bytes_stored: of new objects only. bytes_saved: of duplicates.
    first and last: RFC 3339 timestamps of the oldest and newest record, or None.
    datasets: of bulk runs. failures: why images were not stored, and the figures of hosts.
    """

    records: int = 0
    first: str | None = None
    last: str | None = None
    breeds: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)
    timeline: Timeline = field(default_factory=Timeline)
    datasets: DatasetFigures = field(default_factory=DatasetFigures)
    failures: FailureFigures = field(default_factory=FailureFigures)
    alert_examples: dict[str, AlertExample] = field(default_factory=dict)
    _groups: Counter[_Group] = field(default_factory=Counter)
    _bytes: Counter[str] = field(default_factory=Counter)
    _known: Counter[int] = field(default_factory=Counter)
    _sizes: Counter[int] = field(default_factory=Counter)

    @property
    def file_types(self) -> Counter[str]:
        """Types by content, of stored, duplicate and quarantined images."""
        return self._counted(2)

    @property
    def outcomes(self) -> Counter[str]:
        """Records by outcome."""
        return self._counted(0)

    @property
    def reasons(self) -> Counter[str]:
        """Records by reason."""
        return self._counted(1)

    @property
    def alerts(self) -> int:
        """Records of images that alerted."""
        return sum(count for _, count in self._alerted())

    @property
    def alerts_not_sent(self) -> int:
        """Those whose publishing failed."""
        return sum(count for group, count in self._alerted() if group[4] is not None and not group[4])

    @property
    def alerts_in_digests(self) -> int:
        """Those in the digest of a bulk run, which is published after the records are written."""
        return sum(count for group, count in self._alerted() if group[4] is None)

    @property
    def alerts_by_reason(self) -> Counter[str]:
        """An image with two reasons counts under both."""
        found: Counter[str] = Counter()
        for group, count in self._alerted():
            for reason in group[5]:
                found[reason] += count
        return found

    @property
    def alerts_by_day(self) -> Counter[str]:
        """The days, UTC, with alerts."""
        return Counter({day: point.alerts for day, point in self.timeline.days().items() if point.alerts})

    @property
    def alert_frequency(self) -> float:
        """Alerts per record, 0 to 1; 0 where there are no records."""
        return self.alerts / self.records if self.records else 0.0

    @property
    def duplicates(self) -> int:
        """Records whose image was already stored."""
        return self.outcomes["duplicate"]

    @property
    def bytes_stored(self) -> int:
        """Bytes of new objects."""
        return self._bytes["stored"]

    @property
    def bytes_saved(self) -> int:
        """Bytes of duplicates."""
        return self._bytes["duplicate"]

    @property
    def fields(self) -> dict[str, int]:
        """How many records of accepted images know each of these fields."""
        return {
            name: sum(count for known, count in self._known.items() if known >> place & 1)
            for place, name in enumerate(KNOWN_FIELDS)
        }

    @property
    def sizes(self) -> list[SizeClass]:
        """Accepted images by size, in powers of two, smallest first."""
        return [SizeClass(1 << (bits - 1) if bits else 0, count) for bits, count in sorted(self._sizes.items())]

    def add(self, record: FigureRecord) -> None:
        """Count one record."""
        self.add_all((record,))

    def add_all(self, records: Iterable[FigureRecord]) -> None:
        """Count records. The newest one is an example where several would do, so they come oldest first."""
        groups, breeds, sources = self._groups, self.breeds, self.sources
        add_time, add_url, add_host = self.timeline.add, self.datasets.add, self.failures.add
        first, last, count = self.first, self.last, 0
        for record in records:
            outcome, time, size = record.outcome, record.upload_timestamp, record.size_bytes or 0
            alerted, reasons = record.alert_triggered, record.alert_reasons
            count += 1
            groups[outcome, record.reason, record.file_type, alerted, record.alert_sent, reasons] += 1
            if last is None or time > last:
                last = time
            if first is None or time < first:
                first = time
            if record.breed:
                breeds[record.breed] += 1
            if record.source:
                sources[record.source] += 1
            add_time(time, outcome, size, alerted=alerted)
            if outcome in ACCEPTED_OUTCOMES:
                self._bytes[outcome] += size
                self._sizes[size.bit_length()] += 1
                self._known[record.known_fields] += 1
                add_url(record)
            add_host(record)
            if alerted and reasons:
                example = AlertExample(record.image_name, record.execution)
                self.alert_examples |= dict.fromkeys(reasons, example)
        self.first, self.last = first, last
        self.records += count

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
            "alert_examples": {reason: asdict(example) for reason, example in sorted(self.alert_examples.items())},
            "fields": self.fields,
            "sizes": [asdict(one) for one in self.sizes],
            "timeline": self.timeline.as_dict(),
        }

    def _counted(self, place: int) -> Counter[str]:
        found: Counter[str] = Counter()
        for group, count in self._groups.items():
            if value := group[place]:
                found[str(value)] += count
        return found

    def _alerted(self) -> Iterator[tuple[_Group, int]]:
        return ((group, count) for group, count in self._groups.items() if group[3])


def insights_of(records: Iterable[FigureRecord], summaries: Iterable[Mapping[str, Any]] = ()) -> Insights:
    """The figures of all `records`, which are read once. summaries: the summary.json of each bulk run."""
    insights = Insights(datasets=DatasetFigures(summaries))
    insights.add_all(records)
    return insights
