"""The paginator that a spec names."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from pupline.sources.api._independent_pages import DateWindow, IdsThenDetail, Repeat
from pupline.sources.api._links_and_cursors import (
    Auto,
    ContinueObject,
    HeaderCursor,
    HeaderLink,
    JsonCursor,
    JsonLink,
    SinglePage,
)
from pupline.sources.api._offsets_and_pages import Offset, PageNumber
from pupline.sources.api._paginator import Paginator
from pupline.specs import PaginatorSpec

_CLASSES: Final[Mapping[str, type[Paginator]]] = MappingProxyType(
    {
        "single_page": SinglePage,
        "json_link": JsonLink,
        "header_link": HeaderLink,
        "header_cursor": HeaderCursor,
        "offset": Offset,
        "page_number": PageNumber,
        "cursor": JsonCursor,
        "auto": Auto,
        "repeat": Repeat,
        "continue_object": ContinueObject,
        "date_window": DateWindow,
        "ids_then_detail": IdsThenDetail,
    }
)


def paginator_of(spec: PaginatorSpec, count: int | None = None, today: date | None = None) -> Paginator:
    """The paginator of `spec`, at its first page.

    count: items that will be taken; a random API gets no larger requests. today: the day in UTC by default.
    """
    settings: dict[str, Any] = dict(spec.settings)
    if spec.type == "date_window":
        days = {"end": "today", **settings}
        now = today or datetime.now(UTC).date()
        named = {"today": now, "yesterday": now - timedelta(days=1)}
        settings |= {name: named.get(days[name], days[name]) for name in ("start", "end")}
    if spec.type == "repeat" and count is not None and "size" in settings:
        settings["size"] = max(1, min(settings["size"], count))
    return _CLASSES[spec.type](**settings)
