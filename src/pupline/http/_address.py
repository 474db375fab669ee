"""Which addresses belong to the public internet.

Our own table rather than `ipaddress.is_private` or `is_global`: their answers differ between Python releases
(CVE-2024-4032), `is_private` is False for 100.64.0.0/10, and neither looks inside an IPv6 address that carries an
IPv4 one. Sources: the IANA special-purpose address registries for IPv4 and IPv6; cloud providers' pages for metadata
services.

Two kinds are worse than private: a metadata service gives a machine's credentials to any client, at a link-local
address or at one of a few known ones. No trusted origin reaches those, as its name may resolve to them one day; only
their own address does, where it is allowed by itself.
"""

from collections.abc import Callable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from pupline.errors import ConfigurationError
from pupline.text import printable

_IPV4: tuple[tuple[IPv4Network, str], ...] = tuple(
    (IPv4Network(network), kind)
    for network, kind in (
        ("0.0.0.0/8", "this network"),
        ("10.0.0.0/8", "private"),
        ("100.100.100.200/32", "cloud metadata"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "cloud metadata"),
        ("169.254.0.0/16", "link-local"),  # holds 169.254.169.254 and 169.254.170.2, metadata and credentials
        ("172.16.0.0/12", "private"),
        ("192.0.0.192/32", "cloud metadata"),
        ("192.0.0.0/24", "reserved for protocols"),
        ("192.0.2.0/24", "documentation"),
        ("192.31.196.0/24", "AS112 name service"),
        ("192.52.193.0/24", "multicast tunnels"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("192.175.48.0/24", "AS112 name service"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),  # with the broadcast address
    )
)

# Only 2000::/3 is global unicast, so everything outside of it is refused; entries there only name the kind.
_IPV6_GLOBAL = IPv6Network("2000::/3")
_IPV6: tuple[tuple[IPv6Network, str], ...] = tuple(
    (IPv6Network(network), kind)
    for network, kind in (
        ("::/128", "unspecified"),
        ("::1/128", "loopback"),
        ("::/96", "IPv4-compatible"),
        ("64:ff9b:1::/48", "local NAT64"),
        ("100::/64", "discard only"),
        ("fd00:42::42/128", "cloud metadata"),
        ("fd00:ec2::/32", "cloud metadata"),
        ("fd20:ce::/32", "cloud metadata"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("fec0::/10", "site-local"),
        ("ff00::/8", "multicast"),
        ("2001::/32", "Teredo"),
        ("2001::/23", "reserved for protocols"),
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("2620:4f:8000::/48", "AS112 name service"),
        ("3fff::/20", "documentation"),
    )
)
# The two IPv6 forms through which a public IPv4 host is really reached: a dual-stack socket, and the NAT64 of IPv6-only
# networks. The others (compatible, 6to4, Teredo, local NAT64) are refused whatever they carry.
_REACHES_IPV4 = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))

# Every way in which an IPv6 address stands for an IPv4 one, and how to extract that: for the addresses that no trusted
# origin reaches it does not matter whether any network still routes it so.
_STANDS_FOR_IPV4: tuple[tuple[IPv6Network, Callable[[int], int]], ...] = tuple(
    (IPv6Network(network), extract)
    for network, extract in (
        ("::/96", lambda number: number),  # compatible (RFC 4291, 2.5.5.1)
        ("::ffff:0:0/96", lambda number: number),  # mapped (RFC 4291, 2.5.5.2)
        ("::ffff:0:0:0/96", lambda number: number),  # translated (RFC 2765, 2.1)
        ("64:ff9b::/96", lambda number: number),  # NAT64 (RFC 6052, 2.1)
        ("64:ff9b:1::/48", lambda number: number),  # local NAT64 (RFC 8215), with each length of prefix (RFC 6052, 2.2)
        ("64:ff9b:1::/48", lambda number: number >> 24),
        ("64:ff9b:1::/48", lambda number: (number >> 40 & 0xFF000000) | (number >> 32 & 0xFFFFFF)),
        ("64:ff9b:1::/48", lambda number: (number >> 48 & 0xFFFF0000) | (number >> 40 & 0xFFFF)),
        ("2002::/16", lambda number: number >> 80),  # 6to4 (RFC 3056, 2)
        ("2001::/32", lambda number: number >> 64),  # Teredo's server (RFC 4380, 4)
        ("2001::/32", lambda number: ~number),  # Teredo's client
    )
)
_ISATAP = 0x00005EFE  # the first half of an interface identifier (RFC 5214, 6.1), but for its u bit
_ISATAP_MASK = 0xFDFFFFFF

