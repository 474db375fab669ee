"""The Host headers that are answered: exactly the address that the console listens on, and names that were allowed.

A page of another site can make its own name resolve to 127.0.0.1, and then read this port as its own origin. Its
requests still carry its name as Host.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from pupline.listening import is_loopback

_WILDCARDS = ("0.0.0.0", "::")  # noqa: S104 - they are looked for
"""All addresses of the machine: then each may be named at which a request arrives."""

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Hosts:
    """The accepted values of Host, in lower case.

    allowed: further names. One without a port is accepted with the port of the console, and with none, as proxies at
    the default ports send it.
    """

    def __init__(self, host: str, port: int, allowed: Iterable[str] = ()) -> None:
        self._is_wildcard = host in _WILDCARDS
        names = {_bracketed(host)}
        if is_loopback(host):
            names.add("localhost")  # which browsers never resolve to another machine
        found = {f"{name}:{port}" for name in names} | (names if port == _DEFAULT_PORTS["http"] else set())
        for name in allowed:
            lower = name.lower()
            found |= {lower} if _has_port(lower) else {lower, f"{lower}:{port}"}
        self._accepted = frozenset(found)

    def accepts(self, host: str, server: Sequence[Any] | None = None) -> bool:
        """Whether a request with this Host may be answered. server: the address at which it arrived."""
        if self._is_wildcard and server is not None and host == f"{_bracketed(server[0])}:{server[1]}":
            return True
        return host.lower() in self._accepted

    def is_same_origin(self, origin: str, host: str) -> bool:
        """Whether an Origin header names the host that the request was sent to. A proxy may have ended its TLS."""
        scheme, separator, authority = origin.lower().partition("://")
        if not separator or scheme not in _DEFAULT_PORTS:
            return False
        default = f":{_DEFAULT_PORTS[scheme]}"
        return authority.removesuffix(default) == host.lower().removesuffix(default)


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host.lower()


def _has_port(name: str) -> bool:
    return ":" in name.rpartition("]")[2]
