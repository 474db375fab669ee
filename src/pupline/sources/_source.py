"""A source of images for the other rooms: its name, its rules, and how to list it or to pick an image."""

import re
import string
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Literal, TypeAlias

from pupline.errors import ConfigurationError, InvalidInput
from pupline.http import (
    DEFAULT_MAX_BYTES,
    DEFAULT_TIMEOUT_SECONDS,
    FetchPolicy,
    Origin,
    parse_metadata_address,
    user_agent,
)
from pupline.sources._listing import Listing
from pupline.specs import SAMPLE_ORIGIN, Limits, PageClient, Terms
from pupline.tasks.breeds import checked_breed
from pupline.tasks.fetch_and_upload_dog_image import ImagePicker

_ASCII = frozenset(string.ascii_lowercase + string.digits)
_HYPHENS = re.compile(r"-+")
_LONGEST_SLUG = 63
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))})
"""Names that no folder may have on Windows."""

_SELECTORS = re.compile("[\u034f\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")  # invisible marks

Reader: TypeAlias = Callable[[str], bytes]
"""Reads the object at `s3://bucket/key`."""

Picker: TypeAlias = Callable[[PageClient, str | None], ImagePicker]
"""Makes an `ImagePicker` of an HTTP client and a contact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How a listing begins. count: items that will be taken, a hint for the size of a page; None: all.

    position: from `Listing.position`, to resume there. read: reads the objects of `s3://bucket/key` lists. contact: for
    APIs that demand one. delimiter: between the cells of a CSV list; None: inferred.
    """

    count: int | None = None
    position: str | None = None
    read: Reader | None = None
    contact: str | None = None
    delimiter: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSource:
    """Where images come from. `resolve` gives it.

    name: in audit records: a preset's or spec's name, a base URL, or a list's file name.
    dataset: the default name of the dataset, a safe slug.
    base: the API's own origin; None without an API.
    trusted: origins whose addresses may be private. image_origins: where its images are; empty for any public origin.
    picker: picks one image for an execution; None where no image can be picked without listing them all.
    has_breeds: whether the picker takes a breed. breed_lister: the source of some breeds alone, None where its images
    are not listed by breed. contact_required: the API's rules demand a contact.
    sample: which built-in server must run for it, None for a real source.
    """

    name: str
    dataset: str
    opener: Callable[[Opening], Listing] = field(repr=False)
    base: Origin | None = None
    trusted: frozenset[Origin] = frozenset()
    image_origins: frozenset[Origin] = frozenset()
    limits: Limits = field(default_factory=Limits)
    terms: Terms = field(default_factory=Terms)
    picker: Picker | None = field(default=None, repr=False)
    has_breeds: bool = False
    breed_lister: Callable[[tuple[str, ...]], "ImageSource"] | None = field(default=None, repr=False)
    contact_required: bool = False
    sample: Literal["friendly", "hostile"] | None = None

    def open(
        self,
        *,
        count: int | None = None,
        position: str | None = None,
        read: Reader | None = None,
        contact: str | None = None,
        delimiter: str | None = None,
    ) -> Listing:
        """A listing from its beginning, or from `position`. See `Opening` for the arguments.

        Raises: ConfigurationError for a missing secret, an unreadable file, or a position of another version of the
        source.
        """
        return self.opener(Opening(count=count, position=position, read=read, contact=contact, delimiter=delimiter))

    def only_breeds(self, breeds: Iterable[str]) -> "ImageSource":
        """The source of these breeds alone, `hound` or `hound/afghan`: another dataset. Raises: ConfigurationError."""
        try:
            wanted = tuple(dict.fromkeys(map(checked_breed, breeds)))
        except InvalidInput as error:
            raise ConfigurationError(f"--breed: {error}") from error
        if not wanted:
            return self
        if self.breed_lister is None:
            raise ConfigurationError(
                f"--breed: the source {self.name} does not list its images by breed, as dog-ceo does; leave it out"
            )
        return replace(self.breed_lister(wanted), dataset=slug_of("-".join([self.dataset, *wanted])))

    def policy(
        self,
        *,
        allow_origins: Iterable[str] = (),
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        max_bytes: int = DEFAULT_MAX_BYTES,
        sample_port: int | None = None,
        contact: str | None = None,
        metadata_addresses: Iterable[str] = (),
    ) -> FetchPolicy:
        """The policy for fetching from this source. `sample_port`: of the sample server on 127.0.0.1.

        Raises: ConfigurationError for a malformed origin or address, or a limit out of range.
        """
        connect_to = {}
        if sample_port is not None:
            connect_to[SAMPLE_ORIGIN.host, SAMPLE_ORIGIN.port] = ("127.0.0.1", sample_port)
        return FetchPolicy(
            trusted=self.trusted | {Origin.parse(origin) for origin in allow_origins},
            image_origins=self.image_origins,
            timeout_seconds=timeout_seconds,
            max_bytes=max_bytes,
            connect_to=connect_to,
            user_agent=user_agent(contact),
            metadata_addresses=frozenset(map(parse_metadata_address, metadata_addresses)),
        )

    def check_image_origin(self, origin: Origin, policy: FetchPolicy) -> None:
        """Raises: BlockedAddress for an origin where this source does not keep its images. policy: its own."""
        policy.check_image_origin(origin, self.base, self.name)


def slug_of(text: str) -> str:
    """`text` as a dataset's name: lower-case letters and digits of any script, single hyphens, 1 to 63 characters.

    ASCII texts may share a name. Other texts that lose a character get eight hexadecimal digits, so that they differ.
    """
    letters = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).lower())
    kept = "".join(each if _is_part(each) else "-" for each in letters)
    slug = _HYPHENS.sub("-", kept).strip("-")
    lost = any(not each.isascii() and not _is_part(each) for each in letters)
    if slug in _DEVICES:
        return f"{slug}-dataset"
    if not lost and (len(slug) <= _LONGEST_SLUG or letters.isascii()):
        return slug[:_LONGEST_SLUG].strip("-") or "dataset"
    tag = sha256(letters.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{slug[: _LONGEST_SLUG - len(tag) - 1].strip('-') or 'dataset'}-{tag}"


def _is_part(character: str) -> bool:
    """Whether a dataset's name keeps it: a letter or digit, or a mark on one, of any script."""
    if character.isascii():
        return character in _ASCII
    return unicodedata.category(character)[0] in "LMN" and not _SELECTORS.match(character)
