"""What an export did, and what it left out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pupline.datasets.selection import ChoiceCounts, MetadataFindings, Row, label_of
from pupline.tasks.ingest_summary import ranked

_EXAMPLES = 20
_MAX_NAMES = 10_000
_OTHERS = "(others)"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """An image that the dataset has, and the export has not. problem: `gone`, `changed`, `not_strippable`,
    `has_credentials`."""

    url: str
    key: str
    problem: str

    def as_dict(self) -> dict[str, str]:
        """The JSON object."""
        return {"url": self.url, "key": self.key, "problem": self.problem}


@dataclass(slots=True, kw_only=True)
class ExportReport:
    """The figures of one export. location: None for a dry run. addresses: in the dataset, with an image.

    labels, licenses: images by label and by licence; the empty one is of those without.
    unlicensed: URLs of some without a licence. added, removed: images that
    were written now, and files of earlier exports that are gone. left_out: counts by problem. trouble: unfinished runs,
    and metadata that cannot be read or lacks rows, a line for each.
    """

    dataset: str
    format: str
    location: str | None = None
    addresses: int = 0
    images: int = 0
    size_bytes: int = 0
    splits: dict[str, int] = field(default_factory=dict)
    labels: Counter[str] = field(default_factory=Counter)
    licenses: Counter[str] = field(default_factory=Counter)
    unlicensed: list[str] = field(default_factory=list)
    added: int = 0
    removed: int = 0
    choice: ChoiceCounts = field(default_factory=ChoiceCounts)
    findings: MetadataFindings = field(default_factory=MetadataFindings)
    left_out: dict[str, int] = field(default_factory=dict)
    examples: list[LeftOut] = field(default_factory=list)
    trouble: Sequence[str] = ()

    @property
    def is_whole(self) -> bool:
        """Whether the export has everything that was asked for."""
        return self.images > 0 and not self.left_out and not self.trouble

    def begin(self, splits: Sequence[str]) -> None:
        """Count from zero."""
        self.images = self.size_bytes = 0
        self.splits = dict.fromkeys(splits, 0)
        self.labels.clear()
        self.licenses.clear()
        self.unlicensed.clear()

    def add(self, split: str, row: Row) -> None:
        """Count an image of the export."""
        self.images += 1
        self.splits[split] = self.splits.get(split, 0) + 1
        if not row.get("license") and len(self.unlicensed) < _EXAMPLES:
            self.unlicensed.append(row["url"])
        for counts, name in ((self.labels, label_of(row)), (self.licenses, str(row.get("license") or ""))):
            counts[name if name in counts or len(counts) < _MAX_NAMES else _OTHERS] += 1

    def leave_out(self, image: LeftOut) -> None:
        """Count an image that is not in the export, and keep some as examples."""
        self.left_out[image.problem] = self.left_out.get(image.problem, 0) + 1
        if len(self.examples) < _EXAMPLES:
            self.examples.append(image)

    def as_dict(self) -> dict[str, Any]:
        """The JSON object that `pupline export --json` prints."""
        return {
            "dataset": self.dataset,
            "format": self.format,
            "to": self.location,
            "dry_run": self.location is None,
            "images": self.images,
            "bytes": self.size_bytes,
            "addresses": self.addresses,
            "splits": dict(self.splits),
            "labels": _named(self.labels),
            "unlabelled": self.labels.get("", 0),
            "licenses": _named(self.licenses),
            "unlicensed": self.licenses.get("", 0),
            "unlicensed_examples": list(self.unlicensed),
            "added": self.added,
            "removed": self.removed,
            "repeated": self.choice.repeated,
            "label_conflicts": self.choice.label_conflicts,
            "filtered": self.choice.filtered,
            "unrated": self.choice.unrated,
            "without_image": self.findings.without_image,
            "left_out": dict(self.left_out),
            "examples": [one.as_dict() for one in self.examples],
            "runs": dict(self.findings.rows),
            "trouble": list(self.trouble),
        }


def _named(counts: Mapping[str, int]) -> dict[str, int]:
    """The counts, the largest first, without the empty name."""
    return ranked({name: count for name, count in counts.items() if name})
