"""Where images come from: the presets, or an API that the user names."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from pupline.errors import ConfigurationError, InvalidUrl
from pupline.http._address import parse_metadata_address
from pupline.http._policy import DEFAULT_MAX_BYTES, DEFAULT_TIMEOUT_SECONDS, FetchPolicy
from pupline.http._proxy import Proxy
from pupline.http._url import Origin, Url
from pupline.text import printable

# The name of the sample source in URLs and records: .invalid is in no DNS (RFC 2606), and the port of its server, which
# changes from run to run, stays out of them.
SAMPLE_ORIGIN = Origin("http", "sample.pupline.invalid", 80)

_SPEC_FILE = re.compile(r".*\.(?:json|ya?ml|toml)|(?:\.{0,2}/).*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Source:
    """An API that names images.

    name: what audit records hold as `source`. trusted: origins whose addresses may be private. image_origins: where its
    images are; empty for any public origin. sample: which built-in server must run for it, None for a real source.
    """

    name: str
    base_url: str
    trusted: frozenset[Origin] = frozenset()
    image_origins: frozenset[Origin] = frozenset()
    sample: Literal["friendly", "hostile"] | None = None

    def policy(
        self,
        *,
        allow_origins: Iterable[str] = (),
        timeout_seconds: float = DEFAULT_TIMEOUT_SECONDS,
        max_bytes: int = DEFAULT_MAX_BYTES,
        sample_port: int | None = None,
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
            metadata_addresses=frozenset(map(parse_metadata_address, metadata_addresses)),
            proxy=proxy,
        )


PRESETS = MappingProxyType(
    {
        "dog-ceo": Source(
            "dog-ceo",
            "https://dog.ceo/api",
            image_origins=frozenset({Origin("https", "images.dog.ceo", 443), Origin("https", "dog.ceo", 443)}),
        ),
        "sample": Source("sample", f"{SAMPLE_ORIGIN}/api", sample="friendly"),
        "sample-hostile": Source("sample-hostile", f"{SAMPLE_ORIGIN}/api", sample="hostile"),
    }
)


def resolve_source(value: str) -> Source:
    """The source that a user means: a preset's name, or the base URL of a Dog-CEO-compatible API.

    The origin of a URL given here is trusted: the user named it. Raises: ConfigurationError.
    """
    if value in PRESETS:
        return PRESETS[value]
    if "://" in value:
        return _named_by_user(value)
    raise ConfigurationError(f"source {printable(value)!r}: {_advice(value)}")


def base_url_of(value: str) -> Url:
    """The base URL of an API that a user typed. Raises: ConfigurationError."""
    try:
        url = Url.parse(value)
    except InvalidUrl as err:
        raise ConfigurationError(f"source {err}") from err
    if url.query or "#" in value:
        raise ConfigurationError(
            f"source {printable(value)}: give the base URL alone, without ? and #, such as {url.origin}/api"
        )
    return url


def _named_by_user(value: str) -> Source:
    url = base_url_of(value)
    base_url = str(url).rstrip("/")
    return Source(base_url, base_url, trusted=frozenset({url.origin}))


def _advice(value: str) -> str:
    if _SPEC_FILE.fullmatch(value):
        return (
            f"spec files end in .toml, and are read by pupline run and pupline ingest; give one there, or {_choices()}"
        )
    close = difflib.get_close_matches(value.lower(), PRESETS, n=1, cutoff=0.5)
    if close:
        return f"there is no such source; did you mean {close[0]}?"
    if re.fullmatch(r"[A-Za-z0-9.-]+(?::[0-9]+)?(?:/.*)?", value) and re.search(r"[.:]", value):
        return f"a URL begins with its scheme; did you mean https://{printable(value)}?"
    return f"there is no such source; give {_choices()}"


def _choices() -> str:
    return (
        f"one of {', '.join(PRESETS)}, or the base URL of a Dog-CEO-compatible API, such as http://127.0.0.1:8099/api"
    )
