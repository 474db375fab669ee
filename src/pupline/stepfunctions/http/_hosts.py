"""The Host headers that are accepted: a page that rebinds its own name to this machine must not reach the port.

An address as Host is safe, because a browser sends it only for pages of that address. Names are accepted that
always mean this machine, or that the operator has given. SDKs put `sync-` before the host of StartSyncExecution
and TestState.
"""

import ipaddress
from dataclasses import dataclass

_PREFIX = "sync-"


@dataclass(frozen=True, slots=True)
class HostCheck:
    """allowed: names besides localhost and addresses, in lower case."""

    allowed: frozenset[str] = frozenset()

    def accepts(self, host: str) -> bool:
        """Whether a Host header may be answered. host: with or without a port."""
        name = _without_port(host.strip().lower()).removesuffix(".")
        return any(self._is_ours(one) for one in {name, name.removeprefix(_PREFIX)})

    def _is_ours(self, name: str) -> bool:
        return name == "localhost" or name.endswith(".localhost") or name in self.allowed or _is_address(name)


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
