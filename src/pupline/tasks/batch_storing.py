"""Storing the images of a batch with one PUT each, and no write-once store.

An object is created, never over another one, with the item's execution as its owner. So a second attempt finds what the
first one stored: its own bytes are `stored`, not a duplicate. Where the server gave other bytes this time, the object
that is there is taken for the image, and the new bytes are let go: one execution never stores two objects under the
names of one image. What this cannot see is a server that gave a sound image first and none the second time, or the
other way round, between two attempts of one batch: then one lies among the images and one in quarantine, and the record
tells of the second. Seeing it would cost a request for each image.
"""

from dataclasses import dataclass

from pupline.errors import Outcome, Reason, StorageError
from pupline.http import Response
from pupline.images import MAX_NAMES, candidate_names, content_type_of, object_key
from pupline.tasks.ingest_item import IngestRules, inspect_response
from pupline.tasks.items import FetchedImage, SourceItem, StoredImage
from pupline.tasks.ports import ObjectStore, ObjectToCreate, StoredObject


@dataclass(frozen=True, slots=True)
class BatchStorage:
    """Where the images of a dataset go: below `<prefix><dataset>/`, or `<quarantine_prefix><dataset>/`."""

    store: ObjectStore
    prefix: str = "html/"
    quarantine_prefix: str = "quarantine/"


@dataclass(frozen=True, slots=True)
class Arrived:
    """An item's bytes and what they are. owner: the item's execution."""

    item: SourceItem
    image: FetchedImage
    body: bytes
    owner: str


def store_arrived(
    arrived: Arrived, dataset: str, storage: BatchStorage, rules: IngestRules
) -> tuple[FetchedImage, StoredImage]:
    """What is now stored for the item: the image that arrived, or that of an earlier attempt. Raises: StorageError."""
    image = arrived.image
    prefix = f"{storage.quarantine_prefix if image.problem else storage.prefix}{dataset}"
    for candidate in candidate_names(image.name, image.sha256):
        key = object_key(prefix, candidate)
        held = storage.store.create(_object(arrived, key))
        if held.sha256 == image.sha256:
            return image, _stored(image, held, f"{dataset}/{candidate}", arrived.owner)
        if held.owner == arrived.owner:
            earlier = _image_at(held, arrived, storage, rules)
            return earlier, _stored(earlier, held, f"{dataset}/{candidate}", arrived.owner)
    raise StorageError(
        f"{image.name}: all {MAX_NAMES} names for these bytes hold other bytes; look at the keys under {prefix}"
    )


def _object(arrived: Arrived, key: str) -> ObjectToCreate:
    content_type = content_type_of(arrived.image.file_type, arrived.image.problem)
    return ObjectToCreate(key, arrived.body, arrived.image.sha256, content_type, arrived.owner)


def _image_at(held: StoredObject, arrived: Arrived, storage: BatchStorage, rules: IngestRules) -> FetchedImage:
    """What an earlier attempt stored; its declared type is taken from this one, as nothing else keeps it."""
    body = storage.store.read(held.key)
    response = Response(arrived.item.url, 200, {}, body, arrived.image.content_type)
    return inspect_response(response, arrived.item, rules)


def _stored(image: FetchedImage, held: StoredObject, image_name: str, owner: str) -> StoredImage:
    outcome, reason = _outcome(image, held, owner, renamed=not image_name.endswith(f"/{image.name}"))
    return StoredImage(image_name=image_name, key=held.key, url=held.url, outcome=outcome, reason=reason)


def _outcome(image: FetchedImage, held: StoredObject, owner: str, *, renamed: bool) -> tuple[Outcome, Reason]:
    if image.problem:
        return "quarantined", image.problem
    if held.owner != owner:
        return "duplicate", "same_content"
    return "stored", "renamed" if renamed else "accepted"
