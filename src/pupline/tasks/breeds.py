"""Breeds as the audit record holds them: `hound`, or with the sub-breed `hound/afghan`."""

import re
from itertools import pairwise

from pupline.errors import InvalidInput, InvalidUrl
from pupline.http import Url
from pupline.text import printable

_BREED = re.compile(r"[a-z0-9]{1,60}(?:/[a-z0-9]{1,60})?")
_BREED_SEGMENT = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def breed_of(url: str) -> str | None:
    """The breed in an image's URL, such as `hound/afghan` in `.../breeds/hound-afghan/n02088094_1.jpg`; None without.

    Raises: nothing, also where it is not a URL.
    """
    if "/breeds/" not in url and "%" not in url:
        return None
    try:
        segments = Url.parse(url).segments()
    except InvalidUrl:
        return None
    for folder, name in pairwise(segments[:-1]):
        if folder == "breeds":
            return name.replace("-", "/", 1) if _BREED_SEGMENT.fullmatch(name) else None
    return None


def checked_breed(breed: str) -> str:
    """`breed`, where it is written as `hound` or `hound/afghan`. Raises: InvalidInput."""
    if not isinstance(breed, str) or not _BREED.fullmatch(breed):
        raise InvalidInput(
            f"breed {printable(str(breed), 80)!r}: write it in small letters, with the sub-breed after a slash, "
            "such as hound or hound/afghan"
        )
    return breed
