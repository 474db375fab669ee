"""The alerts of a bulk run in words: the first one at once, all others as one digest at the end.

Subscribers to single images filter by the attributes `reason` and `file_type`. A digest has the same attributes, each
with all its values as a `String.Array`. SNS matches any of them, so the same filter policy accepts the digest.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pupline.tasks.records import AuditRecord
from pupline.text import printable

NAMES_IN_DIGEST = 20
"""Images named in a digest. The audit has all of them; a mail of a thousand lines is not read."""

_KINDS = {
    "png_content": "PNG files",
    "quarantined": "quarantined instead of stored as an image",
    "png_name": "named as a PNG with other content",
    "extension_mismatch": "extension contradicts the content",
}
"""The kinds of alert in CheckIfPNG's order, of which the first that applies counts."""

_SUBJECTS = {
    "png_content": "PNG file detected",
    "quarantined": "File quarantined instead of stored as an image",
    "png_name": "File named .png is not a PNG",
    "extension_mismatch": "File extension contradicts the content",
}


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
    """Counts of alerts, with the first few names and their kinds: its size does not grow with the number of alerts."""

    kinds: Counter[str] = field(default_factory=Counter)
    file_types: Counter[str] = field(default_factory=Counter)
    named: list[tuple[str, str]] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Images that alerted."""
        return self.kinds.total()

    def add(self, record: AuditRecord) -> None:
        """Count the alert of one record."""
        kind = _kind_of(record.alert_reasons)
        self.kinds[kind] += 1
        self.file_types[record.file_type or "unknown"] += 1
        if len(self.named) < NAMES_IN_DIGEST:
            self.named.append((printable(record.image_name), kind))

    def add_all(self, other: "AlertTally") -> None:
        """Add the counts of another tally; its names follow those that are here."""
        self.kinds.update(other.kinds)
        self.file_types.update(other.file_types)
        self.named.extend(other.named[: NAMES_IN_DIGEST - len(self.named)])

    def digest(self, run: str, dataset: str) -> Digest | None:
        """All alerts in one message, None where there are none."""
        if not self.count:
            return None
        counts = [f"  {self.kinds[kind]:>7,}  {words}" for kind, words in _KINDS.items() if kind in self.kinds]
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
                "reason": json.dumps([kind for kind in _KINDS if kind in self.kinds]),
                "file_type": json.dumps(sorted(self.file_types)),
                "run": run,
                "dataset": dataset,
            },
        )

    def as_dict(self) -> dict[str, Any]:
        """The tally as JSON; `from_dict` reads it back."""
        named = [list(pair) for pair in self.named]
        return {"kinds": dict(self.kinds), "file_types": dict(self.file_types), "named": named}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "AlertTally":
        """The tally that `as_dict` wrote."""
        named = [(str(name), str(kind)) for name, kind in data["named"][:NAMES_IN_DIGEST]]
        return cls(Counter(data["kinds"]), Counter(data["file_types"]), named)


def first_alert(record: AuditRecord, run: str, dataset: str) -> Digest:
    """The run's first alert, in the words of a single image's, with a note about the others."""
    kind = _kind_of(record.alert_reasons)
    name, content = printable(record.image_name, 1024), record.file_type or "unknown"
    words = {
        "png_content": f"A PNG file was detected and processed: {name}",
        "quarantined": f"A file was quarantined instead of stored as an image: {name} ({_why(record)})",
        "png_name": f"A file named as a PNG was processed, but its content is {content}: {name}",
        "extension_mismatch": f"A file extension contradicts the content, which is {content}: {name}",
    }[kind]
    note = f"This is the first alert of the run {printable(run)} of the dataset {printable(dataset)}"
    return Digest(
        subject=_SUBJECTS[kind],
        message=f"{words}\n{note}; all others come as one digest at its end.",
        attributes={
            "reason": kind,
            "file_type": content,
            "image_name": record.image_name,
            "run": run,
            "dataset": dataset,
        },
    )


def _why(record: AuditRecord) -> str:
    if record.reason == "hash_mismatch":
        return f"its hash is not the one that the list declares; content: {record.file_type}"
    return f"content: {record.file_type or 'unknown'}"


def _kind_of(reasons: Sequence[str]) -> str:
    """The kind that CheckIfPNG would choose. A reason that is not a kind is the problem of a quarantined file."""
    kinds = {reason if reason in _KINDS else "quarantined" for reason in reasons}
    return next((kind for kind in _KINDS if kind in kinds), "extension_mismatch")
