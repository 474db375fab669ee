"""Items: one image that a source names, before it is fetched and after. What travels between the rooms of ingestion."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from hashlib import sha256
from operator import attrgetter
from typing import Any, TypeAlias

from pupline.errors import Outcome, Reason

Identity: TypeAlias = bytes
"""Which image an item is: 16 bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceItem:
    """One image as its source names it: one line of a manifest. What the source does not tell is None.

    url: where the image is. id: the source's own name for it. sha1, sha256: of the bytes, in hex, as declared.
    mime: as declared. bytes: the declared size. landing: the page about the image. labels: breeds, or other classes,
    from the general to the special.
    """

    url: str
    id: str | None = None
    width: int | None = None
    height: int | None = None
    bytes: int | None = None
    sha1: str | None = None
    sha256: str | None = None
    mime: str | None = None
    license: str | None = None
    creator: str | None = None
    attribution: str | None = None
    landing: str | None = None
    title: str | None = None
    alt: str | None = None
    labels: tuple[str, ...] = ()

    @property
    def identity(self) -> Identity:
        """Which image this is, in 16 bytes: the same URL is the same image, in whatever dataset."""
        return sha256(self.url.encode("utf-8", "surrogatepass")).digest()[:16]

    def as_dict(self) -> dict[str, Any]:
        """The fields that are there, JSON-ready."""
        found = {name: value for name, value in zip(_FIELDS, _values(self), strict=True) if value is not None}
        labels = found.pop("labels")
        return found | {"labels": list(labels)} if labels else found

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "SourceItem":
        """What `as_dict` gave. Ignores unknown fields."""
        known = {name: data[name] for name in data if name in _KNOWN}
        if "labels" in known:
            known["labels"] = tuple(known["labels"])
        return cls(**known)


_FIELDS = tuple(field.name for field in fields(SourceItem))
_values = attrgetter(*_FIELDS)  # a run has as many items as images
_KNOWN = frozenset(_FIELDS)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviousFetch:
    """An image that was stored before, of the same URL. etag, last_modified: what the server said of it then.

    image_name: as the audit has it. key: of the object that holds it.
    """

    image_name: str
    key: str
    sha256: str
    size_bytes: int
    file_type: str
    width: int | None = None
    height: int | None = None
    content_type: str | None = None
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedImage:
    """The bytes arrived and were looked at; they are not in the store yet.

    name: a safe name from the URL, without any prefix. problem: why it must not be kept among the images, else None.
    sha1: only where the source declared one. content_type: as the server declared it.
    alert_reasons: in the closed words of the audit record. breed: told by the URL.
    """

    name: str
    sha256: str
    size_bytes: int
    file_type: str
    width: int | None
    height: int | None
    problem: Reason | None
    content_type: str | None
    name_extension: str | None
    alert_reasons: tuple[str, ...] = ()
    sha1: str | None = None
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnchangedImage:
    """Nothing had to be fetched: the server answered 304, or the source declared a hash that is in the store."""

    previous: PreviousFetch


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchFailed:
    """It could not be had: the last attempt's error. error: an Error Name of `pupline.errors`. cause: one line."""

    outcome: Outcome
    reason: Reason
    error: str
    cause: str


FetchOutcome: TypeAlias = FetchedImage | UnchangedImage | FetchFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredImage:
    """What the store did with a `FetchedImage`. image_name: as the audit will have it, with the dataset in front.

    A duplicate's image_name, key and url are those of the object that already held the bytes.
    """

    image_name: str
    key: str
    url: str
    outcome: Outcome
    reason: Reason
