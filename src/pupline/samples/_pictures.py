"""The sample pictures, drawn by `tools/draw_samples.py`."""

from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

CONTENT_TYPES: Final = {"jpg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp"}
"""Declared by the server for an ending, whatever the content is."""


@cache
def pictures() -> dict[str, bytes]:
    """All pictures by path (`hound-afghan/name.jpg`), sorted."""
    root = files("pupline.samples").joinpath("pictures")
    found = {
        f"{breed.name}/{picture.name}": picture.read_bytes()
        for breed in root.iterdir()
        if breed.is_dir()
        for picture in breed.iterdir()
    }
    return dict(sorted(found.items()))


@cache
def etag(path: str) -> str:
    """The entity tag of a picture, from its content."""
    return f'"{sha256(pictures()[path]).hexdigest()[:16]}"'


def breeds(paths: Iterable[str]) -> dict[str, list[str]]:
    """The sub-breeds of each breed that has one of the pictures at `paths`."""
    found: dict[str, list[str]] = {}
    for path in paths:
        breed, _, sub_breed = path.partition("/")[0].partition("-")
        known = found.setdefault(breed, [])
        if sub_breed and sub_breed not in known:
            known.append(sub_breed)
    return found


def pictures_of(paths: Iterable[str], breed: str, sub_breed: str | None = None) -> list[str]:
    """The `paths` of a breed with its sub-breeds, or of one sub-breed."""
    wanted = f"{breed}-{sub_breed}" if sub_breed else breed
    return [path for path in paths if path.startswith((f"{wanted}/", f"{wanted}-"))]


def content_type(path: str) -> str:
    """The type that the extension of `path` promises."""
    return CONTENT_TYPES.get(path.rpartition(".")[2], "application/octet-stream")
