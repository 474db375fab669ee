"""The quality pass from beginning to end: read, decode, group, publish.

What is found in an image is in the journal within a second, and is never sought again, in whichever dataset the image
is. A pass that is killed continues there. Groups are decided in the order in which images came, and kept; the files
are written last, whole or not at all.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from typing import Any, NamedTuple, TypeAlias

from pupline.datasets import BucketObjects
from pupline.decoding import PHASH_VERSION, DecoderLimits, Decoders
from pupline.errors import ConfigurationError
from pupline.local import Decision, GroupRow, QualityTable
from pupline.quality._changes import judge_changes
from pupline.quality._contact_sheet import ContactSheet
from pupline.quality._dataset import ChangedRow, DatasetImage, changed_rows, good_images
from pupline.quality._examining import Found, examine_images, quality_rows, thumbnails
from pupline.quality._groups import DISTANCE, Grouping, HashedImage
from pupline.quality._lines import QUALITY_VERSION, DatasetGroups
from pupline.quality._publish import Published, publish_quality
from pupline.quality._report import QualityReport
from pupline.tasks.ports import ObjectStore
from pupline.text import plain_number

Progress: TypeAlias = Callable[[str, int, int | None], None]
"""Called now and then: what is counted, how many so far, of how many."""

OpenBucket: TypeAlias = Callable[[], AbstractContextManager[ObjectStore]]

MISSING = (
    "the quality pass needs an extra package: pip install 'pupline[quality]'"
    " (with pipx: pipx inject pupline pillow; with uv: uv tool install --with pillow pupline; in a clone: make run)"
)
_GROUPED_TOGETHER = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityRequest:
    """What to examine, and how. workers: decoder processes; None for one per processor. distance: bits in which
    near-duplicates may differ. retry: decode again what could not be decoded.
    """

    dataset: str
    workers: int | None = None
    distance: int = DISTANCE
    limits: DecoderLimits = field(default_factory=DecoderLimits)
    retry: bool = False

    @property
    def rule(self) -> str:
        """The name of the rule by which images are grouped."""
        return f"{PHASH_VERSION}/{self.distance}"


class Known(NamedTuple):
    """What grouping needs to know of an image. phash: None where it could not be decoded."""

    phash: int | None
    low_information: bool
    width: int
    height: int


@dataclass(slots=True)
class DatasetState:
    """A dataset as the pass sees it. images: by SHA-256, in the order of arrival. known: of those that were examined.

    missing: images that the bucket does not have any more. examined: how many were decoded now.
    """

    request: QualityRequest
    images: dict[str, DatasetImage]
    changed: list[ChangedRow]
    known: dict[str, Known] = field(default_factory=dict)
    missing: set[str] = field(default_factory=set)
    examined: int = 0

    @property
    def keys(self) -> dict[str, str]:
        """SHA-256 to key, of all images that are to be examined."""
        return {row.sha256: row.key for row in self.changed} | {one.sha256: one.key for one in self.images.values()}


def require_pillow() -> None:
    """Raises: ConfigurationError where Pillow is not installed. It is not imported for that."""
    if find_spec("PIL") is None:
        raise ConfigurationError(MISSING)


def examine_dataset(
    table: QualityTable, store: ObjectStore, request: QualityRequest, progress: Progress
) -> DatasetState:
    """Decode what is not known yet, and group it. The journal has it all afterwards; nothing is published.

    Raises: ConfigurationError; StorageError; LocalTrouble.
    """
    require_pillow()
    state = read_dataset(store, request, progress)
    with Decoders(_processes(request, len(state.keys)), request.limits) as decoders:
        decoder = _decoder_text(decoders, request.limits)
        left = _unknown(table, state, decoder)

        def save(found: list[Found]) -> None:
            table.save(quality_rows(found, decoder))
            _learn(state, found)
            progress("images examined", state.examined + len(state.missing), len(left))

        examine_images(BucketObjects(store), left, decoders, save)
    _group(table, state, progress)
    return state


def read_dataset(store: ObjectStore, request: QualityRequest, progress: Progress) -> DatasetState:
    """The dataset, before anything is known of it. Raises: StorageError; ConfigurationError where it has no image."""
    objects = BucketObjects(store)
    images = good_images(objects, request.dataset, lambda rows: progress("rows read", rows, None))
    changed = changed_rows(objects, request.dataset)
    if not images and not changed:
        raise ConfigurationError(
            f"the dataset '{request.dataset}' has no image yet; its runs must end before there is metadata of them"
        )
    return DatasetState(request, {image.sha256: image for image in images}, changed)


def recall(table: QualityTable, state: DatasetState) -> None:
    """Learn what is known of the dataset: its images, and by which distance they are grouped. Raises: StorageError."""
    version, _, bits = (table.rule(state.request.dataset) or "").partition("/")
    if version == PHASH_VERSION:
        state.request = replace(state.request, distance=int(bits))
    for row in table.find(list(state.keys)):
        if row.version == QUALITY_VERSION:
            state.known[row.sha256] = _known(row.findings)


def publish(
    table: QualityTable, state: DatasetState, open_bucket: OpenBucket, each: Callable[[Mapping[str, Any]], None]
) -> QualityReport:
    """Write the files of the dataset. each: gets every line of `quality.jsonl`. Raises: StorageError;
    ConfigurationError while another process has the data directory.
    """
    dataset, decisions = state.request.dataset, table.decisions(state.request.dataset)
    groups = _groups(state, table.groups(dataset, state.request.rule), decisions)
    findings = {row.sha256: row.findings for row in table.find([row.sha256 for row in state.changed])}
    changes = judge_changes(state.changed, findings)
    report = QualityReport(dataset, state.request.distance)
    report.examined, report.missing = state.examined, len(state.missing)
    with open_bucket() as store:
        published = Published(state.images, state.known.keys(), groups, decisions, changes, findings)
        publish_quality(store, table, published, report, each)
    return report


def contact_sheet_pictures(state: DatasetState, store: ObjectStore, sheet: ContactSheet) -> dict[str, str]:
    """Small JPEGs of what the sheet shows, in Base64, by SHA-256. Raises: ConfigurationError; StorageError."""
    require_pillow()
    shown = {name: state.images[name].key for name in sheet.shown()}
    with Decoders(_processes(state.request, len(shown)), state.request.limits) as decoders:
        return thumbnails(BucketObjects(store), shown, decoders)


def _processes(request: QualityRequest, images: int) -> int:
    """The number of decoders: one for each processor that this process may use, unless the request says otherwise."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(request.workers or usable, images))


