"""The figures of a pass: how many near-duplicates, blurred, dark; the worst examples, with their names."""

import heapq
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pupline.quality._changes import ChangedImage

LIMITS: Mapping[str, float] = {"blur": 0.5, "darkness": 0.7, "single_colour": 0.95}
"""A picture with so much of it is counted as blurred, dark, or of a single colour. They decide nothing else."""

_WORST = 5
_COUNTED = ("low_information", "has_exif", "has_gps")


@dataclass(frozen=True, slots=True)
class Worst:
    """An example. value: its score, or the size of its group."""

    image_name: str
    sha256: str
    value: float

    def as_dict(self) -> dict[str, Any]:
        """The JSON object."""
        return {"image_name": self.image_name, "sha256": self.sha256, "value": self.value}


@dataclass(slots=True)
class QualityReport:
    """The figures of one pass. examined: decoded now. missing: images that the bucket does not have any more.

    undecodable: counts by reason. near_duplicates: images of groups besides their keepers. above: images above each of
    LIMITS. changes: counts of the changed rows by verdict; `unknown` where there is none.
    """

    dataset: str
    distance: int
    images: int = 0
    examined: int = 0
    missing: int = 0
    groups: int = 0
    near_duplicates: int = 0
    undecodable: Counter[str] = field(default_factory=Counter)
    above: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    reviews: Counter[str] = field(default_factory=Counter)
    changes: Counter[str] = field(default_factory=Counter)
    _worst: dict[str, list[tuple[float, str, str]]] = field(default_factory=dict)

    def add(self, line: Mapping[str, Any]) -> None:
        """Count a line of `quality.jsonl`."""
        self.images += 1
        if line["review"]:
            self.reviews[line["review"]] += 1
        if line["undecodable"]:
            self.undecodable[line["undecodable"]] += 1
            return
        for name in _COUNTED:
            self.counts[name] += line[name] is True
        for name, limit in LIMITS.items():
            if line[name] is not None and line[name] >= limit:
                self.above[name] += 1
                self._note(name, line[name], line)
        if line["group"]:
            self.near_duplicates += not line["keeper"]
            if line["keeper_reason"]:
                self.groups += 1
                self._note("group", line["group_size"], line)

    def add_change(self, changed: ChangedImage) -> None:
        """Count a changed row."""
        self.changes[changed.change or "unknown"] += 1

    def worst(self, name: str) -> list[Worst]:
        """The worst examples by one of LIMITS; by `group`, the keepers of the largest groups."""
        found = sorted(self._worst.get(name, ()), key=lambda one: (-one[0], one[1]))
        return [Worst(image_name, sha256, value) for value, image_name, sha256 in found]

    def as_dict(self) -> dict[str, Any]:
        """The JSON object of `summary.json`, and the last line of `--json`."""
        return {
            "dataset": self.dataset,
            "images": self.images,
            "examined": self.examined,
            "missing": self.missing,
            "undecodable": dict(sorted(self.undecodable.items())),
            "groups": self.groups,
            "near_duplicates": self.near_duplicates,
            "distance": self.distance,
            "blurred": self.above["blur"],
            "dark": self.above["darkness"],
            "single_colour": self.above["single_colour"],
            **{name: self.counts[name] for name in _COUNTED},
            "reviews": dict(sorted(self.reviews.items())),
            "changes": dict(sorted(self.changes.items())),
            "worst": {name: [one.as_dict() for one in self.worst(name)] for name in (*LIMITS, "group")},
        }

    def _note(self, name: str, value: float, line: Mapping[str, Any]) -> None:
        heap = self._worst.setdefault(name, [])
        heapq.heappush(heap, (value, line["image_name"], line["sha256"]))
        if len(heap) > _WORST:
            heapq.heappop(heap)
