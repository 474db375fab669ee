"""Storing one image under the key it deserves, once, however often it is tried.

The order of writes, and what a second attempt finds after a crash at each point:

1. the intent (prefix and SHA-256) is remembered: the second attempt learns what the first one meant to store;
2. the object is created, never over another one, with the execution as its owner: it is found again by its owner.

So even a source that serves other bytes the second time cannot make one execution store two objects.
"""

from dataclasses import dataclass
from hashlib import sha256

from pupline.errors import Outcome, Reason, StorageError
from pupline.http import DEFAULT_TIMEOUT_SECONDS
from pupline.images import MAX_NAMES, MAX_PIXELS, Inspection, candidate_names, content_type_of, object_key
from pupline.tasks.ports import ObjectStore, ObjectToCreate, StoredObject, WriteOnceStore
from pupline.tasks.timed_inspection import inspect_within


@dataclass(frozen=True, slots=True)
class Storage:
    """Where images go. prefix: of accepted ones. quarantine_prefix: of all others, also of those over `max_pixels`."""

    store: ObjectStore
    write_once: WriteOnceStore
    prefix: str = "html/"
    quarantine_prefix: str = "quarantine/"
    max_pixels: int = MAX_PIXELS


@dataclass(frozen=True, slots=True)
class StoredImage:
    """What is now stored. name: as stored, without the prefix."""

    name: str
    held: StoredObject
    size_bytes: int
    inspection: Inspection
    outcome: Outcome
    reason: Reason


@dataclass(frozen=True, slots=True)
class _Image:
    body: bytes
    sha256: str
    inspection: Inspection
    prefix: str

    @classmethod
    def of(cls, body: bytes, storage: Storage, seconds: float) -> "_Image":
        inspection = inspect_within(seconds, body, max_pixels=storage.max_pixels)
        prefix = storage.quarantine_prefix if inspection.problem else storage.prefix
        return cls(body, sha256(body).hexdigest(), inspection, prefix)


def store_image(
    body: bytes, name: str, execution: str, storage: Storage, seconds: float = DEFAULT_TIMEOUT_SECONDS
) -> StoredImage:
    """`body` stored for `execution` under `name`, or under a name beside it when other bytes have that one.

    seconds: to look at it. Raises: StorageError; InspectionTimeout.
    """
    image = _as_first_meant(_Image.of(body, storage, seconds), name, execution, storage, seconds)
    for candidate in candidate_names(name, image.sha256):
        held = storage.store.create(_object(image, candidate, execution))
        if held.sha256 == image.sha256:
            outcome, reason = _judged(image, held, renamed=candidate != name, execution=execution)
            return StoredImage(candidate, held, len(image.body), image.inspection, outcome, reason)
    raise StorageError(
        f"{name}: all {MAX_NAMES} names for these bytes hold other bytes; look at the keys under {image.prefix}"
    )


def _as_first_meant(image: _Image, name: str, execution: str, storage: Storage, seconds: float) -> _Image:
    """`image`, unless an earlier attempt of this execution already stored other bytes: then those."""
    intent = f"{image.prefix} {image.sha256}"
    first = storage.write_once.remember(f"{execution}/object", intent)
    if first == intent:
        return image
    prefix, _, digest = first.rpartition(" ")
    for candidate in candidate_names(name, digest):
        try:
            earlier = storage.store.read(object_key(prefix, candidate))
        except KeyError:
            break  # names are taken in order: after a free one there is nothing of ours
        if sha256(earlier).hexdigest() == digest:
            return _Image.of(earlier, storage, seconds)
    return image


def _object(image: _Image, name: str, execution: str) -> ObjectToCreate:
    content_type = content_type_of(image.inspection.file_type, image.inspection.problem)
    key = object_key(image.prefix, name)
    return ObjectToCreate(key=key, body=image.body, sha256=image.sha256, content_type=content_type, owner=execution)


def _judged(image: _Image, held: StoredObject, *, renamed: bool, execution: str) -> tuple[Outcome, Reason]:
    if image.inspection.problem:
        return "quarantined", image.inspection.problem
    if held.owner != execution:
        return "duplicate", "same_content"
    return "stored", "renamed" if renamed else "accepted"
