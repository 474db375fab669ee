"""The lines of `quality.jsonl` and `changes.jsonl`. A column without a value is null."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from pupline.decoding import PHASH_VERSION
from pupline.local import Decision, GroupRow
from pupline.quality._changes import ChangedImage
from pupline.quality._dataset import DatasetImage
from pupline.quality._keepers import Candidate, suggested_keeper

QUALITY_VERSION = f"1+{PHASH_VERSION}"
"""Of all findings together: where it changes, images are decoded again."""

_FOUND = (
    *("width", "height", "aspect", "phash", "low_information"),
    *("sharpness", "blur", "brightness", "darkness", "contrast", "single_colour"),
    *("has_exif", "has_gps", "orientation", "camera", "taken_at", "undecodable"),
)
_EXPECTED = ("expected_sha256", "expected_sha1", "expected_md5", "expected_phash")


class DatasetGroups:
    """The groups of near-duplicates as they are now: of images that are still in the dataset.

    sizes: of the groups with more than one image, by representative. keepers: the suggestion for each of them, the
    image's SHA-256 and the reason.
    """

    def __init__(
        self,
        rows: Sequence[GroupRow],
        images: Mapping[str, DatasetImage],
        sizes_of: Mapping[str, tuple[int, int]],
        decisions: Mapping[str, Decision],
    ) -> None:
        """sizes_of: width and height by SHA-256."""
        members: dict[str, list[GroupRow]] = defaultdict(list)
        for row in rows:
            if row.sha256 in images:
                members[row.representative].append(row)
        self.members = {name: found for name, found in members.items() if len(found) > 1}
        self.of_image = {row.sha256: row for found in self.members.values() for row in found}
        self.keepers: dict[str, tuple[str, str]] = {}
        for name, found in self.members.items():
            candidates = [
                Candidate(images[row.sha256], *sizes_of.get(row.sha256, (0, 0)), decisions.get(row.sha256))
                for row in found
            ]
            keeper, reason = suggested_keeper(candidates)
            self.keepers[name] = (keeper.image.sha256, reason)


def quality_line(
    image: DatasetImage, found: Mapping[str, Any], groups: DatasetGroups, decision: Decision | None
) -> dict[str, Any]:
    """The line of one image. keeper: true also for an image that is not in a group."""
    member = groups.of_image.get(image.sha256)
    name = member.representative if member else None
    keeper, reason = groups.keepers[name] if name else (image.sha256, None)
    return {
        "sha256": image.sha256,
        "image_name": image.image_name,
        "size_bytes": image.size_bytes,
        **{column: found.get(column) for column in _FOUND},
        "undecodable_detail": found.get("detail") if "undecodable" in found else None,
        "phash_version": PHASH_VERSION if "phash" in found else None,
        "quality_version": QUALITY_VERSION,
        "group": name,
        "group_size": len(groups.members[name]) if name else None,
        "group_distance": member.distance if member else None,
        "keeper": keeper == image.sha256 and decision != "drop",
        "keeper_reason": reason if keeper == image.sha256 else None,
        "review": decision,
    }


def change_line(changed: ChangedImage, found: Mapping[str, Any]) -> dict[str, Any]:
    """The line of one row whose image has changed."""
    row = changed.row
    return {
        "url": row.url,
        "execution": row.execution,
        "key": row.key,
        "sha256": row.sha256,
        **{name: row.expected.get(name) for name in _EXPECTED},
        "phash": found.get("phash"),
        "phash_version": PHASH_VERSION if "phash" in found else None,
        "distance": changed.apart,
        "change": changed.change,
        "addresses": changed.addresses,
        "undecodable": found.get("undecodable"),
    }
