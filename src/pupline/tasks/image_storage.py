"""Storing images: each under the first name that is free, once per owner, however often it is tried.

An object is created, never overwritten, and is owned by the execution that fetched it. An attempt that finds an object
of its own owner under the name takes it as the image, even if the server sent other bytes this time. `store_image`
needs one PUT for that. It cannot see a server that sends a sound image to one attempt and a broken one to another: the
two go to different prefixes, so both are stored, and the record describes the second.

`store_image_once` prevents that with one more write. Before it creates the object it remembers the intent, the prefix
and the SHA-256, so that a later attempt finds what an earlier one stored wherever that is.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256

from pupline.errors import Outcome, Reason, StorageError
from pupline.http import Response
from pupline.images import (
    IMAGE_TYPES,
    MAX_NAMES,
    candidate_names,
    content_type_of,
    image_name,
    object_key,
    safe_name,
)
from pupline.tasks.ingest_item import inspect_response
from pupline.tasks.ingest_rules import IngestRules
from pupline.tasks.items import FetchedImage, SourceItem, StoredImage
from pupline.tasks.ports import ObjectStore, ObjectToCreate, WriteOnceStore


@dataclass(frozen=True, slots=True)
class ImageStorage:
    """Where images go. prefix: of sound images. quarantine_prefix: of everything else. folder: below both, or empty."""

    store: ObjectStore
    write_once: WriteOnceStore
    prefix: str = "html/"
    quarantine_prefix: str = "quarantine/"
    folder: str = ""

    def prefix_for(self, problem: Reason | None) -> str:
        """The prefix without the folder, by what the inspection found."""
        return self.quarantine_prefix if problem else self.prefix


@dataclass(frozen=True, slots=True)
class ImageToStore:
    """A fetched image with its bytes. owner: the execution that fetched it."""

    item: SourceItem
    image: FetchedImage
    body: bytes
    owner: str


def storage_outcome(problem: Reason | None, *, is_own: bool, is_renamed: bool) -> tuple[Outcome, Reason]:
    """The outcome and reason of an image that is in the store. is_own: its object was created for this execution."""
    if problem:
        return "quarantined", problem
    if not is_own:
        return "duplicate", "same_content"
    return "stored", "renamed" if is_renamed else "accepted"


def store_image(new: ImageToStore, storage: ImageStorage, rules: IngestRules) -> tuple[FetchedImage, StoredImage]:
    """The image that is now stored for the owner, this one or that of an earlier attempt, and where it is.

    Where other bytes have the name, the image gets an alternative one. Raises: StorageError; InspectionTimeout for
    what an earlier attempt stored.
    """
    image = new.image
    prefix = f"{storage.prefix_for(image.problem)}{storage.folder}"
    content_type = content_type_of(image.file_type, image.problem)
    for name, is_renamed in _names_to_try(new, prefix, storage.store):
        key = object_key(prefix, name)
        held = storage.store.create(ObjectToCreate(key, new.body, image.sha256, content_type, new.owner))
        is_own = held.owner == new.owner
        if held.sha256 != image.sha256:
            if not is_own:
                continue
            image = _inspect_stored(storage.store.read(key), new, rules)
        outcome, reason = storage_outcome(image.problem, is_own=is_own, is_renamed=is_renamed)
        image_name = f"{storage.folder}{name}"
        return image, StoredImage(image_name=image_name, key=key, url=held.url, outcome=outcome, reason=reason)
    raise StorageError(
        f"{image.name}: all {MAX_NAMES} names for these bytes hold other bytes; look at the keys under {prefix}"
    )


def store_image_once(new: ImageToStore, storage: ImageStorage, rules: IngestRules) -> tuple[FetchedImage, StoredImage]:
    """As `store_image`, with the intent remembered first: no two attempts of one owner store two objects."""
    intent = f"{storage.prefix_for(new.image.problem)} {new.image.sha256}"
    first = storage.write_once.remember(f"{new.owner}/object", intent)
    if first != intent:
        prefix, _, digest = first.rpartition(" ")
        plain = safe_name(new.item.url)
        # Its type is not known, and the name depends on it.
        for first_name in dict.fromkeys([plain, *(image_name(plain, kind) for kind in IMAGE_TYPES)]):
            earlier = _stored_before(f"{prefix}{storage.folder}", first_name, digest, storage.store)
            if earlier is not None:
                new = replace(new, image=_inspect_stored(earlier, new, rules), body=earlier)
                break
    return store_image(new, storage, rules)


def _names_to_try(new: ImageToStore, prefix: str, store: ObjectStore) -> Iterator[tuple[str, bool]]:
    """Each name for the image, and whether it is an alternative one.

    Up to version 0.2, an image was named like its URL, whatever its content. Such names come first as long as they are
    taken: an attempt of that version, or another execution, may have stored these bytes there.
    """
    plain, image = safe_name(new.item.url), new.image
    if plain != image.name:
        for name in candidate_names(plain, image.sha256):
            if _read_or_none(store, object_key(prefix, name)) is None:
                break
            yield name, name != plain
    for name in candidate_names(image.name, image.sha256):
        yield name, name != image.name


def _stored_before(prefix: str, first_name: str, digest: str, store: ObjectStore) -> bytes | None:
    """The object with that SHA-256 under this name or an alternative one."""
    for name in candidate_names(first_name, digest):
        body = _read_or_none(store, object_key(prefix, name))
        if body is None:
            return None  # names are taken in order: no object of this owner comes after a free one
        if sha256(body).hexdigest() == digest:
            return body
    return None


def _read_or_none(store: ObjectStore, key: str) -> bytes | None:
    try:
        return store.read(key)
    except KeyError:
        return None


def _inspect_stored(body: bytes, new: ImageToStore, rules: IngestRules) -> FetchedImage:
    """The image that an earlier attempt stored. Its declared type is this response's: the store does not keep it."""
    return inspect_response(Response(new.item.url, 200, {}, body, new.image.content_type), new.item, rules)
