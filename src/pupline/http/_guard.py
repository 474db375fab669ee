"""Which addresses of a host may be connected to: public ones, and what the user trusts, within its limits."""

from collections.abc import Sequence

from pupline.errors import BlockedAddress
from pupline.http._address import A_USERS_OWN, advice_on, beyond_trust, why_not_public
from pupline.http._policy import FetchPolicy
from pupline.http._url import Url
from pupline.text import printable


def check_addresses(url: Url, addresses: Sequence[str], policy: FetchPolicy, where: str) -> None:
    """Refuse a host for where it is. addresses: all that it has. where: the request, for the message.

    Raises: BlockedAddress.
    """
    if url.origin in policy.trusted:
        _refuse_beyond_trust(url, addresses, policy.metadata_addresses, where)
    else:
        _refuse_unless_public(url, addresses, where)


def _refuse_unless_public(url: Url, addresses: Sequence[str], where: str) -> None:
    # One bad address refuses the whole host: a name that points both inside and outside is an attack or a mistake, and
    # picking the public ones would make the outcome depend on the resolver's order.
    for address in addresses:
        kind = why_not_public(address)
        if kind is not None:
            found = _found(url, address, kind)
            advice = advice_on(url.origin, may_be_trusted=kind in A_USERS_OWN)
            raise BlockedAddress(f"{where}: {found} is not on the public internet; {advice}")


def _refuse_beyond_trust(url: Url, addresses: Sequence[str], allowed: frozenset[str], where: str) -> None:
    for address in addresses:
        kind = beyond_trust(address)
        plain = address.partition("%")[0]
        if kind is not None and plain not in allowed:
            raise BlockedAddress(
                f"{where}: {_found(url, address, kind)} is not asked even for an origin that is allowed; if you mean "
                f"it, give --allow-metadata-address {printable(plain, 60)}"
            )


def _found(url: Url, address: str, kind: str) -> str:
    found = f"{printable(address, 60)} ({kind})"
    return found if address == url.origin.host else f"{url.origin.host} is at {found}, which"
