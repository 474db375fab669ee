"""Paginators against any well-behaved server: every item once, whatever page sizes it likes and however it ends."""

import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from pupline.errors import SourceError
from tests.sources.recorded_apis import (
    Asked,
    Listed,
    list_all,
    list_from_everywhere,
    missing,
    numbered,
    spec_source,
    status,
)

OFFSET = "[paginator]\ntype = 'offset'\nlimit = 50\n"
PAGES = "[paginator]\ntype = 'page_number'\n"


class Server:
    """A well-behaved API over `total` items, whose pages are as large as it likes."""

    def __init__(self, total: int, sizes: list[int], kind: str, end: str, holes: frozenset[int]) -> None:
        self.items = numbered(1, total)
        self._sizes = sizes
        self._kind = kind
        self._end = end
        self._holes = holes  # how many empty pages come before the item of this number

    def __call__(self, asked: Asked) -> Any:
        """The page that is asked for."""
        if self._kind == "page_number":
            starts = self._starts()
            number = int(asked.query["page"]) - 1
            start = starts[number] if number < len(starts) else len(self.items)
            return self._page(start, None, len(starts))
        start = int(asked.query.get("offset", 0))
        hole = int(asked.query.get("hole", 0))
        if self._kind in ("cursor", "json_link") and start in self._holes and hole < 3:
            return {"items": [], **self._next(start, hole + 1)}
        return self._page(start, int(asked.query["limit"]) if "limit" in asked.query else None, 0)

    def _size(self, start: int) -> int:
        return self._sizes[start % len(self._sizes)]

    def _starts(self) -> list[int]:
        starts, at = [], 0
        while at < len(self.items):
            starts.append(at)
            at += self._size(at)
        return starts

    def _page(self, start: int, limit: int | None, pages: int) -> Any:
        if start >= len(self.items) and self.items and self._kind in ("offset", "page_number"):
            return self._past(pages)
        size = min(self._size(start), limit or 10**6)
        end = start + size
        following = self._next(end, 0) if end < len(self.items) else {}
        return {"items": self.items[start:end], "total": len(self.items), "pages": pages, **following}

    def _past(self, pages: int) -> Any:
        ends: dict[str, Any] = {"empty": {"items": [], "total": len(self.items), "pages": pages}, "nothing": b""}
        if self._end in ends:
            return ends[self._end]
        if self._end == "again":
            start = self._starts()[-1]
            return {"items": self.items[start:], "total": len(self.items), "pages": pages}
        raise missing() if self._end == "404" else status(int(self._end))

    def _next(self, start: int, hole: int) -> dict[str, Any]:
        return {"cursor": start + 0.5 if hole == 0 else f"{start}&{hole}", "link": f"?offset={start}&hole={hole}"}


KINDS = {
    "offset": OFFSET,
    "offset, total": f"{OFFSET}total_path = 'total'",
    "page_number": f"{PAGES}base_page = 1",
    "page_number, total": f"{PAGES}base_page = 1\ntotal_path = 'pages'",
    "json_link": "[paginator]\ntype = 'json_link'\nnext_url_path = 'link'",
}


@example(total=52, sizes=[51], kind="offset", end="again", holes=frozenset())
@settings(max_examples=150)
@given(
    total=st.integers(0, 60),
    sizes=st.lists(st.integers(1, 70), min_size=1, max_size=4),
    kind=st.sampled_from(sorted(KINDS)),
    end=st.sampled_from(["empty", "nothing", "204", "404", "416", "again"]),
    holes=st.frozensets(st.integers(1, 60), max_size=4),
)
def test_all_items_once_from_any_server(
    total: int, sizes: list[int], kind: str, end: str, holes: frozenset[int]
) -> None:
    """Whatever page sizes it likes and however it says that there are no more; from every position on the way too."""
    server = Server(total, sizes, kind.partition(",")[0], end, holes)
    single = end == "again" and len(server._starts()) == 1 and "total" not in kind
    if single and kind.startswith(("offset", "page")):
        return  # an API of one page that repeats it does not seem to heed the number: told, see above
    done: Listed = list_from_everywhere(spec_source(KINDS[kind]), server)
    assert list(dict.fromkeys(done.urls)) == server.items
    assert end == "again" or done.urls == server.items
    assert done.shortfall is None


