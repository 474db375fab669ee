"""Where a redirect leads, and every reason to refuse it but one.

The one that is not here: each URL that a redirect names is fetched like the first one, so its addresses are checked
when a connection to it is opened (`FetchPolicy.check_addresses`).
"""

from collections.abc import Sequence

from pupline.errors import BlockedAddress, HttpError, InvalidUrl, TooManyRedirects
from pupline.http._head import ResponseHead
from pupline.http._url import Url
from pupline.text import printable

STATUSES = frozenset({301, 302, 303, 307, 308})


def redirect_target(head: ResponseHead, method: str, visited: Sequence[Url], max_redirects: int, where: str) -> Url:
    """The URL that a redirect names.

    method: of the request. visited: its first URL, and those that redirects have led to. where: it, for messages.
    Raises: HttpError, InvalidUrl, TooManyRedirects, BlockedAddress.
    """
    location = head.single("location")
    if location is None:
        raise HttpError(
            f"{where}: the server answered {head.status} without one Location to go to; name the final URL instead"
        )
    here = visited[-1]
    try:
        target = here.join(location)
    except InvalidUrl as err:
        raise InvalidUrl(f"{where}: the server redirects to a URL that is not followed: {err}") from err
    if method == "POST":  # its content, a secret perhaps, is for the first URL only
        raise HttpError(
            f"{where}: the server redirects to {printable(str(target))}, where nothing is posted; "
            "name the final URL instead"
        )
    redirect = f"{printable(str(visited[0]))}: the redirect to {printable(str(target))}"
    if target in visited:
        raise TooManyRedirects(f"{redirect} is a loop; name the final URL instead")
    if len(visited) > max_redirects:
        raise TooManyRedirects(
            f"{redirect} is one more than the {max_redirects} that are followed; name the final URL instead"
        )
    if here.origin.scheme == "https" and target.origin.scheme == "http":
        raise BlockedAddress(f"{redirect} leaves https for http; it is not followed")
    return target
