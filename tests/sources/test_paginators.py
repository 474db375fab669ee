"""Paginators: every item once, from the beginning and from every page on the way; no circles; no pages without end."""

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pupline.errors import (
    ConfigurationError,
    HttpError,
    IncompleteBody,
    RequestTimeout,
    ServerError,
    SourceError,
    TaskFailure,
    TooLarge,
)
from pupline.sources import max_page_attempts
from pupline.sources.api._paginators import paginator_of
from pupline.specs import PaginatorSpec
from tests.sources.recorded_apis import Asked, list_all, list_from_everywhere, missing, numbered, spec_source

PAGES = [numbered(1, 3), numbered(4, 6), numbered(7, 8)]
ALL = numbered(1, 8)


def test_single_page_is_asked_for_once() -> None:
    """One request, and all it names."""
    done = list_from_everywhere(spec_source(""), lambda _: {"items": ALL})
    assert done.urls == ALL
    assert len(done.requests) == 1


def test_json_link_follows_links_of_all_forms() -> None:
    """Absolute, relative to the root, and relative to the page."""
    links = ["https://api.example.org/v1?page=1", "/v1?page=2", None]

    def api(asked: Asked) -> Any:
        page = int(asked.query.get("page", 0))
        return {"items": PAGES[page], "paging": {"next": links[page]}}

    source = spec_source("[paginator]\ntype = 'json_link'\nnext_url_path = 'paging.next'")
    assert list_from_everywhere(source, api).urls == ALL


def test_header_link_follows_rel_next() -> None:
    """The Link header, which may hold other relations."""

    def api(asked: Asked) -> Any:
        page = int(asked.query.get("page", 0))
        last = '<https://api.example.org/v1?page=2>; rel="last"'
        following = f', <https://api.example.org/v1?page={page + 1}>; title="a, b"; rel="next"' if page < 2 else ""
        return {"items": PAGES[page]}, {"link": last + following}

    assert list_from_everywhere(spec_source("[paginator]\ntype = 'header_link'"), api).urls == ALL


@pytest.mark.parametrize("where", ["header", "body"])
def test_cursors_are_sent_back(where: str) -> None:
    """Texts and numbers; absent at the end."""
    cursors: list[Any] = ["abc==", 17, None]

    def api(asked: Asked) -> Any:
        page = [None, "abc==", "17"].index(asked.query.get("after"))
        cursor = cursors[page]
        headers = {} if cursor is None else {"x-next": str(cursor)}
        return {"items": PAGES[page], "meta": {"cursor": cursor}}, headers

    kinds = {
        "header": "type = 'header_cursor'\ncursor_key = 'X-Next'\ncursor_param = 'after'",
        "body": "type = 'cursor'\ncursor_path = 'meta.cursor'\ncursor_param = 'after'",
    }
    assert list_from_everywhere(spec_source(f"[paginator]\n{kinds[where]}"), api).urls == ALL


def offset_api(asked: Asked) -> Any:
    """Eight items by offset."""
    start, limit = int(asked.query["offset"]), int(asked.query["limit"])
    return {"items": ALL[start : start + limit], "total": "8"}


@pytest.mark.parametrize(("total", "requests"), [("total_path = 'total'", 3), ("", 5)])
def test_offset_ends_at_the_total_or_at_empty_pages(total: str, requests: int) -> None:
    """With a total no empty page is requested; without one a single empty page may be a gap."""
    source = spec_source(f"[paginator]\ntype = 'offset'\nlimit = 3\n{total}")
    done = list_from_everywhere(source, offset_api)
    assert done.urls == ALL
    assert len(done.requests) == requests


def test_offset_tells_the_total() -> None:
    """As soon as the API has told it."""
    listing = spec_source("[paginator]\ntype = 'offset'\nlimit = 3\ntotal_path = 'total'").open()
    assert listing.total is None
    listing.read(json.dumps({"items": ALL[:3], "total": 8}).encode(), {})
    assert listing.total == 8


@pytest.mark.parametrize(("first", "pages"), [(0, ""), (1, ""), (1, "total_path = 'pages'")])
def test_page_numbers_count_from_where_the_api_counts(first: int, pages: str) -> None:
    """`base_page` is 0 or 1; the end is at two empty pages or at the number of pages."""

    def api(asked: Asked) -> Any:
        page = int(asked.query["p"]) - first
        return {"items": PAGES[page] if page < 3 else [], "pages": 3}

    source = spec_source(f"[paginator]\ntype = 'page_number'\npage_param = 'p'\nbase_page = {first}\n{pages}")
    done = list_from_everywhere(source, api)
    assert done.urls == ALL
    assert len(done.requests) == (3 if pages else 5)


