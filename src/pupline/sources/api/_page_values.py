"""Links, cursors and totals on a page, each converted to one type."""

import re

from pupline.errors import InvalidUrl, SourceError
from pupline.http import Url
from pupline.sources.api._paginator import PageResponse
from pupline.specs import Expression, described
from pupline.text import printable

_MAX_CURSOR = 4096
_MAX_TOTAL = 10**15
# 120, 120.0, 1,234: how people and spreadsheets write a whole number.
_WHOLE = re.compile(r"(?:[0-9]{1,15}|[0-9]{1,3}(?:,[0-9]{3}){1,4})(?:\.0{1,6})?")


def link_from(value: object, page: PageResponse, what: str) -> str | None:
    """The absolute URL of the next page; None at the end. Raises: SourceError for a link that cannot be followed."""
    if value is None or value == "" or value is False:
        return None
    if not isinstance(value, str):
        raise SourceError(f"{what} gives {described(value)}; it should be a link, or null at the end")
    return followed(value, page, what)


def followed(link: str, page: PageResponse, what: str) -> str:
    """The absolute URL of `link`, which may be relative. Raises: SourceError for one that cannot be followed."""
    try:
        url = Url.parse(page.url).join(link)
    except InvalidUrl as err:
        raise SourceError(f"{what} gives a link that cannot be followed: {err}") from err
    if url.origin not in page.allowed:
        advice = "the next page must be on the API's own origin"
        if url.origin.host == Url.parse(page.url).origin.host:
            advice = f"if that is where it is, name {url.origin} in its base URL"
        raise SourceError(f"{what} leads to {printable(str(url), 120)}, away from the API; {advice}")
    return page.clean(str(url))


def says_more(path: Expression | None, page: PageResponse, *, is_first: bool) -> bool | None:
    """Whether the page announces a further one; None where it does not say. path: a spec's `has_more_path`.

    Raises: SourceError where the first page does not say.
    """
    found = None if path is None else path.search(page.body)
    if path is not None and found is None and is_first:
        raise SourceError(
            f"has_more_path ({printable(path.text, 60)}) gives null; it should be true, or false on the last page"
        )
    return None if found is None else found not in (False, 0, "", "0", "false", [], {})


def larger_total(known: int | None, announced: int | None) -> int | None:
    """The larger of two announced totals, of which an earlier page may have had the first.

    An API that announces less and less has lost items on the way, or pages shift while they are listed.
    """
    return max((total for total in (known, announced) if total is not None), default=None)


def cursor_on_page(path: Expression, page: PageResponse, what: str) -> str | None:
    """The cursor at `path` of the page, see `cursor_from`; a fraction as it is written there."""
    found = path.search(page.body)
    if isinstance(found, float):
        exact = path.search(page.exact())
        found = exact if isinstance(exact, str) else repr(found)
    return cursor_from(found, what)


def cursor_from(value: object, what: str) -> str | None:
    """The cursor as text; None at the end. Raises: SourceError for an unusable value."""
    if value is None or value == "" or value is False:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int) or len(str(value)) > _MAX_CURSOR:
        raise SourceError(f"{what} gives {described(value)}; it should be a text or a number, null at the end")
    return sendable(str(value), what)


def sendable(text: str, what: str) -> str:
    """`text`. Raises: SourceError for a lone surrogate, which UTF-8 cannot encode."""
    try:
        text.encode()
    except UnicodeEncodeError as err:
        raise SourceError(
            f"{what} gives {printable(ascii(text), 80)}, with a lone surrogate, which cannot be sent"
        ) from err
    return text


def total_on_page(path: Expression, page: PageResponse) -> int | None:
    """The total at `path` of the page, see `total_from`."""
    return total_from(path.search(page.body), f"total_path ({printable(path.text, 60)})")


def total_from(value: object, what: str) -> int | None:
    """The announced total; None where there is none. Raises: SourceError for anything but a whole number."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        value = float(value.replace(",", ""))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _MAX_TOTAL:
        raise SourceError(f"{what} gives {described(value)}; it should be a whole number, or null where it is unknown")
    return value
