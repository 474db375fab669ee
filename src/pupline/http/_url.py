"""URLs, read strictly: an ambiguous one is refused before anything is looked up.

`urllib.parse.urlsplit` is not used to read them: it drops tabs and newlines inside a URL and spaces before it, accepts
user information, and leaves the many spellings of an IPv4 address (`2130706433`, `0x7f.1`, `127.1`) to the C library,
which understands them all. Here a host is either a DNS name, or a dotted quad, or an IPv6 address in brackets; nothing
else reaches a resolver. A name with letters beyond ASCII is converted to its `xn--` form, on which all checks are made,
if IDNA 2003, IDNA 2008 and the browsers' UTS 46 agree about it. They do, apart from letter case and composition,
unless it holds characters that one of them maps to others: full-width digits, ligatures, `ß`, invisible ones.
"""

import ipaddress
import re
from functools import lru_cache
from typing import Literal, NamedTuple
from urllib.parse import quote, unquote_to_bytes, urljoin

from pupline.errors import ConfigurationError, InvalidUrl
from pupline.text import printable

Scheme = Literal["http", "https"]

# What browsers and servers accept in practice; longer ones are an attack or an accident.
MAX_URL_CHARACTERS = 4096
MAX_NAME_CHARACTERS = 253
DEFAULT_PORTS: dict[Scheme, int] = {"http": 80, "https": 443}

