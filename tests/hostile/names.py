"""Scenarios: what a name means, and how that changes between the check and the use."""

from tests.hostile.name_server import OWN, SILENT, UNKNOWN
from tests.hostile.scenario import Scenario, answer, closing, in_turn, picture


def at(name: str, *addresses: str) -> Scenario:
    """A name with addresses of which nothing may be fetched."""
    return Scenario(
        name=name,
        does=answer(picture(name)),
        outcome="refused",
        reason="blocked_address",
        requests=0,
        lookups=(addresses,),
        is_alone=True,
        needs_names=True,
    )


def unresolved(name: str, *answers: str) -> Scenario:
    """A name without an address. In bulk, its robots.txt is what cannot be had."""
    return Scenario(
        name=name,
        does=answer(picture(name)),
        outcome="failed",
        reason="connection_error",
        in_bulk=("failed", "connection_error"),
        requests=0,
        lookups=(answers,),
        is_alone=True,
        needs_names=True,
    )


def reached(name: str, *addresses: str) -> Scenario:
    """A name of several addresses, of which one answers: the image is stored."""
    body = picture(name)
    return Scenario(
        name=name,
        does=answer(body),
        outcome="stored",
        reason="accepted",
        body=body,
        lookups=(addresses,),
        needs_names=True,
    )


def rebound(name: str, *inside: str) -> Scenario:
    """A name that moves inside after its first answer, which asks to come back at once: on a new connection."""
    return Scenario(
        name=name,
        does=in_turn(closing(answer(b"", "Retry-After: 0", status="503 Busy")), answer(picture(name))),
        outcome="refused",
        reason="blocked_address",
        lookups=((OWN,), inside),
        is_alone=True,
        needs_names=True,
    )


INSIDE = {
    "at-loopback": "127.0.0.1",
    "at-private-10": "10.0.0.1",
    "at-private-172": "172.31.255.254",
    "at-private-192": "192.168.0.1",
    "at-carrier-nat": "100.127.255.255",
    "at-metadata": "169.254.169.254",
    "at-metadata-of-ecs": "169.254.170.2",
    "at-metadata-of-alibaba": "100.100.100.200",
    "at-metadata-of-azure": "168.63.129.16",
    "at-metadata-of-oracle": "192.0.0.192",
    "at-nowhere": "0.0.0.0",  # noqa: S104 - an address to refuse
    "at-benchmarking": "198.19.0.1",
    "at-documentation": "192.0.2.1",
    "at-multicast": "239.1.1.1",
    "at-broadcast": "255.255.255.255",
    "at-loopback-6": "::1",
    "at-mapped": "::ffff:10.0.0.1",
    "at-compatible": "::127.0.0.1",
    "at-nat64": "64:ff9b::10.0.0.1",
    "at-6to4": "2002:a00:1::1",
    "at-teredo": "2001:0:a00:1::1",
    "at-metadata-6": "fd00:ec2::254",
    "at-link-local-6": "fe80::1",
    "at-private-6": "fd12:3456::1",
    "at-isatap": "2001:db8::5efe:a9fe:a9fe",
}

SCENARIOS = [
    *[at(name, address) for name, address in INSIDE.items()],
    at("at-both", OWN, "10.0.0.1"),
    at("at-both-the-other-way", "10.0.0.1", OWN),
    at("at-both-in-6", OWN, "::1"),
    at("at-one-inside-of-many", *[f"93.184.9.{number}" for number in range(1, 30)], "192.168.0.1"),
    unresolved("unknown-name", *UNKNOWN),
    unresolved("name-without-addresses"),
    unresolved("silent-name", *SILENT),
    reached("at-one-that-is-closed", "2606:4700::1", OWN),
    reached("at-many", *[OWN] * 20),
    rebound("rebound-to-loopback", "127.0.0.1"),
    rebound("rebound-to-metadata", "169.254.169.254"),
    rebound("rebound-to-both", OWN, "10.0.0.1"),
]
