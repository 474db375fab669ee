"""Links and cursors: where such a listing ends, and what is sent; never in a circle, and never early without a word."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from pupline.errors import SourceError, TaskFailure, UnreadableAnswer
from tests.sources.recorded_apis import (
    Api,
    Asked,
    always,
    failed_with,
    flat,
    in_turn,
    list_all,
    list_from_everywhere,
    numbered,
    spec_source,
    status,
)

CURSOR = "[paginator]\ntype = 'cursor'\ncursor_path = 'next'\ncursor_param = 'c'\n"
HEADER_CURSOR = "[paginator]\ntype = 'header_cursor'\ncursor_key = 'X-Next'\ncursor_param = 'c'\n"
LINK = "[paginator]\ntype = 'json_link'\nnext_url_path = 'next'\n"
FULL = [numbered(1, 20), numbered(21, 40)]


def following(pages: list[list[str]], names: Callable[[int], Any]) -> Callable[[Asked], Any]:
    """An API whose page `n` is followed by `names(n + 1)`, for links as well as for cursors."""

    def api(asked: Asked) -> Any:
        number = int(asked.query.get("c", 0))
        items = pages[number] if number < len(pages) else []
        return {"items": items, "next": names(number + 1), "n": number}

    return api


@pytest.mark.parametrize(("text", "name"), [(CURSOR, str), (LINK, "?c={}".format)])
def test_empty_pages_with_a_next_one_are_passed_over(text: str, name: Callable[[int], str]) -> None:
    """What is behind them comes; pages that are empty without end are told, and `stop_after_empty_page` decides."""
    pages = [numbered(1, 2), [], [], numbered(3, 3), []]
    api = following(pages, lambda number: name(number) if number < len(pages) else None)
    done = list_from_everywhere(spec_source(text), api)
    assert (done.urls, done.shortfall) == (numbered(1, 3), None)

    endless = following([numbered(1, 2)], name)
    done = list_all(spec_source(text).open(), endless)
    assert "10 pages in a row held nothing, and still there is a next one" in str(done.shortfall)
    assert len(done.requests) == 11

    done = list_all(spec_source(f"{text}stop_after_empty_page = true").open(), api)
    assert (done.urls, done.shortfall) == (numbered(1, 2), None)
    assert "stop_after_empty_page ends the listing there" in done.notes[0]

    done = list_all(spec_source(f"[limits]\nmax_pages = 40\n{text}stop_after_empty_page = false").open(), endless)
    assert "stopped after 40 pages" in str(done.shortfall)


@pytest.mark.parametrize(("text", "name"), [(CURSOR, str), (LINK, "?c={}".format)])
def test_an_empty_page_that_names_itself_is_the_end(text: str, name: Callable[[int], str]) -> None:
    """Many APIs give their last cursor for ever."""
    done = list_from_everywhere(spec_source(text), following(FULL, lambda number: name(min(number, 2))))
    assert (done.urls, done.shortfall) == (flat(FULL), None)
    assert len(done.requests) == 3


@pytest.mark.parametrize(("text", "name"), [(CURSOR, str), (LINK, "?c={}".format)])
def test_pages_of_old_items_under_new_names_go_in_a_circle(text: str, name: Callable[[int], str]) -> None:
    """A cursor with a timestamp is never the same, and its items always are."""
    with pytest.raises(SourceError, match="3 pages in a row named nothing that was not named before"):
        list_all(spec_source(text).open(), following([FULL[0]] * 900, name))


@pytest.mark.parametrize("text", [CURSOR, LINK])
@pytest.mark.parametrize("code", [400, 404, 416])
def test_a_next_page_that_is_not_there_is_a_failure(text: str, code: int) -> None:
    """The API named it."""

    def api(asked: Asked) -> Any:
        if "c" in asked.query:
            raise failed_with(code)
        return {"items": FULL[0], "next": "?c=1"}

    with pytest.raises(TaskFailure, match=f"answered {code}"):
        list_all(spec_source(text).open(), api)


@pytest.mark.parametrize("text", [CURSOR, LINK])
def test_a_next_page_without_content_is_the_end(text: str) -> None:
    """204 is a page without items, and without a next one."""

    def api(asked: Asked) -> Any:
        if "c" not in asked.query:
            return {"items": FULL[0], "next": "?c=1"}
        raise status(204)

    done = list_from_everywhere(spec_source(text), api)
    assert (done.urls, done.shortfall) == (FULL[0], None)
    assert "without a page" in done.notes[0]


@pytest.mark.parametrize("text", [CURSOR, LINK])
def test_a_next_page_of_no_bytes_is_a_failure(text: str) -> None:
    """The API named it, and a server that fails may answer 200 without a body."""
    with pytest.raises(UnreadableAnswer, match="an empty body"):
        list_all(spec_source(text).open(), in_turn({"items": FULL[0], "next": "?c=1"}, b" "))


@pytest.mark.parametrize("first", [True, False])
def test_more_without_a_cursor_is_a_failure(first: bool) -> None:
    """The API says that there is a further page, and not where."""
    begin = [] if first else [{"items": FULL[0], "next": "a", "more": True}]
    with pytest.raises(SourceError, match="gives no cursor, and has_more_path says"):
        list_all(spec_source(f"{CURSOR}has_more_path = 'more'").open(), in_turn(*begin, {"items": FULL[1], "more": 1}))


def test_a_cursor_is_followed_where_a_later_page_does_not_say_whether_there_is_more() -> None:
    """It gives the next page; without one, that is the end."""
    pages = (
        {"items": FULL[0], "next": "a", "more": True},
        {"items": FULL[1], "next": "b"},
        {"items": numbered(41, 42)},
    )
    done = list_all(spec_source(f"{CURSOR}has_more_path = 'more'").open(), in_turn(*pages))
    assert (done.urls, done.shortfall) == (numbered(1, 42), None)


def test_an_end_is_compared_with_what_the_page_before_announced() -> None:
    """204 is no end where the API has said in so many words that there is more; from every position."""

    def api(asked: Asked) -> Any:
        if "c" in asked.query:
            raise status(204)
        return {"items": FULL[0], "next": "a", "more": True}

    done = list_from_everywhere(spec_source(f"{CURSOR}has_more_path = 'more'"), api)
    assert (done.urls, done.shortfall) == (FULL[0], "the API says that there is a further page, and gave none")


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("1.5", "1.5"),
        ("1700000000.25", "1700000000.25"),
        ("1.50", "1.50"),
        ("1e3", "1e3"),
        ("12345678901234567890.123456789", "12345678901234567890.123456789"),
        ("12345678901234567890", "12345678901234567890"),
        ("-1", "-1"),
        ('"a+b c/\\u00e9=="', "a+b c/\u00e9=="),
        ('"  "', "  "),
    ],
)
def test_cursors_are_sent_exactly_as_they_came(written: str, sent: str) -> None:
    """A number's text is its own: no float gives back all of its digits."""
    listing = spec_source(CURSOR).open()
    listing.read(f'{{"items": ["https://x.org/1.jpg"], "next": {written}}}'.encode(), {})
    request = spec_source(CURSOR).open(position=listing.position()).request()
    assert request is not None
    assert Asked.of(request).query == {"c": sent}


