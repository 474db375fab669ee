"""The paginators that a spec may name, and the settings of each. `pupline.sources` has the paginators themselves."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pupline.specs import _fields as kinds
from pupline.specs._fields import Field

_EMPTY = {"stop_after_empty_page": Field(kinds.flag), "empty_statuses": Field(kinds.statuses)}
_TOTAL = {"total_path": Field(kinds.expression), **_EMPTY}
_MORE = {"has_more_path": Field(kinds.expression), **_EMPTY}

PAGINATORS: Final[Mapping[str, Mapping[str, Field]]] = MappingProxyType(
    {
        "single_page": {"empty_statuses": Field(kinds.statuses)},
        "json_link": {"next_url_path": Field(kinds.expression, required=True), **_TOTAL},
        "header_link": {"links_next_key": Field(kinds.text), **_TOTAL},
        "header_cursor": {
            "cursor_key": Field(kinds.header_name, required=True),
            "cursor_param": Field(kinds.text, required=True),
            **_TOTAL,
        },
        "offset": {
            "limit": Field(kinds.whole(1), required=True),
            "offset_param": Field(kinds.text),
            "limit_param": Field(kinds.text),
            "offset_body_path": Field(kinds.body_path),
            "limit_body_path": Field(kinds.body_path),
            "total_path": Field(kinds.expression),
            **_MORE,
        },
        "page_number": {
            "base_page": Field(kinds.whole(0)),
            "page_param": Field(kinds.text),
            "page_body_path": Field(kinds.body_path),
            "total_path": Field(kinds.expression),
            **_MORE,
        },
        "cursor": {
            "cursor_path": Field(kinds.expression, required=True),
            "cursor_param": Field(kinds.text),
            "cursor_body_path": Field(kinds.body_path),
            "total_path": Field(kinds.expression),
            **_MORE,
        },
        "auto": _EMPTY,
        "repeat": {"times": Field(kinds.whole(1)), "max_empty": Field(kinds.whole(1)), "size": Field(kinds.whole(1))},
        "continue_object": {"path": Field(kinds.expression), **_EMPTY},
        "date_window": {
            "start": Field(kinds.day, required=True),
            "end": Field(kinds.day),
            "step": Field(kinds.whole(1, 3660)),
            "start_param": Field(kinds.text),
            "end_param": Field(kinds.text),
            **_EMPTY,
        },
        "ids_then_detail": {
            "ids": Field(kinds.expression, required=True),
            "path": Field(kinds.text, required=True),
            "params": Field(kinds.scalars),
            **_EMPTY,
        },
    }
)
"""Settings by type. Their names are the arguments of the paginator."""