def test_auto_follows_what_it_finds_and_says_when_it_finds_nothing() -> None:
    """A Link header, or a next link in the body; never a guess at numbers."""

    def linked(asked: Asked) -> Any:
        page = int(asked.query.get("page", 0))
        link = f"https://api.example.org/v1?page={page + 1}" if page < 2 else None
        return {"items": PAGES[page], "links": {"next": link}, "next": page + 1}

    source = spec_source("[paginator]\ntype = 'auto'")
    assert list_from_everywhere(source, linked).urls == ALL
    alone = list_all(source.open(), lambda _: {"items": ALL, "page": 1, "pages": 9})
    assert alone.urls == ALL
    assert "name a paginator" in alone.notes[0]


def test_repeat_ends_when_nothing_new_comes() -> None:
    """Not when one answer brings nothing new: at random that happens."""
    answers = iter([*ALL[:2], ALL[0], ALL[1], ALL[2], *[ALL[0]] * 3])
    source = spec_source("[paginator]\ntype = 'repeat'\nmax_empty = 3")
    done = list_all(source.open(), lambda _: {"items": [next(answers)]})
    assert set(done.urls) == set(ALL[:3])
    assert len(done.requests) == 8


def test_repeat_asks_for_no_more_than_is_wanted() -> None:
    """`{size}` is the page's size, or the count where that is less; `times` ends it."""
    text = "path = 'random/{size}'\n[paginator]\ntype = 'repeat'\ntimes = 2\nsize = 50"
    for count, path in [(None, "/v1/random/50"), (7, "/v1/random/7"), (700, "/v1/random/50")]:
        done = list_all(spec_source(text).open(count=count), lambda _: {"items": ALL})
        assert [request.url.partition("org")[2] for request in done.requests] == [path, path]


def test_continue_object_is_sent_whole_and_empty_pages_are_no_end() -> None:
    """MediaWiki cuts its answers where it likes, also before the first item."""
    steps: list[tuple[dict[str, Any], list[str]]] = [
        ({"gcmcontinue": "file|41|2", "continue": "gcmcontinue||"}, PAGES[0]),
        ({"gcmcontinue": "file|42|9", "iistart": 5, "continue": "||"}, []),
        ({}, PAGES[1]),
    ]

    def api(asked: Asked) -> Any:
        at = 0 if "gcmcontinue" not in asked.query else 2 if "iistart" in asked.query else 1
        assert asked.query["action"] == "query"
        following, items = steps[at]
        return {"items": items, **({"continue": following} if following else {})}

    source = spec_source("[params]\naction = 'query'\n[paginator]\ntype = 'continue_object'")
    assert list_from_everywhere(source, api).urls == numbered(1, 6)


def test_date_windows_cover_each_day_once() -> None:
    """Both ends included, the last window cut, windows without items passed, missing ones passed over."""
    asked_days: list[tuple[str, str]] = []

    def api(asked: Asked) -> Any:
        window = asked.query["start_date"], asked.query["end_date"]
        asked_days.append(window)
        if window[0] == "2026-01-11":
            raise missing()
        return {"items": [] if window[0] == "2026-01-06" else [f"https://x.org/{window[0]}.jpg"]}

    text = "[paginator]\ntype = 'date_window'\nstart = 2026-01-01\nend = 2026-01-18\nstep = 5"
    done = list_all(spec_source(text).open(), api)
    assert asked_days == [
        ("2026-01-01", "2026-01-05"),
        ("2026-01-06", "2026-01-10"),
        ("2026-01-11", "2026-01-15"),
        ("2026-01-16", "2026-01-18"),
    ]
    assert len(done.items) == 2
    assert list_from_everywhere(spec_source(text), api).urls == done.urls


def test_today_stays_the_day_on_which_the_listing_began() -> None:
    """A listing that goes on after midnight ends where it would have ended."""
    spec = PaginatorSpec(type="date_window", settings={"start": date(2026, 1, 1), "end": "today", "step": 400})
    first = paginator_of(spec, today=date(2026, 3, 1))
    later = paginator_of(spec, today=date(2026, 3, 2))
    later.restore(first.state())
    assert later.next_page() == first.next_page()
    assert later.next_page().params["end_date"] == "2026-03-01"