_NO_ADDRESS = "not an address"
_BEYOND_TRUST = frozenset({"cloud metadata", "link-local"})

USER_NETWORK_KINDS = frozenset({"private", "loopback", "carrier-grade NAT"})
"""Where users may run an image API of their own."""


def may_be_trusted(host: str) -> bool:
    """Whether to suggest allowing this host of a URL: a name, a public address, or one in the user's own network."""
    kind = why_not_public(host)
    return kind in {None, _NO_ADDRESS} or kind in USER_NETWORK_KINDS


@lru_cache(maxsize=1024)  # a server that keeps no connection open has its address checked for each image
def why_not_public(address: str) -> str | None:
    """The kind of a non-public address, such as `loopback`; None for a public one.

    address: as a resolver gives it, possibly with an IPv6 zone. A text that is not an address is not public.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return _NO_ADDRESS
    return _ipv4_kind(parsed) if isinstance(parsed, IPv4Address) else _ipv6_kind(parsed) or beyond_trust(address)


@lru_cache(maxsize=1024)
def beyond_trust(address: str) -> str | None:
    """The kind of an address that no trusted origin reaches: `cloud metadata` or `link-local`; None for all others.

    address: as a resolver gives it. An IPv6 address that stands for such an IPv4 one in any way is one too.
    """
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    kinds = [_ipv4_kind(parsed)] if isinstance(parsed, IPv4Address) else [_ipv6_kind(parsed), *_inner_kinds(parsed)]
    return next((kind for kind in kinds if kind in _BEYOND_TRUST), None)


def parse_metadata_address(text: str) -> str:
    """An address that is allowed by itself, as `ip_address` writes it.

    Raises: ConfigurationError for a text that is not an address, or an address that a trusted origin reaches anyway.
    """
    try:
        address = str(ip_address(text))
    except ValueError as err:
        raise ConfigurationError(
            f"--allow-metadata-address {printable(text, 60)!r}: give the address itself, such as 169.254.169.254"
        ) from err
    if beyond_trust(address) is None:
        raise ConfigurationError(
            f"--allow-metadata-address {address}: it is not a metadata or link-local address; give the origin "
            "that has it with --allow-origin"
        )
    return address


def _inner_kinds(address: IPv6Address) -> list[str | None]:
    """The kinds of the IPv4 addresses that an IPv6 address stands for."""
    number = int(address)
    inner = [extract(number) for network, extract in _STANDS_FOR_IPV4 if address in network]
    if number >> 32 & _ISATAP_MASK == _ISATAP:
        inner.append(number)
    return [_ipv4_kind(IPv4Address(one & 0xFFFFFFFF)) for one in inner]


def _ipv4_kind(address: IPv4Address) -> str | None:
    return next((kind for network, kind in _IPV4 if address in network), None)


def _ipv6_kind(address: IPv6Address) -> str | None:
    if any(address in network for network in _REACHES_IPV4):
        inner = IPv4Address(int(address) & 0xFFFFFFFF)
        kind = _ipv4_kind(inner)
        return f"{kind}, as {inner} inside IPv6" if kind else None
    named = next((kind for network, kind in _IPV6 if address in network), None)
    return named or (None if address in _IPV6_GLOBAL else "not global unicast")
