"""Two runs side by side, and the hosts of one: questions for people, over all items of a run."""

from collections.abc import Mapping
from dataclasses import dataclass

from pupline.local.database import Database

_ORIGIN = "CASE WHEN instr(substr(url, 9), '/') = 0 THEN url ELSE substr(url, 1, instr(substr(url, 9), '/') + 7) END"
_HOSTS = (
    f"SELECT {_ORIGIN} AS origin, outcome, count(*) FROM ingest_items WHERE ingest_id = ?"  # noqa: S608 - our text
    " GROUP BY origin, outcome"
)
_WITH_OTHER = (
    "FROM ingest_items AS x LEFT JOIN ingest_items AS y ON y.identity = x.identity AND y.ingest_id = ?2"
    " WHERE x.ingest_id = ?1"
)
_COUNT = f"SELECT count(*), sum(y.identity IS NULL), sum(y.identity IS NOT NULL AND x.outcome IS NOT y.outcome) {_WITH_OTHER}"  # noqa: E501
_EXAMPLES = (
    f"SELECT x.url, x.outcome, y.outcome, y.identity IS NOT NULL {_WITH_OTHER}"
    " AND (y.identity IS NULL OR x.outcome IS NOT y.outcome) LIMIT ?3"
)


@dataclass(frozen=True, slots=True)
class HostOutcomes:
    """The images of one host in a run, by outcome; those that have not ended are under `pending`."""

    origin: str
    images: int
    outcomes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Difference:
    """An image that two runs differ in. first, second: its outcomes, None where it has not ended; is_in_second."""

    url: str
    first: str | None
    second: str | None
    is_in_first: bool = True
    is_in_second: bool = True


@dataclass(frozen=True, slots=True)
class Differences:
    """How the images of two runs differ. only_first, only_second: that the other does not list.

    changed: in both, with other outcomes. same: with the same. examples: of each kind.
    """

    only_first: int
    only_second: int
    changed: int
    same: int
    examples: list[Difference]


def hosts_of(database: Database, ingest_id: int, limit: int) -> tuple[int, list[HostOutcomes]]:
    """How many hosts the run's images are on, and those with the most. Reads all items. Raises: StorageError."""
    found: dict[str, dict[str, int]] = {}
    for origin, outcome, count in database.rows(_HOSTS, (ingest_id,)):
        found.setdefault(origin, {})[outcome or "pending"] = count
    hosts = [HostOutcomes(origin, sum(outcomes.values()), outcomes) for origin, outcomes in found.items()]
    hosts.sort(key=lambda one: (-one.images, one.origin))
    return len(hosts), hosts[:limit]


def differences_of(database: Database, first: int, second: int, limit: int) -> Differences:
    """How two runs differ. limit: of the examples of each kind. Reads all items of both. Raises: StorageError."""
    items, only_first, changed = database.rows(_COUNT, (first, second))[0]
    _, only_second, _ = database.rows(_COUNT, (second, first))[0]
    examples = [
        Difference(url, one, other, is_in_second=bool(both))
        for url, one, other, both in database.rows(_EXAMPLES, (first, second, limit))
    ]
    examples += [
        Difference(url, None, one, is_in_first=False)
        for url, one, _, both in database.rows(_EXAMPLES, (second, first, limit))
        if not both
    ]
    only_first, only_second, changed = only_first or 0, only_second or 0, changed or 0
    return Differences(only_first, only_second, changed, items - only_first - changed, examples)