IDS = "path = 'list'\n[paginator]\ntype = 'ids_then_detail'\nids = 'message'\npath = 'breed/{id}/images'"


def breeds_api(message: Any, gone: frozenset[str] = frozenset()) -> Any:
    """A list page, and a page for each breed, whose only image bears its path."""

    def api(asked: Asked) -> Any:
        if asked.path == "/v1/list":
            return {"message": message}
        if asked.path in gone:
            raise missing(asked.path)
        return {"items": [f"https://x.org{asked.path}.jpg"]}

    return api


def test_ids_of_an_object_of_lists_are_its_keys_and_what_is_below_them() -> None:
    """Dog CEO's list of breeds: each breed, and each of its sub-breeds."""
    done = list_from_everywhere(spec_source(IDS), breeds_api({"hound": ["afghan", "basset"], "pug": []}))
    ids = ["hound", "hound/afghan", "hound/basset", "pug"]
    assert done.urls == [f"https://x.org/v1/breed/{one}/images.jpg" for one in ids]


def test_ids_may_be_numbers_and_are_encoded() -> None:
    """An id cannot climb out of its place in the path."""
    done = list_from_everywhere(spec_source(IDS), breeds_api([7, "a/b", "ü ?"]))
    paths = [request.url.partition("v1/")[2] for request in done.requests]
    assert paths == ["list", "breed/7/images", "breed/a%2Fb/images", "breed/%C3%BC%20%3F/images"]


@pytest.mark.parametrize("ids", ["text", 7, [".."], [""], [None], [[1]], {"hound": "afghan"}])
def test_ids_of_other_shapes_are_an_error(ids: Any) -> None:
    """With the expression and what it gave."""
    with pytest.raises(SourceError, match=r"ids \(message\) gives"):
        list_all(spec_source(IDS).open(), breeds_api(ids))


def test_a_detail_page_that_is_gone_is_passed_over() -> None:
    """With a note; the others are listed."""
    done = list_all(spec_source(IDS).open(), breeds_api(["a", "b", "c"], frozenset({"/v1/breed/b/images"})))
    assert [url[-12:-11] for url in done.urls] == ["a", "c"]
    assert "left out" in done.notes[0]


def test_the_list_of_ids_and_other_failures_are_not_passed_over() -> None:
    """Without the ids there is nothing; and a server that is down is no page that is gone."""
    listing = spec_source(IDS).open()
    assert listing.skip(missing()) is None
    listing.read(b'{"message": ["a"]}', {})
    shut_out = HttpError("the server answered 403")
    shut_out.details["status"] = 403
    assert listing.skip(shut_out) is None


@pytest.mark.parametrize("broken", [ServerError("500"), RequestTimeout("late"), IncompleteBody("cut"), TooLarge("big")])
def test_a_page_that_always_fails_does_not_keep_the_others(broken: TaskFailure) -> None:
    """It is requested again after them, once more from any position, and then left out."""
    source = spec_source(IDS)

    def api(asked: Asked) -> Any:
        if asked.path.endswith(("/b/images", "/d/images")):
            raise broken
        return breeds_api(["a", "b", "c", "d"])(asked)

    listing = source.open()
    done = list_all(listing, api)
    assert [url[-12:-11] for url in done.urls] == ["a", "c"]
    assert listing.left_out.reasons == {"unusable_page": 2}
    assert len(done.requests) == (5 if isinstance(broken, TooLarge) else 7)
    for position in done.positions:
        resumed = source.open(position=position)
        list_all(resumed, api)
        assert resumed.left_out.reasons == {"unusable_page": 2}


def test_an_api_that_fails_for_every_page_stops_its_listing() -> None:
    """After three pages, which are not lost: the position has them."""
    source, is_down = spec_source(IDS), True

    def api(asked: Asked) -> Any:
        if is_down and asked.path != "/v1/list":
            raise ServerError("the server answered 500")
        return breeds_api(list("abcdefg"))(asked)

    listing = source.open()
    with pytest.raises(ServerError):
        list_all(listing, api)
    is_down = False
    rest = list_all(source.open(position=listing.position()), api)
    assert [url[-12:-11] for url in rest.urls] == ["d", "e", "f", "g", "a", "b", "c"]


