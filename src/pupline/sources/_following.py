"""Paginators that follow what the API says comes next: links and cursors, in the answer's body or in its headers."""

import json
import re
from collections.abc import Mapping
from typing import Any

from pupline.errors import SourceError
from pupline.sources._expressions import Expression
from pupline.sources._paginator import Answer, Ask, Paginator, Recent, cursor_from, link_from
from pupline.text import printable

# RFC 8288: <target>; parameter=value, ... Possessive, so that a header of thousands of quotes costs one pass.
_LINK = re.compile(r'<(?P<target>[^<>]*+)>(?P<parameters>(?:[^,"]|"[^"]*+")*+)')
_PARAMETER = re.compile(r';\s*+([A-Za-z*]++)\s*+=\s*+("[^"]*+"|[^\s;,"]++)')
_MAX_CONTINUE = 4096
# Where APIs commonly keep the next link; only texts count, so that `next: true` or a page number is not taken for one.
_USUAL_LINKS = [
    Expression.parse(text) for text in ("next", "next_url", "links.next", "paging.next", "pagination.next_url")
]


class SinglePage(Paginator):
    """One request, all items."""

    def ask(self) -> Ask:
        return Ask()

    def _move(self, answer: Answer) -> None:
        self.total = answer.found
        self.complete = True

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing is to be remembered of one page."""


class _Links(Paginator):
    """Follows links, wherever they are."""

    def __init__(self, *, stop_after_empty_page: bool = True) -> None:
        super().__init__(stop_after_empty_page=stop_after_empty_page)
        self._url: str | None = None
        self._recent = Recent()

    def ask(self) -> Ask:
        return Ask(url=self._url)

    def _follow(self, link: str | None, answer: Answer) -> None:
        if link is None:
            self.complete = True
            return
        if link == answer.url:
            raise SourceError(f"the API's next link {printable(link, 120)} leads to the same page again")
        self._recent.check(link, "next link")
        self._recent.add(link)
        self._url = link

    def state(self) -> dict[str, Any]:
        return {"url": self._url, "recent": self._recent.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        url = state["url"]
        self._url = None if url is None else str(url)
        self._recent.restore(state["recent"])


class JsonLink(_Links):
    """The body holds the URL of the next page at `next_url_path`."""

    def __init__(self, *, next_url_path: Expression, stop_after_empty_page: bool = True) -> None:
        super().__init__(stop_after_empty_page=stop_after_empty_page)
        self._path = next_url_path

    def _move(self, answer: Answer) -> None:
        what = f"next_url_path ({printable(self._path.text, 60)})"
        self._follow(link_from(self._path.search(answer.page), answer, what), answer)


class HeaderLink(_Links):
    """The Link header (RFC 8288) holds the URL of the next page, under the relation `links_next_key`."""

    def __init__(self, *, links_next_key: str = "next", stop_after_empty_page: bool = True) -> None:
        super().__init__(stop_after_empty_page=stop_after_empty_page)
        self._key = links_next_key

    def _move(self, answer: Answer) -> None:
        self._follow(link_from(link_of(answer.headers.get("link", ""), self._key), answer, "the Link header"), answer)


class Auto(_Links):
    """Follows a Link header, or a next link in one of the usual places of a body; otherwise one page is all.

    It never guesses at page numbers or offsets: a wrong guess there loses items without a word.
    """

    def _move(self, answer: Answer) -> None:
        link = link_from(link_of(answer.headers.get("link", ""), "next"), answer, "the Link header")
        for place in _USUAL_LINKS:
            if link is None and isinstance(found := place.search(answer.page), str):
                link = link_from(found, answer, place.text)
        if link is None and self._url is None:
            self.notes.append(
                "no next link was found, so this page is taken for all; name a paginator if there is more"
            )
        self._follow(link, answer)


class _Cursors(Paginator):
    """Sends back a cursor that each page gives."""

    def __init__(self, *, cursor_param: str, stop_after_empty_page: bool = True) -> None:
        super().__init__(stop_after_empty_page=stop_after_empty_page)
        self._param = cursor_param
        self._cursor: str | None = None
        self._recent = Recent()

    def ask(self) -> Ask:
        return Ask() if self._cursor is None else Ask(params={self._param: self._cursor})

    def _go_to(self, cursor: str | None) -> None:
        if cursor is None:
            self.complete = True
            return
        self._recent.check(cursor, "cursor")
        self._recent.add(cursor)
        self._cursor = cursor

    def state(self) -> dict[str, Any]:
        return {"cursor": self._cursor, "recent": self._recent.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        cursor = state["cursor"]
        self._cursor = None if cursor is None else str(cursor)
        self._recent.restore(state["recent"])


class JsonCursor(_Cursors):
    """The body holds the cursor at `cursor_path`."""

    def __init__(self, *, cursor_path: Expression, cursor_param: str, stop_after_empty_page: bool = True) -> None:
        super().__init__(cursor_param=cursor_param, stop_after_empty_page=stop_after_empty_page)
        self._path = cursor_path

    def _move(self, answer: Answer) -> None:
        what = f"cursor_path ({printable(self._path.text, 60)})"
        self._go_to(cursor_from(self._path.search(answer.page), what))


class HeaderCursor(_Cursors):
    """The answer's header `cursor_key` holds the cursor."""

    def __init__(self, *, cursor_key: str, cursor_param: str, stop_after_empty_page: bool = True) -> None:
        super().__init__(cursor_param=cursor_param, stop_after_empty_page=stop_after_empty_page)
        self._key = cursor_key

    def _move(self, answer: Answer) -> None:
        self._go_to(cursor_from(answer.headers.get(self._key.lower()), f"header {self._key}"))


class ContinueObject(Paginator):
    """MediaWiki's way: all of the object at `path` is added to the next request's parameters.

    A page without items is not the end there: the API cuts its answers where it likes.
    """

    def __init__(self, *, path: Expression | None = None, stop_after_empty_page: bool = False) -> None:
        super().__init__(stop_after_empty_page=stop_after_empty_page)
        self._path = path or Expression.parse("continue")
        self._params: dict[str, str] = {}
        self._recent = Recent()

    def ask(self) -> Ask:
        return Ask(params=self._params)

    def _move(self, answer: Answer) -> None:
        params = self._read(self._path.search(answer.page))
        if not params:
            self.complete = True
            return
        text = json.dumps(params, sort_keys=True)
        self._recent.check(text, "continue object")
        self._recent.add(text)
        self._params = params

    def _read(self, found: Any) -> dict[str, str]:
        if found is None:
            return {}
        is_flat = isinstance(found, dict) and all(isinstance(value, str | int) for value in found.values())
        if not is_flat or len(json.dumps(found)) > _MAX_CONTINUE:
            raise SourceError(
                f"path ({printable(self._path.text, 60)}) gives {printable(repr(found), 60)}; it should be an object "
                "of texts and numbers, absent at the end"
            )
        return {name: str(value) for name, value in found.items()}

    def state(self) -> dict[str, Any]:
        return {"params": self._params, "recent": self._recent.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        self._params = {str(name): str(value) for name, value in state["params"].items()}
        self._recent.restore(state["recent"])


def link_of(header: str, relation: str) -> str | None:
    """The target that a Link header has for `relation`; None where it has none, or is malformed."""
    for link in _LINK.finditer(header):
        for name, value in _PARAMETER.findall(link["parameters"]):
            if name.lower() == "rel" and relation.lower() in value.strip('"').lower().split():
                return link["target"].strip()
    return None