@pytest.mark.parametrize("cursor", [None, "", False])
def test_no_cursor_is_the_end(cursor: Any) -> None:
    """However the API says so."""
    assert list_all(spec_source(CURSOR).open(), lambda _: {"items": FULL[0], "next": cursor}).shortfall is None


@pytest.mark.parametrize("cursor", [True, {}, {"a": 1}, [], ["x"], "x" * 5000, "\ud83d", "a\udc00"])
def test_what_cannot_be_a_cursor_is_told(cursor: Any) -> None:
    """Half a surrogate pair too: JSON can hold it, and UTF-8 cannot."""
    listing = spec_source(CURSOR).open()
    with pytest.raises(SourceError, match=r"cursor_path \(next\) gives"):
        list_all(listing, lambda _: {"items": FULL[0], "next": cursor})
    listing.position().encode()


@pytest.mark.parametrize("half", ["\ud83d", "x\udc00y"])
def test_half_a_surrogate_pair_is_an_error_of_ours_wherever_it_comes(half: str) -> None:
    """In links, ids, continue objects and their names; an item whose URL cannot be made of it is left out."""
    for text, page in [
        (LINK, {"items": FULL[0], "next": f"?c={half}"}),
        ("[paginator]\ntype = 'continue_object'", {"items": FULL[0], "continue": {"c": half}}),
        ("[paginator]\ntype = 'continue_object'", {"items": FULL[0], "continue": {half: "c"}}),
        ("[paginator]\ntype = 'ids_then_detail'\nids = 'items'\npath = '{id}'", {"items": [half]}),
    ]:
        with pytest.raises(SourceError):
            list_all(spec_source(text).open(), always(page))
    template = "url_template = 'https://x.org/{id}.jpg'"
    done = list_all(spec_source(template).open(), lambda _: {"items": [{"id": half}, {"id": "1"}]})
    assert done.urls == ["https://x.org/1.jpg"]