def test_a_page_that_can_wait_has_half_the_attempts() -> None:
    """It has as many again after the others; the page after one that fails has all, as the API may be down."""
    listing = spec_source(IDS).open()

    def can_wait() -> bool:
        request = listing.request()
        assert request is not None
        return request.can_wait

    waits = [can_wait()]
    listing.read(b'{"message": ["a", "b", "c"]}', {})
    waits.append(can_wait())
    assert listing.skip(ServerError("the server answered 500"))
    waits.append(can_wait())
    listing.read(b'{"items": []}', {})
    waits.append(can_wait())
    assert waits == [False, True, False, True]
    failure = ServerError("the server answered 500")
    attempts = [max_page_attempts(failure, has_answered=True, can_wait=can_wait) for can_wait in (True, False)]
    assert attempts == [4, 8]


def test_a_window_of_days_that_fails_is_requested_again_later() -> None:
    """It costs the days after it nothing."""
    failing = iter([True, False])

    def api(asked: Asked) -> Any:
        day = asked.query["start_date"]
        if day == "2026-01-02" and next(failing):
            raise ServerError("the server answered 500")
        return {"items": [f"https://x.org/{day}.jpg"]}

    window = "[paginator]\ntype = 'date_window'\nstart = 2026-01-01\nend = 2026-01-03\nstep = 1\n"
    done = list_all(spec_source(window).open(), api)
    assert [url[-5:-4] for url in done.urls] == ["1", "3", "2"]
    assert done.shortfall is None


@pytest.mark.parametrize(
    "ids",
    [
        ["a", "..", None, "b", "\ud800", "x" * 2000, 1.5],
        {"a": ["", [1], {}], "b": None, "": [], ".": "text"},
    ],
)
def test_an_id_that_cannot_be_requested_costs_itself(ids: Any) -> None:
    """The others are listed, and how many there were is said; from every position on the way too."""
    listing = spec_source(IDS).open()
    done = list_all(listing, breeds_api(ids))
    assert [url[-12:-11] for url in done.urls] == ["a", "b"]
    assert listing.left_out.reasons == {"unusable_page": 5 if isinstance(ids, list) else 6}
    assert "cannot be requested, the first" in str(done.shortfall)
    for position in done.positions[:-1]:
        resumed = spec_source(IDS).open(position=position)
        list_all(resumed, breeds_api(ids))
        assert resumed.left_out.reasons == listing.left_out.reasons


@pytest.mark.slow
def test_the_position_among_200_000_ids_is_small() -> None:
    """It is written with every page."""
    listing = spec_source(IDS).open()
    listing.read(json.dumps({"message": list(range(200_000))}).encode(), {})
    assert len(listing.position()) < 200


def test_ids_that_changed_over_a_restart_are_found_again() -> None:
    """Only behind the same ids is the place the same; wherever others are new, moved or gone, none may be lost."""
    source = spec_source(IDS)
    listing = source.open()
    listing.read(b'{"message": ["a", "b", "c"]}', {})
    listing.read(b'{"items": []}', {})
    for now, expected in (("abc", "bc"), ("abcd", "bcd"), ("ac", "c"), ("0abc", "0abc"), ("bca", "bca"), ("c", "c")):
        rest = list_all(source.open(position=listing.position()), breeds_api(list(now)))
        assert "".join(url[-12:-11] for url in rest.urls) == expected
        assert now == "abc" or "changed" in rest.notes[0]


# ---- what never goes on for ever, or elsewhere

CIRCLES: dict[str, tuple[str, Callable[[int], Any]]] = {
    "json_link": ("next_url_path = 'next'", lambda n: {"items": ALL, "next": f"?page={n % 3}", "n": n}),
    "cursor": ("cursor_path = 'next'\ncursor_param = 'c'", lambda n: {"items": ALL, "next": f"c{n % 3}", "n": n}),
    "continue_object": ("", lambda n: {"items": ALL, "continue": {"c": n % 3}, "n": n}),
    "page_number": ("", lambda _: {"items": ALL}),
    "offset": ("limit = 3", lambda _: {"items": ALL}),
    "auto": ("", lambda n: {"items": ALL, "next": f"?page={n % 3}", "n": n}),
}


