"""What may be fetched, how much of it, and for how long; every address is refused or accepted here."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pupline import __version__
from pupline.errors import BlockedAddress, ConfigurationError
from pupline.http._address import (
    USER_NETWORK_KINDS,
    beyond_trust,
    may_be_trusted,
    parse_metadata_address,
    why_not_public,
)
from pupline.http._proxy import Proxy
from pupline.http._url import Origin
from pupline.text import plain_number, printable

USER_AGENT = f"pupline/{__version__} (stores dog images, one request each; asks again only as Retry-After allows)"

# pupline's name in robots.txt files; the user agent begins with it too (RFC 9309, 2.2.1).
PRODUCT = "pupline"

DEFAULT_TIMEOUT_SECONDS = 30.0
DEFAULT_MAX_BYTES = 20 * 1024 * 1024

_CONTACT = re.compile(r"(?:https?://)?[A-Za-z0-9][A-Za-z0-9@:/.?&=#~_%+-]{2,200}")
_USER_AGENT = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,500}[\x21-\x7e])?")


def user_agent(contact: str | None) -> str:
    """The User-Agent of bulk ingestion, with `contact` (an e-mail address or a URL) for the servers' operators.

    Raises: ConfigurationError for a contact that is neither.
    """
    what = f"image datasets; robots.txt: {PRODUCT}"
    if contact is None:
        return f"{PRODUCT}/{__version__} ({what})"
    if not _CONTACT.fullmatch(contact) or not ("@" in contact or "://" in contact):
        raise ConfigurationError(
            f"contact {printable(contact, 60)!r}: give an e-mail address or a URL, such as dogs@example.org"
        )
    return f"{PRODUCT}/{__version__} ({what}; {contact})"


@dataclass(frozen=True, slots=True)
class FetchPolicy:
    """The rules of one HttpClient, which can be pickled. Raises: ConfigurationError for a limit that makes no sense.

    trusted: origins named by the user (the source's own, and `--allow-origin`): their addresses may be private.
    metadata_addresses: those of metadata services, and link-local ones, that trusted origins may have. All others are
        refused, whatever is trusted.
    image_origins: where a preset's API keeps its images. Empty: any public origin. An API that names another one is
        refused, unless that one is trusted.
    timeout_seconds: for the whole request: name resolution, connecting, TLS, headers, body, and all redirects.
    max_bytes: of a body, as received and as decoded.
    max_header_bytes, max_headers: of one response, with its interim responses, chunk extensions and trailers.
    connect_to: (host, port) of a URL to the (address, port) that stands for it, as `curl --connect-to`. Addresses in it
        are not checked: it is for the built-in sample source alone.
    proxy: gets every request but those for `connect_to` and for trusted private addresses.
    """

    trusted: frozenset[Origin] = frozenset()
    image_origins: frozenset[Origin] = frozenset()
    timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS
    max_bytes: int = DEFAULT_MAX_BYTES
    max_redirects: int = 5
    max_header_bytes: int = 32 * 1024
    max_headers: int = 100
    connect_to: Mapping[tuple[str, int], tuple[str, int]] = field(default_factory=dict)
    user_agent: str = USER_AGENT
    metadata_addresses: frozenset[str] = frozenset()
    proxy: Proxy | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.timeout_seconds) and self.timeout_seconds > 0):
            raise ConfigurationError(f"timeout {plain_number(self.timeout_seconds)}: give a number of seconds above 0")
        if not _USER_AGENT.fullmatch(self.user_agent):
            raise ConfigurationError(f"user agent {printable(self.user_agent, 60)!r}: give printable ASCII")
        for address in self.metadata_addresses:
            parse_metadata_address(address)
        for name in ("max_bytes", "max_header_bytes", "max_headers"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name} {getattr(self, name)}: give a number above 0")

    def check_image_origin(self, image: Origin, api: Origin | None, named_by: str) -> None:
        """Refuse an origin where the source does not keep its images. Cheap enough once per host, not per image.

        api: the origin of the API that named it; None for a list. named_by: the source, for the message.
        Raises: BlockedAddress for one that is not among `image_origins`, where those are known, and for plain http
        named by an API on https; not for trusted origins.
        """
        elsewhere = self.image_origins and image not in self.image_origins
        downgrade = api is not None and api.scheme == "https" and image.scheme == "http"
        if (elsewhere or downgrade) and image not in self.trusted:
            advice = _advice_on(image, may_be_trusted=may_be_trusted(image.host))
            raise BlockedAddress(f"{named_by} names an image on {image}, where it does not belong; {advice}")

    def check_addresses(self, origin: Origin, addresses: Sequence[str], where: str) -> None:
        """Refuse a host because of its addresses: only a public one is accepted, or one that the user trusts.

        One bad address refuses the whole host: a name that points both inside and outside is an attack or a mistake,
        and picking the public ones would make the outcome depend on the resolver's order.
        addresses: all that the host has. where: the request, for the message. Raises: BlockedAddress.
        """
        for address in addresses:
            plain = address.partition("%")[0]
            if origin in self.trusted:
                kind = beyond_trust(address)
                if kind is not None and plain not in self.metadata_addresses:
                    raise BlockedAddress(
                        f"{where}: {_shown(origin, address, kind)} is not fetched from even for an origin that is "
                        f"allowed; if you mean it, give --allow-metadata-address {printable(plain, 60)}"
                    )
            elif (kind := why_not_public(address)) is not None:
                advice = _advice_on(origin, may_be_trusted=kind in USER_NETWORK_KINDS)
                raise BlockedAddress(
                    f"{where}: {_shown(origin, address, kind)} is not on the public internet; {advice}"
                )


def _shown(origin: Origin, address: str, kind: str) -> str:
    shown = f"{printable(address, 60)} ({kind})"
    return shown if address == origin.host else f"{origin.host} is at {shown}, which"


def _advice_on(origin: Origin, *, may_be_trusted: bool) -> str:
    return f"if you trust it, give --allow-origin {origin}" if may_be_trusted else "it is never fetched"
