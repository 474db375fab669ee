"""Why images could not be had, with an example each; and what each host gave."""

from dataclasses import dataclass

from pupline.errors import UNACCEPTED_OUTCOMES
from pupline.tasks.records import AuditRecord

_HOSTS = 1_000
"""Hosts told apart; the images of any further ones are counted together."""

OTHER_HOSTS = "(other hosts)"


@dataclass(slots=True)
class FailureKind:
    """One reason why there is no accepted image. The example is the newest record's: what one would look into."""

    outcome: str
    reason: str
    count: int = 0
    error: str | None = None
    cause: str | None = None
    source_url: str | None = None
    execution: str | None = None

    def add(self, record: AuditRecord) -> None:
        """Count one more."""
        self.count += 1
        self.error, self.cause = record.error, record.cause
        self.source_url, self.execution = record.source_url, record.execution


@dataclass(slots=True)
class Host:
    """What one host was asked for. size_bytes: of the images it gave, duplicates included."""

    images: int = 0
    failed: int = 0
    size_bytes: int = 0


class Problems:
    """Counts over records, by reason and by host."""

    def __init__(self) -> None:
        self._kinds: dict[tuple[str, str], FailureKind] = {}
        self._hosts: dict[str, Host] = {}

    def add(self, record: AuditRecord) -> None:
        """Count one record."""
        if record.outcome in UNACCEPTED_OUTCOMES:
            kind = (record.outcome, record.reason)
            self._kinds.setdefault(kind, FailureKind(*kind)).add(record)
        if record.source_url:
            self._count(self._host(record.source_url), record)

    def kinds(self) -> list[FailureKind]:
        """The reasons, the most frequent first."""
        return sorted(self._kinds.values(), key=lambda kind: (-kind.count, kind.outcome, kind.reason))

    def hosts(self) -> dict[str, Host]:
        """The hosts, with their ports where those are not the scheme's, those with most records first."""
        ranked = sorted(self._hosts.items(), key=lambda pair: (-(pair[1].images + pair[1].failed), pair[0]))
        return dict(ranked)

    def _host(self, url: str) -> Host:
        name = host_of(url)
        if name not in self._hosts and len(self._hosts) >= _HOSTS:
            name = OTHER_HOSTS
        return self._hosts.setdefault(name, Host())

    def _count(self, host: Host, record: AuditRecord) -> None:
        if record.outcome == "failed":
            host.failed += 1
        elif record.outcome != "refused":
            host.images += 1
            host.size_bytes += record.size_bytes or 0


def host_of(url: str) -> str:
    """`cdn.example:8080` of `https://cdn.example:8080/a.jpg`; the fetching client has refused anything odd."""
    return url.partition("://")[2].partition("/")[0].partition("?")[0].rpartition("@")[2].lower()