_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<authority>[^/?#]*)(?P<path>[^?#]*)(?P<query>\?[^#]*)?(?:#.*)?"
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_AUTHORITY = re.compile(r"(?P<host>\[[^\[\]]*\]|[^\[\]:]*)(?::(?P<port>.*))?")
_DOTTED_QUAD = re.compile(r"(?:(?:0|[1-9][0-9]{0,2})\.){3}(?:0|[1-9][0-9]{0,2})")
_LABEL = re.compile(r"[a-z0-9_][a-z0-9_-]{0,62}")  # some labels in use end in a hyphen, against the rules
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_DOTS = frozenset("\u3002\uff0e\uff61")  # dots to IDNA 2003
_ASCII = re.compile(r"[\x00-\x7f]")
_PORT = re.compile(r"[1-9][0-9]{0,4}")
# What a list yields for a row without a usable URL: the text says what is wrong, so it is the whole message.
_ROW_PROBLEM = re.compile(r"(?:line|row|value) [0-9]+: ")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# The spelling of nearly all URLs of images: after the origin, only characters that stay as they are.
_PLAIN = re.compile(
    r"(https?://[A-Za-z0-9.:_-]++)"
    r"((?:/[A-Za-z0-9!$%&'()*+,./:;=@_~-]*+)?+)"
    r"((?:\?[A-Za-z0-9!$%&'()*+,./:;=?@_~-]*+)?+)"
)
# What RFC 3986 allows unencoded in a path or query, and `%`, since the URL came encoded.
_SAFE = "!$%&'()*+,-./:;=?@_~"


class Origin(NamedTuple):
    """Scheme, host and port. Trust is for exactly one origin: another port is another origin."""

    scheme: Scheme
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Origin":
        """The origin that a user typed, such as `http://127.0.0.1:8099`. Raises: ConfigurationError."""
        try:
            url = Url.parse(text)
        except InvalidUrl as err:
            raise ConfigurationError(
                f"not an origin: {err}; write scheme, host and port, such as http://127.0.0.1:8099"
            ) from err
        if text.rstrip("/").count("/") != 2 or "?" in text or "#" in text:
            raise ConfigurationError(
                f"{printable(text)}: an origin ends after host and port; write {url.origin} to allow all its paths"
            )
        return url.origin

    def __str__(self) -> str:
        return f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        """Host and port as the Host header wants them: without the scheme's default port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


class Url(NamedTuple):
    """An absolute http or https URL without user information or fragment, percent-encoded throughout."""

    origin: Origin
    path: str
    query: str

    @classmethod
    def parse(cls, text: str) -> "Url":
        """Read `text`. Raises: InvalidUrl, naming what is wrong with it."""
        plain = _PLAIN.fullmatch(text)
        if plain is None or len(text) > MAX_URL_CHARACTERS:
            return cls._parse_carefully(text)
        origin, path, query = plain.groups()
        try:
            return cls(_origin(origin), path or "/", query)
        except InvalidUrl:
            return cls._parse_carefully(text)  # for an error that shows all of it

    @classmethod
    def _parse_carefully(cls, text: str) -> "Url":
        if _ROW_PROBLEM.match(text):
            raise InvalidUrl(printable(text))
        _refuse_characters(text)
        parts = _URL.fullmatch(text)
        if parts is None:
            raise _invalid(text, "it is not an absolute URL", "write it in full, such as https://host/path")
        origin = _parse_origin(text, parts["scheme"].lower(), parts["authority"])
        return cls(origin, _encoded(text, parts["path"]) or "/", _encoded(text, parts["query"] or ""))

    def join(self, location: str) -> "Url":
        """The URL of a Location header, or of a page's link, in the response to this one. Raises: InvalidUrl."""
        _refuse_characters(location)
        # urljoin takes `http:///host/` and `///host/` for paths, browsers take them for hosts.
        if location.startswith("//"):
            return Url.parse(f"{self.origin.scheme}:{location}")
        if _SCHEME.match(location):
            return Url.parse(location)
        try:
            joined = urljoin(str(self), location)
        except ValueError as err:
            raise _invalid(location, "it is not a URL", "that is the server's mistake") from err
        return Url.parse(joined)

    @property
    def target(self) -> str:
        """Path and query."""
        return self.path + self.query

    def segments(self) -> list[str]:
        """The path's parts, each percent-decoded once."""
        if "%" not in self.path:
            return [part for part in self.path.split("/") if part]
        return [unquote_to_bytes(part).decode("utf-8", "replace") for part in self.path.split("/") if part]

    def __str__(self) -> str:
        return f"{self.origin}{self.target}"


def is_literal(host: str) -> bool:
    """Whether an origin's host is an address, not a name."""
    return ":" in host or host.rpartition(".")[2].isdigit()


@lru_cache(maxsize=4096)  # a run has few origins, and many URLs of each
def _origin(text: str) -> Origin:
    return Url._parse_carefully(text).origin  # noqa: SLF001 - the other half of Url.parse


def _invalid(text: str, found: str, advice: str) -> InvalidUrl:
    return InvalidUrl(f"{printable(text) or 'an empty text'}: {found}; {advice}")


def _refuse_characters(text: str) -> None:
    if len(text) > MAX_URL_CHARACTERS:
        raise _invalid(text, f"the URL has {len(text)} characters", f"at most {MAX_URL_CHARACTERS} are accepted")
    if _CONTROL.search(text) or "\\" in text:
        raise _invalid(text, "the URL holds a control character or a backslash", "percent-encode it if it is meant")
    if text != text.strip():
        raise _invalid(text, "the URL begins or ends with a space", "remove it")


def _parse_origin(text: str, scheme_text: str, authority: str) -> Origin:
    scheme = next((known for known in DEFAULT_PORTS if known == scheme_text), None)
    if scheme is None:
        raise _invalid(text, f"the scheme is {printable(scheme_text, 20)}", "only http and https are fetched")
    if "@" in authority:
        raise _invalid(text, "the URL holds a user name or password", "remove everything before the @")
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None:
        raise _invalid(text, "the host is malformed", "write a name, a dotted IPv4 address or [IPv6]")
    host, port = _host(text, parts["host"]), parts["port"]
    if not port:  # a colon alone means the default port (RFC 3986, 3.2.3)
        return Origin(scheme, host, DEFAULT_PORTS[scheme])
    if not _PORT.fullmatch(port) or int(port) > 65535:
        raise _invalid(text, f"the port is {printable(port, 20)!r}", "ports are written 1 to 65535, or left out")
    return Origin(scheme, host, int(port))


def _host(text: str, host: str) -> str:
    if host.startswith("["):
        return _ipv6(text, host[1:-1])
    if not host:
        raise _invalid(text, "the host is missing", "write it in full, such as https://host/path")
    if not host.isascii():  # checked before lower(), which turns the Kelvin sign into a plain k
        host = _in_ascii(text, host)
    is_absolute = host.endswith(".")  # allowed for a name: no search domain is appended
    host = host.removesuffix(".").lower()
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        if is_absolute:
            raise _invalid(text, "the host is an address that ends in a dot", "remove the dot")
        # A last label that is a number makes the whole an IPv4 address (as in the URL standard), whatever precedes it.
        if not _DOTTED_QUAD.fullmatch(host) or any(int(part) > 255 for part in labels):
            advice = "write four decimal numbers, such as 192.0.2.1"
            raise _invalid(text, "the host is an oddly written IPv4 address", advice)
        return host
    if len(host) > MAX_NAME_CHARACTERS or not all(_LABEL.fullmatch(label) for label in labels):
        raise _not_a_name(text)
    return host


def _in_ascii(text: str, host: str) -> str:
    if len(host) > MAX_NAME_CHARACTERS:
        raise _not_a_name(text)
    if not _DOTS.isdisjoint(host):
        raise _ambiguous(text)
    return ".".join(label if label.isascii() else _ascii_label(text, label) for label in host.split("."))


def _ascii_label(text: str, label: str) -> str:
    """The `xn--` form of a label. Source: RFC 3490, 4.1, where its result is that of RFC 5891 and UTS 46 too."""
    from encodings.idna import nameprep
    from unicodedata import normalize

    lower = [normalize("NFC", character.lower()) for character in label]
    try:
        prepared = nameprep(label)
    except UnicodeError as err:  # characters that no name may hold, or of two directions
        raise _ambiguous(text) from err
    borrowed = any(not old.isascii() and _ASCII.search(new) for old, new in zip(label, lower, strict=True))
    if borrowed or prepared != normalize("NFC", "".join(lower)) or prepared.startswith("xn--"):
        raise _ambiguous(text)
    return f"xn--{prepared.encode('punycode').decode('ascii')}"


def _not_a_name(text: str) -> InvalidUrl:
    return _invalid(text, "the host is not a DNS name", "use letters, digits, hyphens and single dots")


def _ambiguous(text: str) -> InvalidUrl:
    found = "the host holds characters that systems read differently, or that no name may hold"
    return _invalid(text, found, "write the name in its xn-- form")


def _ipv6(text: str, host: str) -> str:
    try:
        if "%" in host:
            raise ValueError("a zone")  # noqa: TRY301 - one answer for all malformed addresses
        return str(ipaddress.IPv6Address(host))
    except ValueError as err:
        raise _invalid(text, "there is no IPv6 address in the brackets", "write it such as [2001:db8::1]") from err


def _encoded(text: str, part: str) -> str:
    try:
        return quote(part, safe=_SAFE)
    except UnicodeEncodeError as err:
        raise _invalid(text, "the URL holds half a surrogate pair", "write it in UTF-8") from err