@pytest.mark.parametrize("kind", CIRCLES)
def test_circles_are_errors(kind: str) -> None:
    """The same link, cursor or page again ends the listing with a reason, after few pages."""
    fields, page = CIRCLES[kind]
    asked = 0

    def api(_: Asked) -> Any:
        nonlocal asked
        asked += 1
        return page(asked)

    with pytest.raises(SourceError, match=r"circle|same"):
        list_all(spec_source(f"[paginator]\ntype = '{kind}'\n{fields}").open(), api)
    assert asked <= 5


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/v1?page=2",
        "http://api.example.org/v1?page=2",
        "https://api.example.org:8443/v1",
        "//evil.example/",
        "http://169.254.169.254/",
        "file:///etc/passwd",
        "https://user@api.example.org/",
        7,
        {"a": 1},
    ],
)
def test_links_to_elsewhere_are_not_followed(link: Any) -> None:
    """Another host, port or scheme, or what is no link at all."""
    source = spec_source("[paginator]\ntype = 'json_link'\nnext_url_path = 'next'")
    with pytest.raises(SourceError, match="next_url_path"):
        list_all(source.open(), lambda _: {"items": ALL, "next": link})


@pytest.mark.parametrize(
    ("link", "advice"),
    [
        ("http://api.example.org/v1?page=2", r"name http://api\.example\.org in its base URL$"),
        ("https://api.example.org:8443/v1", r"name https://api\.example\.org:8443 in its base URL$"),
        ("https://evil.example/", r"on the API's own origin$"),
        ("http://169.254.169.254/latest/meta-data/", r"on the API's own origin$"),
    ],
)
def test_nobody_is_advised_to_follow_a_link_to_another_host(link: str, advice: str) -> None:
    """Only to name the API rightly, where its links have another scheme or port; never to trust a host."""
    source = spec_source("[paginator]\ntype = 'json_link'\nnext_url_path = 'next'")
    with pytest.raises(SourceError, match=f"away from the API; .*{advice}") as caught:
        list_all(source.open(), lambda _: {"items": ALL, "next": link})
    assert "--allow-origin" not in str(caught.value)


def test_a_page_is_not_lost_by_its_link() -> None:
    """What it names is listed; only then, and again after a restart, the link is the error."""
    source = spec_source("[paginator]\ntype = 'json_link'\nnext_url_path = 'next'")
    body = json.dumps({"items": ALL, "next": "https://evil.example/"}).encode()
    listing = source.open()
    for _ in range(2):
        assert listing.request() is not None
        assert [item.url for item in listing.read(body, {}).items] == ALL
        assert not listing.complete
        with pytest.raises(SourceError, match="away from the API"):
            listing.request()
        listing = source.open(position=listing.position())


def test_the_number_of_pages_is_bounded() -> None:
    """Whatever the API says; with a word on what to raise."""
    calls = iter(range(10**6))
    text = "[limits]\nmax_pages = 7\n[paginator]\ntype = 'page_number'"
    done = list_all(spec_source(text).open(), lambda _: {"items": numbered(n := next(calls), n)})
    assert len(done.requests) == 7
    assert "limits.max_pages" in str(done.shortfall)


@pytest.mark.parametrize("position", ["", "{}", "[]", "7", '{"asks": 1}', "x" * 5000, '{"file": {}, "at": 1}'])
def test_a_position_of_something_else_is_refused(position: str) -> None:
    """In one line."""
    with pytest.raises(ConfigurationError, match="position"):
        spec_source("[paginator]\ntype = 'page_number'").open(position=position)


def test_a_position_of_other_requests_is_refused() -> None:
    """A spec that was edited asks for other pages, so its old position means nothing."""
    old = spec_source("path = 'a'\n[paginator]\ntype = 'page_number'").open().position()
    with pytest.raises(ConfigurationError, match="run-id"):
        spec_source("path = 'b'\n[paginator]\ntype = 'page_number'").open(position=old)


@pytest.mark.slow
@settings(max_examples=40)
@given(
    total=st.integers(0, 60),
    size=st.integers(1, 20),
    kind=st.sampled_from(["offset", "page_number", "cursor", "json_link"]),
)
def test_every_item_once_whatever_the_sizes(total: int, size: int, kind: str) -> None:
    """All items, in order, none twice, for any number of items and any size of pages; from every position too."""
    images = numbered(1, total)
    fields = {
        "offset": f"limit = {size}",
        "page_number": "",
        "cursor": "cursor_path = 'next'\ncursor_param = 'offset'",
        "json_link": "next_url_path = 'link'",
    }

    def api(asked: Asked) -> Any:
        start = int(asked.query.get("offset", 0)) if kind != "page_number" else int(asked.query["page"]) * size
        end = start + size
        following = end if end < total else None
        link = None if following is None else f"?offset={following}"
        return {"items": images[start:end], "next": following, "link": link}

    source = spec_source(f"[paginator]\ntype = '{kind}'\n{fields[kind]}")
    assert list_from_everywhere(source, api).urls == images