def scrolling(pages: list[list[str]]) -> Api:
    """An API that gives its pages one after the other, all under one cursor."""
    left = iter(pages)
    return lambda _: ({"items": next(left), "next": "s"}, {"x-next": "s"})


@pytest.mark.parametrize(
    "text", [CURSOR, "[paginator]\ntype = 'header_cursor'\ncursor_key = 'X-Next'\ncursor_param = 'c'"]
)
def test_a_scroll_gives_the_next_page_under_the_same_cursor(text: str) -> None:
    """Until a page is empty, or comes again."""
    for last in ([], FULL[1]):
        done = list_all(spec_source(text).open(), scrolling([*FULL, numbered(41, 60), last]))
        assert set(done.urls) == set(numbered(1, 60))
        assert (len(done.requests), done.shortfall) == (4, None)


def test_a_cursor_that_the_api_does_not_heed_is_told() -> None:
    """Its first page comes again, with the same cursor."""
    with pytest.raises(SourceError, match="check that the API knows the parameter c"):
        list_all(spec_source(CURSOR).open(), always({"items": FULL[0], "next": "s"}))


def test_a_last_page_that_names_itself_is_the_end() -> None:
    """By a link that is clamped; the first page that does so is told."""
    done = list_from_everywhere(spec_source(LINK), following(FULL, lambda number: f"?c={min(number, 1)}"))
    assert (done.urls, done.shortfall) == (flat(FULL), None)
    assert "names itself" in done.notes[0]
    with pytest.raises(SourceError, match="leads to the same page again"):
        list_all(spec_source(LINK).open(), always({"items": FULL[0], "next": "/v1"}))


def test_a_cursor_of_0_that_leads_to_the_beginning_is_the_end() -> None:
    """Redis and others say so; where it leads on it is a cursor like any other."""
    ended = list_all(spec_source(CURSOR).open(), _counting_to_0)
    assert (set(ended.urls), ended.shortfall) == (set(flat(FULL)), None)
    assert "cursor 0" in ended.notes[0]


def _counting_to_0(asked: Asked) -> Any:
    at = {None: 0, "0": 0, "17": 1}[asked.query.get("c")]
    return {"items": FULL[at], "next": [17, 0][at]}


@pytest.mark.parametrize("value", [1.5, 1700000000.25, "a", 7])
def test_continue_objects_are_sent_exactly_as_they_came(value: Any) -> None:
    """Each of their values."""
    listing = spec_source("[paginator]\ntype = 'continue_object'").open()
    listing.read(json.dumps({"items": FULL[0], "continue": {"c": value}}).encode(), {})
    request = listing.request()
    assert request is not None
    assert Asked.of(request).query == {"c": str(value)}
