"""An image of the gallery as the API gives it: its record, where its picture is, and the words on its tile."""

from typing import Any

from pydantic import BaseModel

from pupline.console.audit import RecordModel
from pupline.console.gallery._record_view import ImageView
from pupline.console.web import image_text, path_of, size
from pupline.errors import ACCEPTED_OUTCOMES
from pupline.tasks.pages import RecordItem
from pupline.text import printable

_LABEL = 120


class Tile(BaseModel):
    """The words on a tile, safe to show: text from outside has its control and bidirectional characters escaped."""

    label: str
    facts: str
    text: str
    page: str


class ImageItem(RecordModel):
    """One image of the gallery: its record and its tile."""

    tile: Tile

    @classmethod
    def of(cls, item: RecordItem) -> "ImageItem":
        """The image of a record."""
        return cls(**RecordModel.of(item).model_dump(), tile=tile_of(item))


class ImageList(BaseModel):
    """A window of the gallery. count: of all that match; at least so many, where it is capped."""

    items: list[ImageItem]
    next: str | None
    previous: str | None
    offset: int | None
    count: int
    count_is_capped: bool


def tile_of(item: RecordItem) -> Tile:
    """The words of its tile."""
    record = item.record
    parts = [record.file_type.upper()] if record.file_type else []
    if record.width and record.height:
        parts.append(f"{record.width} \u00d7 {record.height}")
    if record.size_bytes is not None:
        parts.append(size(record.size_bytes))
    if record.outcome not in ACCEPTED_OUTCOMES:
        parts = [record.reason.replace("_", " "), *parts]
    return Tile(
        label=printable(record.image_name, _LABEL),
        facts=printable(" · ".join(parts), _LABEL),
        text=printable(image_text(record), _LABEL),
        page=path_of("gallery", item.id),
    )


class StoredObject(BaseModel):
    """The object with the bytes. location: for people, a path or an S3 URI. owner: the execution that stored it."""

    key: str
    size_bytes: int
    sha256: str | None
    owner: str
    location: str | None


class QualityFacts(BaseModel):
    """What the quality pass found. near: ids of records with near-duplicates, some of `group_size` images."""

    findings: dict[str, Any]
    decision: str | None
    group_size: int
    near: list[str]


class ImageDetails(BaseModel):
    """One image. original: the id of the record that stored the bytes first, of a duplicate. previous, next: ids.

    addresses: of a probable placeholder, how many addresses gave these bytes.
    """

    image: ImageItem
    stored: StoredObject | None
    is_quarantined: bool
    original: str | None
    addresses: int | None
    previous: str | None
    next: str | None
    quality: QualityFacts | None


def image_details(view: ImageView) -> ImageDetails:
    """All of one image."""
    stored, quality = view.stored, view.quality
    return ImageDetails(
        image=ImageItem.of(view.item),
        stored=None
        if stored is None
        else StoredObject(
            key=stored.key,
            size_bytes=stored.size_bytes,
            sha256=stored.sha256,
            owner=stored.owner,
            location=view.location,
        ),
        is_quarantined=view.is_quarantined,
        original=None if view.original is None else view.original.id,
        addresses=view.addresses,
        previous=None if view.previous is None else view.previous.id,
        next=None if view.next is None else view.next.id,
        quality=None
        if quality is None
        else QualityFacts(
            findings=dict(quality.findings),
            decision=quality.decision,
            group_size=quality.group_size,
            near=[one.id for one in quality.near],
        ),
    )
