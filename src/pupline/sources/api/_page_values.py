"""What an API tells of its pages: links, cursors and totals, brought to one type each."""

import re

from pupline.errors import InvalidUrl, SourceError
from pupline.http import Url
from pupline.sources.api._paginator import PageResponse
from pupline.specs import Expression, described
from pupline.text import printable

_MAX_CURSOR = 4096
_MAX_TOTAL = 10**15
# 120, 120.0, 1,234: as people and as spreadsheets write a whole number.
_WHOLE = re.compile(r"(?:[0-9]{1,15}|[0-9]{1,3}(?:,[0-9]{3}){1,4})(?:\.0{1,6})?")


def link_from(value: object, answer: PageResponse, what: str) -> str | None:
    """The absolute URL of the next page, None at the end. Raises: SourceError for a link that is not followed."""
    if value is None or value == "" or value is False:
        return None
    if not isinstance(value, str):
        raise SourceError(f"{what} gives {described(value)}; it should be a link, or null at the end")
    return followed(value, answer, what)


def followed(link: str, answer: PageResponse, what: str) -> str:
    """The absolute URL that `link`, maybe a relative one, means. Raises: SourceError for one that is not followed."""
    try:
        url = Url.parse(answer.url).join(link)
    except InvalidUrl as err:
        raise SourceError(f"{what} gives a link that cannot be followed: {err}") from err
    if url.origin not in answer.allowed:
        advice = "the next page is asked for from the API's own origin alone"
        if url.origin.host == Url.parse(answer.url).origin.host:
            advice = f"if that is where it is, name {url.origin} in its base URL"
        raise SourceError(f"{what} leads to {printable(str(url), 120)}, away from the API; {advice}")
    return answer.clean(str(url))


def cursor_at(path: Expression, answer: PageResponse, what: str) -> str | None:
    """The cursor that the page holds at `path`, as `cursor_from`; a fraction as it is written there."""
    found = path.search(answer.page)
    if isinstance(found, float):
        exact = path.search(answer.exact())
        found = exact if isinstance(exact, str) else repr(found)
    return cursor_from(found, what)


def cursor_from(value: object, what: str) -> str | None:
    """The cursor as text; None at the end. Raises: SourceError for what cannot be one."""
    if value is None or value == "" or value is False:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int) or len(str(value)) > _MAX_CURSOR:
        raise SourceError(f"{what} gives {described(value)}; it should be a text or a number, null at the end")
    return sendable(str(value), what)


def sendable(text: str, what: str) -> str:
    """`text`, when a URL can hold it. Raises: SourceError for half a surrogate pair, which UTF-8 cannot write."""
    try:
        text.encode()
    except UnicodeEncodeError as err:
        raise SourceError(
            f"{what} gives {printable(ascii(text), 80)}, with half a surrogate pair that cannot be sent"
        ) from err
    return text


def total_from(value: object, what: str) -> int | None:
    """A count that the API tells, None where it does not. Raises: SourceError for what is not a count."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and _WHOLE.fullmatch(value.strip()):
        value = float(value.replace(",", ""))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _MAX_TOTAL:
        raise SourceError(f"{what} gives {described(value)}; it should be a whole number, or null where it is unknown")
    return value
