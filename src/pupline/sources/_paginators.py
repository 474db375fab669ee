"""The paginators by name: what a spec may say of each, and the making of one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from pupline.sources import _fields as kinds
from pupline.sources._counting import Offset, PageNumber
from pupline.sources._fields import Field
from pupline.sources._following import Auto, ContinueObject, HeaderCursor, HeaderLink, JsonCursor, JsonLink, SinglePage
from pupline.sources._independent import DateWindow, IdsThenDetail, Repeat
from pupline.sources._paginator import Paginator
from pupline.sources._spec import PaginatorSpec

_EMPTY = {"stop_after_empty_page": Field(kinds.flag)}


@dataclass(frozen=True, slots=True)
class PaginatorKind:
    """A paginator that specs can name. fields: its settings, whose names are the arguments of `make`."""

    make: type[Paginator]
    fields: Mapping[str, Field]


PAGINATORS: Final[Mapping[str, PaginatorKind]] = MappingProxyType(
    {
        "single_page": PaginatorKind(SinglePage, {}),
        "json_link": PaginatorKind(JsonLink, {"next_url_path": Field(kinds.expression, required=True), **_EMPTY}),
        "header_link": PaginatorKind(HeaderLink, {"links_next_key": Field(kinds.text), **_EMPTY}),
        "header_cursor": PaginatorKind(
            HeaderCursor,
            {
                "cursor_key": Field(kinds.header_name, required=True),
                "cursor_param": Field(kinds.text, required=True),
                **_EMPTY,
            },
        ),
        "offset": PaginatorKind(
            Offset,
            {
                "limit": Field(kinds.whole(1), required=True),
                "offset_param": Field(kinds.text),
                "limit_param": Field(kinds.text),
                "total_path": Field(kinds.expression),
                **_EMPTY,
            },
        ),
        "page_number": PaginatorKind(
            PageNumber,
            {
                "base_page": Field(kinds.whole(0)),
                "page_param": Field(kinds.text),
                "total_path": Field(kinds.expression),
                **_EMPTY,
            },
        ),
        "cursor": PaginatorKind(
            JsonCursor,
            {
                "cursor_path": Field(kinds.expression, required=True),
                "cursor_param": Field(kinds.text, required=True),
                **_EMPTY,
            },
        ),
        "auto": PaginatorKind(Auto, {**_EMPTY}),
        "repeat": PaginatorKind(
            Repeat,
            {
                "times": Field(kinds.whole(1)),
                "max_empty": Field(kinds.whole(1)),
                "size": Field(kinds.whole(1)),
            },
        ),
        "continue_object": PaginatorKind(ContinueObject, {"path": Field(kinds.expression), **_EMPTY}),
        "date_window": PaginatorKind(
            DateWindow,
            {
                "start": Field(kinds.day, required=True),
                "end": Field(kinds.day),
                "step": Field(kinds.whole(1, 3660)),
                "start_param": Field(kinds.text),
                "end_param": Field(kinds.text),
                **_EMPTY,
            },
        ),
        "ids_then_detail": PaginatorKind(
            IdsThenDetail,
            {
                "ids": Field(kinds.expression, required=True),
                "path": Field(kinds.text, required=True),
                "params": Field(kinds.scalars),
                **_EMPTY,
            },
        ),
    }
)


def paginator_of(spec: PaginatorSpec, count: int | None = None, today: date | None = None) -> Paginator:
    """The paginator that `spec` says, at its first page.

    count: how many items will be taken: a random API need not be asked for more at once. today: what `today` in the
    settings means; the day in UTC unless given.
    """
    settings: dict[str, Any] = dict(spec.settings)
    if spec.type == "date_window":
        days = {"end": "today", **settings}
        now = today or datetime.now(UTC).date()
        named = {"today": now, "yesterday": now - timedelta(days=1)}
        settings |= {name: named.get(days[name], days[name]) for name in ("start", "end")}
    if spec.type == "repeat" and count is not None and "size" in settings:
        settings["size"] = max(1, min(settings["size"], count))
    return PAGINATORS[spec.type].make(**settings)