def _decoder_text(decoders: Decoders, limits: DecoderLimits) -> str:
    """What decodes, and within which limits: where it is another than before, failures are tried again."""
    return (
        f"pillow {decoders.pillow_version()}, {plain_number(limits.seconds)} s, {limits.memory_mib} MiB,"
        f" {limits.max_pixels} pixels"
    )


def _unknown(table: QualityTable, state: DatasetState, decoder: str) -> dict[str, str]:
    """SHA-256 to key, of the images to decode; the others become known to the state."""
    keys = state.keys
    for row in table.find(list(keys)):
        failed_otherwise = "undecodable" in row.findings and (state.request.retry or row.decoder != decoder)
        if row.version == QUALITY_VERSION and not failed_otherwise:
            state.known[row.sha256] = _known(row.findings)
            del keys[row.sha256]
    return keys


def _learn(state: DatasetState, found: Iterable[Found]) -> None:
    for sha256, facts in found:
        if facts is None:
            state.missing.add(sha256)
        else:
            state.known[sha256] = _known(facts)
            state.examined += 1


def _known(facts: Mapping[str, Any]) -> Known:
    if "phash" not in facts:
        return Known(None, True, 0, 0)
    return Known(int(facts["phash"], 16), facts["low_information"], facts["width"], facts["height"])


def _group(table: QualityTable, state: DatasetState, progress: Progress) -> None:
    """Place the images that are in no group yet. Those of earlier passes stay where they are."""
    dataset, rule = state.request.dataset, state.request.rule
    rows = table.groups(dataset, rule)
    placed = {row.sha256 for row in rows}
    order = dict.fromkeys((*([] if rows else table.order(dataset)), *state.images))
    new = [image for sha256 in order if sha256 not in placed and (image := _hashed(state, sha256))]
    grouping = Grouping(state.request.distance, len(rows) + len(new))
    grouping.restore(_representatives(table, state, rows))
    for start in range(0, len(new), _GROUPED_TOGETHER):
        page = [grouping.place(image) for image in new[start : start + _GROUPED_TOGETHER]]
        table.add_groups(dataset, rule, [GroupRow(one.sha256, one.representative, one.distance) for one in page])
        progress("images grouped", start + len(page), len(new))


def _hashed(state: DatasetState, sha256: str) -> HashedImage | None:
    known = state.known.get(sha256)
    return HashedImage(sha256, known.phash, known.low_information) if known and known.phash is not None else None


def _representatives(table: QualityTable, state: DatasetState, rows: Sequence[GroupRow]) -> list[HashedImage]:
    """The representatives in their order; some may have left the dataset since."""
    names = [row.sha256 for row in rows if row.sha256 == row.representative]
    gone = [name for name in names if name not in state.known]
    known = {row.sha256: _known(row.findings) for row in table.find(gone)}
    found = ((name, state.known.get(name) or known.get(name)) for name in names)
    return [HashedImage(name, one.phash, one.low_information) for name, one in found if one and one.phash is not None]


def _groups(state: DatasetState, rows: Sequence[GroupRow], decisions: Mapping[str, Decision]) -> DatasetGroups:
    return DatasetGroups(
        rows, state.images, {name: (one.width, one.height) for name, one in state.known.items()}, decisions
    )
