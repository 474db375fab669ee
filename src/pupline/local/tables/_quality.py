"""What the quality pass found in images, the groups of their near-duplicates, and what people decided about them.

Findings belong to the bytes, whatever the dataset: an image is decoded once. Groups and decisions belong to a dataset.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from pupline.local.database import MANY, Database, execute_many, marks
from pupline.tasks.ports import Clock

Decision: TypeAlias = Literal["keep", "drop"]

_SAVE = "INSERT INTO quality (sha256, version, decoder, findings, examined_at)"
_REPLACE = (
    " ON CONFLICT (sha256) DO UPDATE SET version = excluded.version, decoder = excluded.decoder,"
    " findings = excluded.findings, examined_at = excluded.examined_at"
)
_PLACE = "INSERT OR IGNORE INTO quality_groups (dataset, sha256, rule, place, representative, distance)"
_DECIDE = "INSERT OR REPLACE INTO quality_reviews (dataset, sha256, decision, decided_at) VALUES (?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class QualityRow:
    """What was found in the image with these bytes. version: of the algorithms. decoder: what read it, with limits."""

    sha256: str
    version: str
    decoder: str
    findings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class GroupRow:
    """Where an image belongs in its dataset's groups. distance: of its hash from the representative's, in bits."""

    sha256: str
    representative: str
    distance: int


class QualityTable:
    """The journal of the quality pass. Any process may write; no lock is needed. Methods raise StorageError."""

    def __init__(self, database: Database, clock: Clock, scope: str = "") -> None:
        """scope: what stands before the names of datasets that are not in this data directory."""
        self._database = database
        self._clock = clock
        self._scope = scope

    def find(self, hashes: Sequence[str]) -> Iterator[QualityRow]:
        """What is known of the images with these SHA-256, in no order."""
        for at in range(0, len(hashes), MANY):
            page = tuple(hashes[at : at + MANY])
            query = f"SELECT sha256, version, decoder, findings FROM quality WHERE sha256 IN ({marks(len(page))})"  # noqa: S608
            for sha256, version, decoder, findings in self._database.rows(query, page):
                yield QualityRow(sha256, version, decoder, json.loads(findings))

    def save(self, rows: Sequence[QualityRow]) -> None:
        """Save what was found, over what was known, in one transaction."""
        now = self._clock.now()
        values = [(row.sha256, row.version, row.decoder, json.dumps(dict(row.findings)), now) for row in rows]
        self._database.write(lambda connection: execute_many(connection, _SAVE, values, _REPLACE))

    def groups(self, dataset: str, rule: str) -> list[GroupRow]:
        """The dataset's images that are in groups by this rule, in the order in which they came."""
        query = (
            "SELECT sha256, representative, distance FROM quality_groups WHERE dataset = ? AND rule = ? ORDER BY place"
        )
        return [GroupRow(*row) for row in self._database.rows(query, (self._scope + dataset, rule))]

    def group_of(self, dataset: str, sha256: str) -> list[GroupRow]:
        """The group of one image with all its members, the representative first; empty where it is in none."""
        query = (
            "SELECT sha256, representative, distance FROM quality_groups WHERE dataset = ?1 AND representative ="
            " (SELECT representative FROM quality_groups WHERE dataset = ?1 AND sha256 = ?2)"
            " ORDER BY sha256 <> representative, place"
        )
        return [GroupRow(*row) for row in self._database.rows(query, (self._scope + dataset, sha256))]

    def rule(self, dataset: str) -> str | None:
        """The rule by which the dataset's images are in groups; None where there are none."""
        query = "SELECT rule FROM quality_groups WHERE dataset = ? LIMIT 1"
        found = self._database.rows(query, (self._scope + dataset,))
        return str(found[0][0]) if found else None

    def order(self, dataset: str) -> list[str]:
        """The SHA-256 of all images of the dataset that were in groups, by any rule, in the order they came."""
        query = "SELECT sha256 FROM quality_groups WHERE dataset = ? ORDER BY place"
        return [sha256 for (sha256,) in self._database.rows(query, (self._scope + dataset,))]

    def add_groups(self, dataset: str, rule: str, rows: Sequence[GroupRow]) -> None:
        """Add images after those that are there; groups by other rules are forgotten. All or nothing."""
        dataset = self._scope + dataset

        def work(connection: sqlite3.Connection) -> None:
            connection.execute("DELETE FROM quality_groups WHERE dataset = ? AND rule <> ?", (dataset, rule))
            last = "SELECT coalesce(max(place) + 1, 0) FROM quality_groups WHERE dataset = ?"
            (first,) = connection.execute(last, (dataset,)).fetchone()
            places = enumerate(rows, start=first)
            values = [(dataset, row.sha256, rule, place, row.representative, row.distance) for place, row in places]
            execute_many(connection, _PLACE, values)

        self._database.write(work)

    def decisions(self, dataset: str) -> dict[str, Decision]:
        """What people decided, by SHA-256."""
        query = "SELECT sha256, decision FROM quality_reviews WHERE dataset = ?"
        return dict(self._database.rows(query, (self._scope + dataset,)))

    def decision_about(self, dataset: str, sha256: str) -> Decision | None:
        """What people decided about one image."""
        query = "SELECT decision FROM quality_reviews WHERE dataset = ? AND sha256 = ?"
        found = self._database.rows(query, (self._scope + dataset, sha256))
        return found[0][0] if found else None

    def decide(self, dataset: str, hashes: Sequence[str], decision: Decision | None) -> None:
        """Remember a decision about these images; None: forget it."""
        now, dataset = self._clock.now(), self._scope + dataset

        def work(connection: sqlite3.Connection) -> None:
            if decision is None:
                delete = "DELETE FROM quality_reviews WHERE dataset = ? AND sha256 = ?"
                connection.executemany(delete, [(dataset, sha256) for sha256 in hashes])
            else:
                connection.executemany(_DECIDE, [(dataset, sha256, decision, now) for sha256 in hashes])

        self._database.write(work)


def forget_dataset(connection: sqlite3.Connection, dataset: str) -> None:
    """Delete the groups and decisions of a dataset that is removed. What was found in its images stays."""
    connection.execute("DELETE FROM quality_groups WHERE dataset = ?", (dataset,))
    connection.execute("DELETE FROM quality_reviews WHERE dataset = ?", (dataset,))
