"""Why images were not stored, with an example each; and what each host delivered."""

from dataclasses import dataclass

from pupline.errors import UNACCEPTED_OUTCOMES
from pupline.tasks.figure_rows import FigureRecord

_MAX_HOSTS = 1_000
OTHER_HOSTS = "(other hosts)"
"""Counts all hosts after the first thousand."""


@dataclass(slots=True)
class FailureKind:
    """One reason why images were not accepted, with the newest record as an example."""

    outcome: str
    reason: str
    count: int = 0
    error: str | None = None
    cause: str | None = None
    source_url: str | None = None
    execution: str | None = None

    def add(self, record: FigureRecord) -> None:
        """Count one more."""
        self.count += 1
        self.error, self.cause = record.error, record.cause
        self.source_url, self.execution = record.source_url, record.execution


@dataclass(slots=True)
class HostFigures:
    """The figures of one host. size_bytes: of the images it sent, duplicates included."""

    images: int = 0
    failed: int = 0
    size_bytes: int = 0


class FailureFigures:
    """Counts over records, by reason and by host."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, str], FailureKind] = {}
        self._hosts: dict[str, HostFigures] = {}

    def add(self, record: FigureRecord) -> None:
        """Count one record."""
        if record.outcome in UNACCEPTED_OUTCOMES:
            kind = (record.outcome, record.reason)
            self._kinds.setdefault(kind, FailureKind(*kind)).add(record)
        if record.source_url and (name := _host_of(record.source_url)):  # none in a row of a list without a URL
            host = self._hosts.get(name)
            if host is None:
                name = name if len(self._hosts) < _MAX_HOSTS else OTHER_HOSTS
                host = self._hosts.setdefault(name, HostFigures())
            if record.outcome == "failed":
                host.failed += 1
            elif record.outcome != "refused":
                host.images += 1
                host.size_bytes += record.size_bytes or 0

    def kinds(self) -> list[FailureKind]:
        """The reasons, the most frequent first."""
        return sorted(self._kinds.values(), key=lambda kind: (-kind.count, kind.outcome, kind.reason))

    def hosts(self) -> dict[str, HostFigures]:
        """The hosts, with a port other than the scheme's, those with most records first."""
        return dict(sorted(self._hosts.items(), key=lambda pair: (-(pair[1].images + pair[1].failed), pair[0])))


def _host_of(url: str) -> str:
    """`cdn.example:8080` of `https://cdn.example:8080/a.jpg`. The HTTP client has refused malformed URLs."""
    host = url.partition("://")[2].partition("/")[0]
    if "?" in host or "@" in host:
        host = host.partition("?")[0].rpartition("@")[2]
    return host.lower()
