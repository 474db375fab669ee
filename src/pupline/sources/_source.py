"""A source of images as the rest of the house sees it: who it is, what it allows, and how its listing begins."""

import re
import string
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Literal, TypeAlias

from pupline.http import (
    DEFAULT_MAX_BYTES,
    DEFAULT_TIMEOUT_SECONDS,
    FetchPolicy,
    Origin,
    Proxy,
    Source,
    user_agent,
)
from pupline.sources._listing import Listing

DEFAULT_MAX_PAGES = 10_000
"""No listing asks for more pages than these, unless its spec says so: an API that never ends must not run for ever."""

_ASCII = frozenset(string.ascii_lowercase + string.digits)
_HYPHENS = re.compile(r"-+")
_LONGEST_SLUG = 63
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))})
"""Names that no folder may have on Windows."""

_SELECTORS = re.compile("[\u034f\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")  # marks that nobody sees

Reader: TypeAlias = Callable[[str], bytes]
"""Told `s3://bucket/key`, gives that object's bytes."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the API's own host is to be spared. None: what the user, or the program, has for all hosts.

    rps: requests per second. concurrency: at the same time. per_hour: requests in an hour, which may come in bursts.
    page_size_max: the most that one page may be asked to hold. max_pages: requests of one listing.
    image_rps, image_concurrency: the same for each host that the images are on, where that is another one.
    """

    rps: float | None = None
    concurrency: int | None = None
    per_hour: int | None = None
    page_size_max: int | None = None
    max_pages: int = DEFAULT_MAX_PAGES
    image_rps: float | None = None
    image_concurrency: int | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """What the API's terms say of bulk use. cap: the most items that a listing names, where bulk is `capped`."""

    bulk: Literal["yes", "capped", "no"] = "yes"
    url: str | None = None
    note: str | None = None
    cap: int | None = None


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
    picks: whether its first page alone gives a fair choice of an image: it is drawn at random, or is all there is.
    contact_required: the API's rules want to know who asks: refuse to ingest without a contact.
    sample: which built-in server must run for it, None for a real source.
    """

    name: str
    dataset: str
    opener: Callable[[Opening], Listing] = field(repr=False)
    base: Origin | None = None
    trusted: frozenset[Origin] = frozenset()
    image_origins: frozenset[Origin] = frozenset()
    limits: Limits = Limits()
    terms: Terms = Terms()
    picks: bool = False
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
        like = Source(self.name, str(self.base or ""), self.trusted, self.image_origins, self.sample)
        policy = like.policy(
            allow_origins=allow_origins,
            timeout_seconds=timeout_seconds,
            max_bytes=max_bytes,
            sample_port=sample_port,
            metadata_addresses=metadata_addresses,
            proxy=proxy,
        )
        return replace(policy, user_agent=user_agent(contact))

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
