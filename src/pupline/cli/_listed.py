"""Whether what a source lists can be fetched at all."""

from typing import TYPE_CHECKING

from pupline.errors import InvalidUrl
from pupline.text import plural

if TYPE_CHECKING:
    from pupline.tasks.items import SourceItem


def can_be_fetched(item: "SourceItem") -> bool:
    """Whether the item's URL is one, and not what is wrong with a row."""
    from pupline.http import Url

    try:
        Url.parse(item.url)
    except InvalidUrl:
        return False
    return True


def nothing_usable(shown: int) -> str:
    """That none of the items shown can be fetched, which is a failure of the source."""
    return f"None of the {plural(shown, 'row')} shown names a URL that can be fetched."
