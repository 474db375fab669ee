"""The alerts of a bulk run in words: the first one at once, all others as one digest at the end. Pure.

Who subscribes for single images filters by the attributes `reason` and `file_type`. A digest has the same attributes,
each with all its values as a `String.Array`, of which SNS matches any: the same filter policy lets the digest pass.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pupline.text import printable

NAMES_IN_DIGEST = 20
"""Images named in a digest. Who wants them all asks the audit; a mail of a thousand lines is read by nobody."""

_KINDS = {
    "png_content": "PNG files",
    "quarantined": "quarantined instead of stored as an image",
    "png_name": "named as a PNG with other content",
    "extension_mismatch": "extension contradicts the content",
}
"""The alerts' reasons in CheckIfPNG's order, which decides where several hold."""

_SUBJECTS = {
    "png_content": "PNG file detected",
    "quarantined": "File quarantined instead of stored as an image",
    "png_name": "File named .png is not a PNG",
    "extension_mismatch": "File extension contradicts the content",
}


@dataclass(frozen=True, slots=True)
class AlertedImage:
    """One image that alerted. image_name: as the audit has it. reasons: the record's alert_reasons, at least one."""

    image_name: str
    file_type: str | None
    reasons: tuple[str, ...]

    @property
    def kind(self) -> str:
        """The reason that CheckIfPNG would have chosen the words by; what is damaged or no image is `quarantined`."""
        problems = set(self.reasons) - set(_KINDS)
        held = {*self.reasons, "quarantined"} if problems else set(self.reasons)
        return next((kind for kind in _KINDS if kind in held), "extension_mismatch")


@dataclass(frozen=True, slots=True)
class Digest:
    """What to publish. subject: ASCII, at most 100 characters. attributes: name to value, for filter policies.

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
    """Alerts counted, with the first few names: flat in memory however many there are. cap: names kept."""

    cap: int = NAMES_IN_DIGEST
    kinds: Counter[str] = field(default_factory=Counter)
    file_types: Counter[str] = field(default_factory=Counter)
    named: list[tuple[str, str]] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Images that alerted."""
        return sum(self.kinds.values())

    def add(self, image: AlertedImage) -> None:
        """Count one more."""
        self.kinds[image.kind] += 1
        self.file_types[image.file_type or "unknown"] += 1
        if len(self.named) < self.cap:
            self.named.append((printable(image.image_name), image.kind))

    def add_all(self, other: "AlertTally") -> None:
        """Count what another one has counted; its names come after those that are here."""
        self.kinds.update(other.kinds)
        self.file_types.update(other.file_types)
        self.named.extend(other.named[: self.cap - len(self.named)])

    def digest(self, run: str, dataset: str) -> Digest | None:
        """All of it in one message, None where nothing alerted."""
        if not self.count:
            return None
        plural = "s" if self.count > 1 else ""
        return Digest(
            subject=f"{self.count} more alert{plural} of a bulk ingest",
            message="\n".join(self._lines(printable(run), printable(dataset))),
            attributes={
                "reason": json.dumps([kind for kind in _KINDS if kind in self.kinds]),
                "file_type": json.dumps(sorted(self.file_types)),
                "run": run,
                "dataset": dataset,
            },
        )

    def as_dict(self) -> dict[str, Any]:
        """The tally as JSON; `from_dict` reads it back."""
        return {
            "kinds": dict(self.kinds),
            "file_types": dict(self.file_types),
            "named": [list(pair) for pair in self.named],
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], cap: int = NAMES_IN_DIGEST) -> "AlertTally":
        """What `as_dict` gave."""
        named = [(str(name), str(kind)) for name, kind in data["named"]]
        return cls(cap, Counter(data["kinds"]), Counter(data["file_types"]), named[:cap])

    def _lines(self, run: str, dataset: str) -> list[str]:
        images = "image" if self.count == 1 else "images"
        counts = [f"  {self.kinds[kind]:>7,}  {words}" for kind, words in _KINDS.items() if kind in self.kinds]
        names = [f"  {name} ({kind})" for name, kind in self.named]
        rest = self.count - len(names)
        return [
            f"{self.count:,} more {images} of the dataset {dataset} alerted in the run {run}:",
            *counts,
            "",
            *names,
            *([f"  and {rest:,} more"] if rest else []),
        ]


def digest_of(alerts: Iterable[AlertedImage], run: str, dataset: str, cap: int = NAMES_IN_DIGEST) -> Digest:
    """All these alerts, at least one, in one message: counts by reason, and the first `cap` names.

    The alerts are read once and not kept. Raises: ValueError when there is none.
    """
    tally = AlertTally(cap)
    for image in alerts:
        tally.add(image)
    digest = tally.digest(run, dataset)
    if digest is None:
        raise ValueError("a digest needs at least one alert")
    return digest


def first_alert(image: AlertedImage, run: str, dataset: str) -> Digest:
    """The run's first alert, in the words of a single image's, and what becomes of the others."""
    kind, name, content = image.kind, printable(image.image_name, 1024), image.file_type or "unknown"
    words = {
        "png_content": f"A PNG file was detected and processed: {name}",
        "quarantined": f"A file was quarantined instead of stored as an image: {name} (content: {content})",
        "png_name": f"A file named as a PNG was processed, but its content is {content}: {name}",
        "extension_mismatch": f"A file extension contradicts the content, which is {content}: {name}",
    }[kind]
    promise = f"This is the first alert of the run {printable(run)} of the dataset {printable(dataset)}"
    return Digest(
        subject=_SUBJECTS[kind],
        message=f"{words}\n{promise}; all others come as one digest at its end.",
        attributes={
            "reason": kind,
            "file_type": content,
            "image_name": image.image_name,
            "run": run,
            "dataset": dataset,
        },
    )
