"""Items: one image that a source lists, before and after it is fetched."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, NamedTuple, TypeAlias

from pupline.errors import Outcome, Reason
from pupline.json_values import JSON

Identity: TypeAlias = bytes
"""The identity of an item: 16 bytes."""


class SourceItem(NamedTuple):
    """One image as its source lists it: one line of a manifest. Facts that the source does not give are None.

    A tuple, because it is made twice for each image of a bulk run, and a frozen dataclass takes eight times as long.
    url: where the image is. id: the source's own name for it. md5, sha1, sha256: of the bytes, in hex, as declared.
    phash: of the picture, in 16 hex digits, as `pupline quality` computes it. mime: as declared. bytes: the declared
    size. landing: the page about the image. caption: what the picture shows, for training. labels: breeds, or other
    classes, from the general to the specific. extra: the source's other columns, by name; JSON values.
    """

    url: str
    id: str | None = None
    width: int | None = None
    height: int | None = None
    bytes: int | None = None
    md5: str | None = None
    sha1: str | None = None
    sha256: str | None = None
    phash: str | None = None
    mime: str | None = None
    license: str | None = None
    creator: str | None = None
    attribution: str | None = None
    landing: str | None = None
    title: str | None = None
    alt: str | None = None
    caption: str | None = None
    labels: tuple[str, ...] = ()
    extra: Mapping[str, JSON] = {}

    def __hash__(self) -> int:
        """By the URL: `extra` has no hash."""
        return hash(self.url)

    @property
    def declares_hash(self) -> bool:
        """Whether the source says what the bytes have to be."""
        return bool(self.sha256 or self.sha1 or self.md5)

    @property
    def identity(self) -> Identity:
        """The first 16 bytes of the URL's SHA-256: the same URL is the same image in every dataset."""
        return sha256(self.url.encode("utf-8", "surrogatepass")).digest()[:16]

    def as_dict(self) -> dict[str, Any]:
        """The fields with a value, JSON-ready."""
        found: dict[str, Any] = {name: value for name, value in zip(_FIELDS, self, strict=True) if value is not None}
        labels, extra = found.pop("labels"), found.pop("extra")
        if labels:
            found["labels"] = list(labels)
        if extra:
            found["extra"] = dict(extra)
        return found

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "SourceItem":
        """The item that `as_dict` returned. Ignores unknown fields, and those with null."""
        known = {name: value for name, value in data.items() if name in _FIELDS and value is not None}
        if "labels" in known:
            known["labels"] = tuple(known["labels"])
        return cls(**known)


_FIELDS = SourceItem._fields


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviousFetch:
    """An image that was stored before from the same URL. etag, last_modified: of the response then.

    image_name: in the audit. key: of its object.
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


class FetchedImage(NamedTuple):
    """An inspected image that is not stored yet. A tuple, because it is made twice for each image of a bulk run.

    name: a safe name from the URL, with the extension of an image, without any prefix. name_extension: of the name in
    the URL. problem: why it belongs in quarantine, else None.
    sha1, md5: only where the source declared one. content_type: as declared by the server.
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
    sha1: str | None = None
    md5: str | None = None
    etag: str | None = None
    last_modified: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnchangedImage:
    """An image that did not have to be fetched: the server sent 304, or the store has the hash that the source gave."""

    previous: PreviousFetch


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchFailed:
    """The error of the last attempt. error: an Error Name of `pupline.errors`. cause: one line."""

    outcome: Outcome
    reason: Reason
    error: str
    cause: str


FetchOutcome: TypeAlias = FetchedImage | UnchangedImage | FetchFailed


class StoredImage(NamedTuple):
    """Where a `FetchedImage` is stored. image_name: in the audit, with the dataset in front.

    A duplicate has the image_name, key and url of the object that already had the bytes.
    """

    image_name: str
    key: str
    url: str
    outcome: Outcome
    reason: Reason