@settings(max_examples=100)
@given(
    total=st.integers(1, 60),
    lost=st.integers(1, 30),
    size=st.integers(1, 30),
    end=st.sampled_from(["empty", "nothing", "204", "404", "416", "400", "again"]),
)
def test_a_listing_is_whole_or_says_that_it_is_not(total: int, lost: int, size: int, end: str) -> None:
    """An API that told of more than it gives: never an end without a word."""
    server = Server(total, [size], "offset", end, frozenset())

    def liar(asked: Asked) -> Any:
        found = server(asked)
        return {**found, "total": total + lost} if isinstance(found, dict) else found

    if end == "again" and total <= size:
        return  # as above: told as a parameter that is not heeded
    done = list_all(spec_source(KINDS["offset, total"]).open(), liar)
    assert list(dict.fromkeys(done.urls)) == server.items
    assert f"{total + lost:,} items, and gave {total:,}" in str(done.shortfall) or end == "400"
    assert done.shortfall


SPECS = {
    **KINDS,
    "cursor": "[paginator]\ntype = 'cursor'\ncursor_path = 'next'\ncursor_param = 'c'",
    "header_cursor": "[paginator]\ntype = 'header_cursor'\ncursor_key = 'Next'\ncursor_param = 'c'",
    "header_link": "[paginator]\ntype = 'header_link'",
    "auto": "[paginator]\ntype = 'auto'",
    "continue_object": "[paginator]\ntype = 'continue_object'\npath = 'next'",
    "single_page": "",
    "repeat": "[paginator]\ntype = 'repeat'",
    "ids_then_detail": "[paginator]\ntype = 'ids_then_detail'\nids = 'items'\npath = '{id}'",
    "date_window": "[paginator]\ntype = 'date_window'\nstart = 2026-01-01\nend = 2026-01-09\nstep = 2",
    "template": "url_template = 'https://x.org/{id}.jpg'\nitems = 'items[?id]'\n[fields]\nid = 'id'",
}
_TEXTS = st.text(max_size=6) | st.sampled_from(
    ["?page=2", "/v1", "//x", "http://[", "0", "\ud800", "<?a>; rel=next", ""]
)
_NUMBERS = st.integers(-2, 10**20) | st.floats(allow_nan=False, allow_infinity=False)
_VALUES = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["url", "id", "a"]), inner, max_size=2),
    max_leaves=6,
)
_PAGES = st.dictionaries(st.sampled_from(["items", "next", "link", "links", "total", "pages"]), _VALUES, max_size=5)
_BODIES = st.one_of(_PAGES.map(lambda page: json.dumps(page).encode()), st.binary(max_size=20))
_ANSWERS = st.one_of(
    st.tuples(_BODIES, st.fixed_dictionaries({"link": _TEXTS, "next": _TEXTS})),
    st.sampled_from([204, 400, 403, 404, 410, 416, 422, 500]),
)


@settings(max_examples=100)
@given(kind=st.sampled_from(sorted(SPECS)), answers=st.lists(_ANSWERS, max_size=6))
def test_any_answers_end_in_items_or_in_an_error_of_ours(kind: str, answers: list[Any]) -> None:
    """Whatever an API says: requests can be sent, positions can be kept and gone on from, nothing else is raised."""
    source = spec_source(SPECS[kind])
    listing = source.open()
    for given_answer in answers:
        listing = source.open(position=listing.position())
        try:
            request = listing.request()
            if request is None:
                assert listing.complete
                return
            assert request.url.isascii()
            if isinstance(given_answer, int):
                if listing.skip(status(given_answer)) is None:
                    return
            else:
                page = listing.read(*given_answer)
                assert all(item.url for item in page.items)
        except SourceError as failure:
            str(failure).encode()
            if listing.skip(failure) is None:
                return
        (listing.shortfall or "").encode()
