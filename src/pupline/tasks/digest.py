"""The alerts of a bulk run in words: the first one at once, all others as one digest at the end.

Subscribers to single images filter by the attributes `reason` and `file_type`. A digest has the same attributes, each
with all its values as a `String.Array`. SNS matches any of them, so the same filter policy accepts the digest.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pupline.tasks.alert_rules import AlertRules, image_of
from pupline.tasks.records import AuditRecord
from pupline.text import printable

NAMES_IN_DIGEST = 20
"""Images named in a digest. The audit has all of them; a mail of a thousand lines is not read."""

_LABELS = {
    "png_content": "PNG files",
    "quarantined": "quarantined instead of stored as an image",
    "png_name": "named as a PNG with other content",
    "extension_mismatch": "extension contradicts the content",
}
"""The rules that pupline comes with, in a digest's words. A user's own rules have the subjects of their alerts."""


@dataclass(frozen=True, slots=True)
class Digest:
    """A message to publish. subject: ASCII, at most 100 characters. attributes: name to value, for filter policies.

    In a digest of many, `reason` and `file_type` are JSON arrays of strings: publish them as `String.Array`.
    """

    subject: str
    message: str
    attributes: Mapping[str, str]

    def as_dict(self) -> dict[str, Any]:
        """The digest as JSON, for a workflow's state."""
        return {"subject": self.subject, "message": self.message, "attributes": dict(self.attributes)}


@dataclass(slots=True)
class AlertTally:
    """Counts of alerts, with the first few names and their kinds: its size does not grow with the number of alerts.

    A kind is the reason of the rule that the workflow would have taken. labels: of the kinds, for people.
    """

    kinds: Counter[str] = field(default_factory=Counter)
    file_types: Counter[str] = field(default_factory=Counter)
    named: list[tuple[str, str]] = field(default_factory=list)
    labels: dict[str, str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Images that alerted."""
        return self.kinds.total()

    def add(self, record: AuditRecord, rules: AlertRules) -> None:
        """Count the alert of one record."""
        words = rules.words_for(record)
        kind = words.reason
        self.kinds[kind] += 1
        self.labels.setdefault(kind, _LABELS.get(kind) or words.subject_line())
        self.file_types[record.file_type or "unknown"] += 1
        if len(self.named) < NAMES_IN_DIGEST:
            self.named.append((printable(record.image_name), kind))

    def add_all(self, other: "AlertTally") -> None:
        """Add the counts of another tally; its names follow those that are here."""
        self.kinds.update(other.kinds)
        self.file_types.update(other.file_types)
        self.labels |= other.labels
        self.named.extend(other.named[: NAMES_IN_DIGEST - len(self.named)])

    def digest(self, run: str, dataset: str) -> Digest | None:
        """All alerts in one message, None where there are none."""
        if not self.count:
            return None
        kinds = sorted(self.kinds, key=_rank)
        counts = [f"  {self.kinds[kind]:>7,}  {self.labels.get(kind) or _LABELS.get(kind, kind)}" for kind in kinds]
        names = [f"  {name} ({kind})" for name, kind in self.named]
        rest = self.count - len(names)
        images = f"{self.count:,} more {'image' if self.count == 1 else 'images'}"
        lines = [
            f"{images} of the dataset {printable(dataset)} alerted in the run {printable(run)}:",
            *counts,
            "",
            *names,
            *([f"  and {rest:,} more"] if rest else []),
        ]
        return Digest(
            subject=f"{self.count} more alert{'s' if self.count > 1 else ''} of a bulk ingest",
            message="\n".join(lines),
            attributes={
                "reason": json.dumps(kinds),
                "file_type": json.dumps(sorted(self.file_types)),
                "run": run,
                "dataset": dataset,
            },
        )

    def as_dict(self) -> dict[str, Any]:
        """The tally as JSON; `from_dict` reads it back."""
        named = [list(pair) for pair in self.named]
        kinds = {"kinds": dict(self.kinds), "labels": dict(self.labels)}
        return {**kinds, "file_types": dict(self.file_types), "named": named}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "AlertTally":
        """The tally that `as_dict` wrote."""
        named = [(str(name), str(kind)) for name, kind in data["named"][:NAMES_IN_DIGEST]]
        labels = {str(kind): str(label) for kind, label in data.get("labels", {}).items()}  # earlier versions had none
        return cls(Counter(data["kinds"]), Counter(data["file_types"]), named, labels)


def first_alert(record: AuditRecord, run: str, dataset: str, rules: AlertRules) -> Digest:
    """The run's first alert, in the words of a single image's, with a note about the others."""
    words = rules.words_for(record)
    why = "\nIts hash is not the one that the list declares." if record.reason == "hash_mismatch" else ""
    note = f"This is the first alert of the run {printable(run)} of the dataset {printable(dataset)}"
    return Digest(
        subject=words.subject_line(),
        message=f"{words.text(image_of(record, None))}{why}\n{note}; all others come as one digest at its end.",
        attributes={
            "reason": words.reason,
            "file_type": record.file_type or "unknown",
            "image_name": record.image_name,
            "run": run,
            "dataset": dataset,
        },
    )


def _rank(kind: str) -> tuple[int, str]:
    """The rules that pupline comes with first, in their order; then others by name."""
    known = list(_LABELS)
    return (known.index(kind) if kind in known else len(known), kind)
