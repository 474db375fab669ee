"""A source of images as the rest of the house sees it: who it is, what it allows, and how its listing begins."""

import re
import string
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Literal, TypeAlias

from pupline.http import (
    DEFAULT_MAX_BYTES,
    DEFAULT_TIMEOUT_SECONDS,
    FetchPolicy,
    Origin,
    Proxy,
    parse_metadata_address,
    user_agent,
)
from pupline.sources._listing import Listing
from pupline.specs import SAMPLE_ORIGIN, ImagePicker, Limits, PageClient, Terms

_ASCII = frozenset(string.ascii_lowercase + string.digits)
_HYPHENS = re.compile(r"-+")
_LONGEST_SLUG = 63
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))})
"""Names that no folder may have on Windows."""

_SELECTORS = re.compile("[\u034f\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")  # marks that nobody sees

Reader: TypeAlias = Callable[[str], bytes]
"""Reads the object at `s3://bucket/key`."""

Picker: TypeAlias = Callable[[PageClient, str | None], ImagePicker]
"""Makes an `ImagePicker` of an HTTP client and a contact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """How a listing is to begin. count: how many items will be taken, a hint for the size of a page; None: all.

    position: what `Listing.position` gave, to go on from there. read: gets the objects of `s3://bucket/key` lists.
    contact: who runs this, for APIs that want to know. delimiter: between the cells of a CSV list, where it is not to
    be found out.
    """

    count: int | None = None
    position: str | None = None
    read: Reader | None = None
    contact: str | None = None
    delimiter: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSource:
    """Where images come from. `resolve` gives it.

    name: as audit records hold it: a preset's or spec's name, a base URL, or a list's file name.
    dataset: the default name of the dataset, a safe slug.
    base: the API's own origin; None for a list of URLs.
    trusted: origins whose addresses may be private. image_origins: where its images are; empty for any public origin.
    picker: picks one image for an execution; None where no image can be picked without listing them all.
    has_breeds: whether the picker takes a breed. contact_required: the API's rules demand a contact.
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

        Raises: ConfigurationError for a secret that is not there, a file that cannot be read, or a position that does
        not fit the source any more.
        """
        return self.opener(Opening(count=count, position=position, read=read, contact=contact, delimiter=delimiter))

    def policy(
        self,
        *,
        allow_origins: Iterable[str] = (),
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        max_bytes: int = DEFAULT_MAX_BYTES,
        sample_port: int | None = None,
        contact: str | None = None,
        metadata_addresses: Iterable[str] = (),
        proxy: Proxy | None = None,
    ) -> FetchPolicy:
        """The policy to fetch from this source with. `sample_port`: where the sample server listens on 127.0.0.1.

        Raises: ConfigurationError for a malformed origin or address, or a limit that makes no sense.
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
            proxy=proxy,
        )

    def check_image_origin(self, origin: Origin, policy: FetchPolicy) -> None:
        """Refuse an origin where this source does not keep its images. policy: its own. Raises: BlockedAddress."""
        policy.check_image_origin(origin, self.base, self.name)


def slug_of(text: str) -> str:
    """`text` as a dataset's name: small letters and digits of any script, single hyphens, at most 63; never empty.

    Names of ASCII that differ in nothing else are one. Others are told apart, by eight hexadecimal digits at the end
    where their letters alone do not.
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
    """Whether a dataset's name has it: a letter or digit, or a mark on one, of any script."""
    if character.isascii():
        return character in _ASCII
    return unicodedata.category(character)[0] in "LMN" and not _SELECTORS.match(character)
