"""One image with everything that is known of it: its record, its object, its original, what the quality pass found."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pupline.backends import Backend
from pupline.console.web import RecordFilters, object_key, object_path
from pupline.errors import NoSuchName, StorageError
from pupline.local import QualityTable
from pupline.tasks.layout import QUARANTINE
from pupline.tasks.pages import RecordItem, RecordQuery
from pupline.tasks.ports import ObjectFacts

_NEAR = 12
"""Near-duplicates that the page shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """What the quality pass found. findings: scores, EXIF; `undecodable` with its reason. decision: of a person.

    near: images of its group of near-duplicates; keeper is the group's representative. group_size: with this image.
    """

    findings: Mapping[str, Any]
    decision: str | None
    representative: str | None
    group_size: int
    near: Sequence[RecordItem]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageView:
    """One image. has_execution: images of a bulk ingest have none. previous, next: its neighbours under the filters.

    stored: its object; None when it no longer exists. location: of the object, for people.
    original: the record that stored the bytes first, of a duplicate. addresses: of a probable placeholder, how many
    addresses gave these bytes.
    """

    item: RecordItem
    has_execution: bool
    stored: ObjectFacts | None
    location: str | None
    object_path: str | None
    is_quarantined: bool
    original: RecordItem | None
    addresses: int | None
    quality: Quality | None
    previous: RecordItem | None
    next: RecordItem | None


def image_view(
    backend: Backend, record_id: str, filters: RecordFilters, placeholders: Callable[[], Mapping[str, int]]
) -> ImageView:
    """The image of this record. placeholders: of insights. Raises: NoSuchName; StorageError."""
    pages = backend.pages
    item = pages.record_item(record_id)
    key = object_key(item.record)
    stored = _stored(backend, item, key)
    before, after = pages.record_neighbours(filters.query(), record_id)
    return ImageView(
        item=item,
        has_execution=_has_execution(backend, item),
        stored=stored,
        location=None if stored is None else backend.location(stored.key),
        object_path=None if stored is None else object_path(item.record),
        is_quarantined=(key or "").startswith(QUARANTINE),
        original=_original(backend, item, stored),
        addresses=placeholders().get(item.record.sha256 or ""),
        quality=_quality(backend, item),
        previous=before,
        next=after,
    )


def _has_execution(backend: Backend, item: RecordItem) -> bool:
    try:
        backend.pages.execution_item(item.record.execution)
    except NoSuchName:
        return False
    return True


def _stored(backend: Backend, item: RecordItem, key: str | None) -> ObjectFacts | None:
    """The object under the record's key, or another one with its hash, if it is there and readable."""
    store, sha256 = backend.bucket(), item.record.sha256
    for name in [*([key] if key else []), *(store.keys_of(sha256) if key and sha256 else [])]:
        try:
            with store.open_object(name) as opened:
                if opened.facts.sha256 in {sha256, None}:
                    return opened.facts
        except (KeyError, StorageError):  # the page says that it is not there, and what the record knows
            continue
    return None


def _original(backend: Backend, item: RecordItem, stored: ObjectFacts | None) -> RecordItem | None:
    if item.record.outcome != "duplicate" or stored is None or stored.owner in {"", item.record.execution}:
        return None
    found = backend.pages.record_page(RecordQuery(execution=(stored.owner,), limit=1)).items
    return found[0] if found else None


def _quality(backend: Backend, item: RecordItem) -> Quality | None:
    """What the pass over this data directory found in these bytes. That over a stack is kept elsewhere."""
    sha256 = item.record.sha256
    from pupline.backends import MachineBackend

    if sha256 is None or not isinstance(backend, MachineBackend):
        return None
    with backend.quality_journal() as table:
        found = next(iter(table.find([sha256])), None)
        if found is None:
            return None
        group = _group(table, item.dataset, sha256)
        decision = table.decision_about(item.dataset, sha256) if item.dataset else None
    others = [name for name in group if name != sha256][:_NEAR]
    near = [one for name in others if (one := _record_of(backend, name)) is not None]
    return Quality(
        findings=found.findings,
        decision=decision,
        representative=group[0] if group else None,
        group_size=len(group),
        near=near,
    )


def _group(table: QualityTable, dataset: str | None, sha256: str) -> list[str]:
    """The near-duplicates of an image and itself, the representative first; none where it is alone."""
    found = [] if dataset is None else table.group_of(dataset, sha256)
    return [row.sha256 for row in found] if len(found) > 1 else []


def _record_of(backend: Backend, sha256: str) -> RecordItem | None:
    """The record of the execution that stored these bytes."""
    store = backend.bucket()
    for key in store.keys_of(sha256)[:1]:
        try:
            with store.open_object(key) as opened:
                owner = opened.facts.owner
        except (KeyError, StorageError):
            return None
        found = backend.pages.record_page(RecordQuery(execution=(owner,), limit=1)).items
        return found[0] if found else None
    return None
