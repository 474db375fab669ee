"""Only addresses of the public internet are public."""

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.http._address import may_be_trusted, why_not_public

NOT_PUBLIC = [
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "100.127.255.255"),  # noqa: S104 - none is listened on
    *("127.0.0.1", "127.255.255.254", "168.63.129.16", "169.254.169.254", "169.254.170.2", "172.16.0.1"),
    *("172.31.255.255", "192.0.0.1", "192.0.0.170", "192.0.2.1", "192.88.99.1", "192.168.0.1", "198.18.0.1"),
    *("198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255", "240.0.0.1"),
    *("255.255.255.255", "::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
    *("::ffff:169.254.169.254", "::ffff:0:127.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe"),
    *("64:ff9b:1::8.8.8.8", "100::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1"),
    *("2001::1", "2001:0:7f00:1::", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::"),
    *("2002:808:808::1", "3fff::1", "5f00::1", "4000::1", "", "localhost", "127.1", "0x7f.0.0.1", "1.2.3.4/8"),
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_what_is_not_public_is_named(address: str) -> None:
    """Every special range, metadata service and IPv4-in-IPv6 form is recognised, with a word for it."""
    assert why_not_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255"),
        *("128.0.0.0", "168.63.129.15", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.167.255.255"),
        *("198.17.255.255", "198.20.0.0", "223.255.255.255", "2606:4700::1111", "2001:4860:4860::8888"),
        *("2001:200::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2003::1", "3ffe:ffff::1"),
    ],
)
def test_what_is_public_passes(address: str) -> None:
    """The neighbours of special ranges are public, and so is a public IPv4 address reached through IPv6."""
    assert why_not_public(address) is None


@pytest.mark.parametrize(
    ("host", "trusted"),
    [
        *(
            (host, True)
            for host in ("dogs.example", "8.8.8.8", "127.0.0.1", "::1", "192.168.0.5", "100.64.0.1", "fd00::1")
        ),
        *((host, False) for host in ("169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16")),
        *(
            (host, False)
            for host in ("fd00:ec2::254", "fd20:ce::254", "fe80::1", "::ffff:169.254.169.254", "224.0.0.1")
        ),
    ],
)
def test_nobody_is_advised_to_trust_a_metadata_service(host: str, trusted: bool) -> None:
    """What may be somebody's own API, and what is none for sure."""
    assert may_be_trusted(host) is trusted


@given(st.integers(0, 2**32 - 1))
def test_ipv4_is_never_laxer_than_the_registry(number: int) -> None:
    """What the standard library calls special, in any way, is not public here either, in IPv6 clothes included."""
    address = IPv4Address(number)
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert why_not_public(str(address))
    for network in ("::ffff:0:0", "64:ff9b::"):
        dressed = IPv6Address(int(IPv6Address(network)) | number)
        assert bool(why_not_public(str(dressed))) == bool(why_not_public(str(address)))
    for network in ("::", "64:ff9b:1::"):
        assert why_not_public(str(IPv6Address(int(IPv6Address(network)) | number)))
    assert why_not_public(str(IPv6Address((0x2002 << 112) | (number << 80) | 1)))


@given(st.integers(0, 2**128 - 1))
def test_ipv6_is_never_laxer_than_the_registry(number: int) -> None:
    """What the standard library calls special, in any way, is not public here either."""
    address = IPv6Address(number)
    if address.is_private or address.is_multicast or address.is_link_local or address.is_reserved:
        assert why_not_public(str(address))
