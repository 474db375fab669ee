"""Where a listing ends: with all that there is, or with a word on what is missing; never early without one."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from pupline.errors import SourceError, TaskFailure
from pupline.sources import left_out_of
from tests.sources.recorded_apis import (
    Api,
    Asked,
    failed_with,
    flat,
    in_turn,
    list_all,
    list_from_everywhere,
    missing,
    numbered,
    spec_source,
    status,
)

OFFSET = "[paginator]\ntype = 'offset'\nlimit = 50\n"
PAGES = "[paginator]\ntype = 'page_number'\n"
CURSOR = "[paginator]\ntype = 'cursor'\ncursor_path = 'next'\ncursor_param = 'c'\n"
HEADER_CURSOR = "[paginator]\ntype = 'header_cursor'\ncursor_key = 'X-Next'\ncursor_param = 'c'\n"
LINK = "[paginator]\ntype = 'json_link'\nnext_url_path = 'next'\n"


def paged(pages: list[list[str]], past: Callable[[int], Any]) -> Callable[[Asked], Any]:
    """An API of these pages by number or offset; past: its answer beyond, told how many pages there are."""

    def api(asked: Asked) -> Any:
        if "offset" in asked.query:
            starts = [sum(map(len, pages[:at])) for at in range(len(pages) + 1)]
            number = starts.index(int(asked.query["offset"])) if int(asked.query["offset"]) in starts else len(pages)
        else:
            number = int(asked.query["page"])
        return {"items": pages[number], "n": number} if number < len(pages) else past(number)

    return api


def raising(failure: TaskFailure) -> Callable[[object], Any]:
    """An API's answer that is a failure."""

    def past(_: object) -> Any:
        raise failure

    return past


SHORT = [numbered(1, 20), numbered(21, 40), numbered(41, 47)]  # the last page is shorter than others
FULL = [numbered(1, 20), numbered(21, 40)]


@pytest.mark.parametrize("text", [OFFSET, PAGES])
@pytest.mark.parametrize("pages", [SHORT, FULL])
def test_an_offset_grows_by_what_came(text: str, pages: list[list[str]]) -> None:
    """An API that gives 20 where 50 were asked for has 20 more behind them."""
    done = list_from_everywhere(spec_source(text), paged(pages, lambda _: {"items": []}))
    assert done.urls == flat(pages)
    assert done.shortfall is None


def test_offsets_count_what_a_page_holds_not_what_can_be_used() -> None:
    """A filter leaves some out; the API counts them all the same."""
    things = [{"url": url if number % 3 else None} for number, url in enumerate(numbered(0, 99))]

    def api(asked: Asked) -> Any:
        start = int(asked.query["offset"])
        return {"items": things[start : start + 20], "total": 100}

    done = list_from_everywhere(spec_source(f"items = 'items[?url]'\n{OFFSET}total_path = 'total'"), api)
    assert done.urls == [thing["url"] for thing in things if thing["url"]]
    assert done.shortfall is None


@pytest.mark.parametrize("text", [OFFSET, PAGES])
@pytest.mark.parametrize("code", [204, 404, 416])
@pytest.mark.parametrize("pages", [SHORT, FULL])
def test_statuses_past_the_end_are_the_end(text: str, code: int, pages: list[list[str]]) -> None:
    """With a note, since the API might have meant something else."""
    done = list_from_everywhere(spec_source(text), paged(pages, raising(failed_with(code))))
    assert done.urls == flat(pages)
    assert done.shortfall is None
    assert f"the API answered {code} to" in done.notes[-1]


@pytest.mark.parametrize("text", [OFFSET, PAGES])
@pytest.mark.parametrize("body", [b"", b"\r\n"])
def test_an_empty_body_past_the_end_is_the_end(text: str, body: bytes) -> None:
    """As 204 is."""
    done = list_from_everywhere(spec_source(text), paged(SHORT, lambda _: body))
    assert done.urls == flat(SHORT)
    assert "answered 200 without a body to" in done.notes[-1]


@pytest.mark.parametrize("text", [OFFSET, PAGES])
@pytest.mark.parametrize("code", [400, 410, 422])
def test_a_bad_request_past_a_full_page_may_be_a_limit(text: str, code: int) -> None:
    """Some APIs say so past the end, and some show nobody more than their first ten thousand."""
    done = list_all(spec_source(text).open(), paged(SHORT, raising(failed_with(code))))
    assert (done.urls, done.shortfall) == (flat(SHORT), None)
    assert f"answered {code}" in done.notes[-1]
    done = list_all(spec_source(text).open(), paged(FULL, raising(failed_with(code))))
    assert done.urls == flat(FULL)
    assert "after a full page: that may be its end, or as much as it shows" in str(done.shortfall)


@pytest.mark.parametrize("text", [OFFSET, PAGES])
@pytest.mark.parametrize("code", [400, 401, 403, 404, 410, 416])
def test_the_same_statuses_to_the_first_page_are_failures(text: str, code: int) -> None:
    """There was no page yet, so this is not the end of any."""
    with pytest.raises(TaskFailure, match=f"answered {code}"):
        list_all(spec_source(text).open(), raising(failed_with(code)))


@pytest.mark.parametrize("text", [OFFSET, PAGES, CURSOR, LINK, ""])
def test_no_content_at_all_is_nothing(text: str) -> None:
    """204 to the first request says that there is nothing."""
    done = list_all(spec_source(text).open(), raising(status(204)))
    assert (done.items, done.shortfall) == ([], None)


@pytest.mark.parametrize("code", [401, 403, 500])
def test_other_statuses_are_failures_wherever_they_come(code: int) -> None:
    """A key that expired is not the end of a listing."""
    with pytest.raises(TaskFailure, match=f"answered {code}"):
        list_all(spec_source(PAGES).open(), paged(FULL, raising(failed_with(code))))


@pytest.mark.parametrize("text", [OFFSET, PAGES])
@pytest.mark.parametrize("stamped", [False, True])
def test_the_last_page_over_again_is_the_end(text: str, stamped: bool) -> None:
    """Also with another timestamp each time."""
    stamps = iter(range(1000))
    api = paged(SHORT, lambda _: {"items": SHORT[-1], "n": 2, "at": next(stamps) if stamped else 0})
    done = list_from_everywhere(spec_source(text), api)
    assert set(done.urls) == set(flat(SHORT))
    assert len(done.requests) == len(SHORT) + 2
    assert "repeats itself" in done.notes[-1]
    assert done.shortfall is None


@pytest.mark.parametrize("text", [OFFSET, PAGES])
def test_an_api_that_does_not_heed_the_number_is_told(text: str) -> None:
    """Its first page comes again and again, with another timestamp or in another order."""
    calls = iter(range(1000))

    def api(_: Asked) -> Any:
        call = next(calls)
        return {"items": FULL[0][call:] + FULL[0][:call], "at": call}

    with pytest.raises(SourceError, match="check that the API knows the parameter"):
        list_all(spec_source(text).open(), api)
    assert next(calls) == 3


@pytest.mark.parametrize("text", [OFFSET, PAGES])
def test_one_page_that_names_nothing_new_is_passed_over(text: str) -> None:
    """Items move while a listing goes on: what is behind such a page is not lost."""
    pages = [*FULL, FULL[1], numbered(41, 60)]
    done = list_from_everywhere(spec_source(text), paged(pages, lambda _: {"items": []}))
    assert set(done.urls) == set(numbered(1, 60))


def telling(total: Any, api: Api) -> Api:
    """The API, with a total in each of its pages."""

    def told(asked: Asked) -> Any:
        found = api(asked)
        return {"total": total, **found} if isinstance(found, dict) else found

    return told


@pytest.mark.parametrize("total", [120, 120.0, "120", " 120 ", "120.0"])
def test_a_total_larger_than_what_came_is_told(total: Any) -> None:
    """However the API writes the number; and however its pages end."""
    ends: list[Callable[[int], Any]] = [
        lambda _: {"items": [], "total": total},
        lambda _: {"items": SHORT[-1], "total": total},
        lambda _: b"",
        raising(missing()),
    ]
    for end in ends:
        done = list_all(spec_source(f"{OFFSET}total_path = 'total'").open(), telling(total, paged(SHORT, end)))
        assert set(done.urls) == set(flat(SHORT))
        assert done.shortfall == "the API says that it has 120 items, and gave 47"


@pytest.mark.parametrize("total", [40, 40.0, "40", "40.0"])
def test_a_total_that_is_reached_is_the_end(total: Any) -> None:
    """No further page is asked for."""
    done = list_from_everywhere(
        spec_source(f"{OFFSET}total_path = 'total'"),
        lambda asked: {**paged(FULL, lambda _: {"items": []})(asked), "total": total},
    )
    assert (len(done.requests), done.shortfall) == (2, None)


def test_a_total_with_separators_is_a_number() -> None:
    """As people write it."""
    listing = spec_source(f"{OFFSET}total_path = 'total'").open()
    listing.read(json.dumps({"items": FULL[0], "total": "1,234"}).encode(), {})
    assert listing.total == 1234


@pytest.mark.parametrize("total", [1.5, "many", "12,34", -1, True, [], {"value": 7}, "1" * 400, 1e300])
def test_a_total_that_is_no_count_is_told(total: Any) -> None:
    """With the expression and what it gave."""
    with pytest.raises(SourceError, match=r"total_path \(total\) gives .*; it should be a whole number"):
        list_all(spec_source(f"{OFFSET}total_path = 'total'").open(), lambda _: {"items": FULL[0], "total": total})


def test_a_total_smaller_than_what_came_is_not_believed() -> None:
    """It may count the page, or be capped: the listing goes on to its own end."""
    api = paged(SHORT, lambda _: {"items": []})
    done = list_all(spec_source(f"{OFFSET}total_path = 'total'").open(), lambda asked: {"total": 7, **api(asked)})
    assert (done.urls, done.shortfall) == (flat(SHORT), None)
    assert done.notes == ["the API says that it has 7 items, and gave more: its total is ignored"]


@pytest.mark.parametrize("text", [OFFSET, PAGES])
def test_one_empty_page_may_be_a_gap(text: str) -> None:
    """The page after it is requested, unless the spec says otherwise; its end may be of any kind."""
    ends: list[Callable[[int], Any]] = [
        lambda _: {"items": []},
        raising(failed_with(400)),
        lambda _: {"items": numbered(1, 20)},
    ]
    for end in ends:

        def api(asked: Asked, end: Any = end) -> Any:
            number = int(asked.query.get("page") or int(asked.query["offset"]) // 50)
            gap = [numbered(1, 50), [], numbered(51, 100), []]
            return {"items": gap[number]} if number < len(gap) else end(number)

        assert set(list_all(spec_source(text).open(), api).urls) == set(numbered(1, 100))
        stopping = spec_source(f"{text}stop_after_empty_page = true")
        assert list_all(stopping.open(), api).urls == numbered(1, 50)


@pytest.mark.parametrize("text", [OFFSET, PAGES])
@pytest.mark.parametrize(
    "past", [raising(failed_with(404)), raising(status(204)), lambda _: b"", lambda _: {"items": FULL[1], "more": True}]
)
def test_more_that_was_announced_and_did_not_come_is_told(text: str, past: Callable[[int], Any]) -> None:
    """However the listing ends; from every position on the way too."""

    def api(asked: Asked) -> Any:
        found = paged(FULL, past)(asked)
        return {**found, "more": True} if isinstance(found, dict) else found

    source = spec_source(f"{text}has_more_path = 'more'")
    whole = list_all(source.open(), api)
    assert set(whole.urls) == set(flat(FULL))
    assert "the API says that there is more, and" in str(whole.shortfall)
    for position in whole.positions:
        assert list_all(source.open(position=position), api).shortfall == whole.shortfall


@pytest.mark.parametrize("text", [OFFSET, PAGES])
def test_empty_pages_are_passed_over_while_the_api_says_that_there_is_more(text: str) -> None:
    """Ten at most; a page that does not say leaves it to the next one."""
    for more in (True, None):
        gap = [numbered(1, 50), [], numbered(51, 100), []]

        def api(asked: Asked, gap: Any = gap, more: Any = more) -> Any:
            number = int(asked.query.get("page") or int(asked.query["offset"]) // 50)
            return {"items": gap[number], "more": more if number in (1, 2) else number == 0}

        done = list_all(spec_source(f"{text}has_more_path = 'more'").open(), api)
        assert (done.urls, done.shortfall) == (numbered(1, 100), None)
    endless = list_all(spec_source(f"{text}has_more_path = 'more'").open(), lambda _: {"items": [], "more": True})
    assert (len(endless.requests), endless.items) == (10, [])
    assert "the API says that there is more" in str(endless.shortfall)


@pytest.mark.parametrize(
    "text", [f"{OFFSET}total_path = 'total'", f"{CURSOR}total_path = 'total'", f"{LINK}total_path = 'total'"]
)
def test_a_total_that_shrinks_on_the_way_is_told(text: str) -> None:
    """What an earlier page announced counts: items were lost, or have moved to pages that were read before."""

    def api(asked: Asked) -> Any:
        if "c" in asked.query or asked.query.get("offset") == "20":
            return {"items": numbered(21, 40), "total": 40}
        if asked.query.get("offset", "0") == "0":
            return {"items": numbered(1, 20), "total": 90, "next": "?c=2"}
        return {"items": [], "total": 40}

    done = list_all(spec_source(text).open(), api)
    assert (done.urls, done.shortfall) == (numbered(1, 40), "the API says that it has 90 items, and gave 40")


def test_pages_that_the_api_told_of_and_did_not_give_are_told() -> None:
    """Empty ones are passed over as long as there are more; missing ones end the listing."""
    text = f"{PAGES}total_path = 'pages'"
    gap = [numbered(1, 2), [], [], numbered(3, 4)]
    done = list_from_everywhere(spec_source(text), lambda asked: {**paged(gap, raising(missing()))(asked), "pages": 4})
    assert (done.urls, done.shortfall) == (numbered(1, 4), None)
    assert sum("holds nothing" in note for note in done.notes) == 2

    api = paged(FULL, lambda _: {"items": []})
    done = list_all(spec_source(text).open(), lambda asked: {**api(asked), "pages": 5})
    assert done.shortfall == "the API says that it has 5 pages, and gave 2"
    done = list_all(spec_source(text).open(), lambda asked: {**api(asked), "pages": 99})
    assert done.shortfall == "the API says that it has 99 pages, and gave 2"
    assert len(done.requests) == 12
    gone = paged(FULL, raising(missing()))
    done = list_all(spec_source(text).open(), lambda asked: {**gone(asked), "pages": 5})
    assert done.shortfall == "the API says that it has 5 pages, and gave 2"
    nothing = list_all(spec_source(text).open(), lambda _: {"items": [], "pages": 1})
    assert (nothing.items, nothing.shortfall) == ([], None)


@pytest.mark.parametrize(
    "paginator",
    [
        "type = 'page_number'",
        "type = 'offset'\nlimit = 2",
        "type = 'json_link'\nnext_url_path = 'next'",
        "type = 'cursor'\ncursor_path = 'next'\ncursor_param = 'after'",
    ],
)
def test_a_spec_says_which_statuses_end_a_listing(paginator: str) -> None:
    """After a page with items, with a note; any other status is an error, and so is the same one on the first page."""
    source = spec_source(f"[paginator]\n{paginator}\nempty_statuses = [404]")

    def api(code: int, *pages: Any) -> Any:
        remaining = list(pages)

        def answered(_: Asked) -> Any:
            if remaining:
                return remaining.pop(0)
            raise failed_with(code)

        return answered

    first = {"items": numbered(1, 2), "next": "https://api.example.org/v1?page=2"}
    done = list_all(source.open(), api(404, first))
    assert (done.urls, done.shortfall) == (numbered(1, 2), None)
    assert done.notes
    for code, pages in ((410, [first]), (404, [])):
        with pytest.raises(TaskFailure, match=str(code)):
            list_all(source.open(), api(code, *pages))


def test_days_without_anything_may_answer_404() -> None:
    """Where the spec says so: nothing is left out then. If no day has anything, the path is probably wrong."""
    window = "[paginator]\ntype = 'date_window'\nstart = 2026-01-01\nend = 2026-01-03\nstep = 1\n"

    def api(asked: Asked) -> Any:
        if asked.query["start_date"] == "2026-01-02":
            return {"items": numbered(1, 1)}
        raise failed_with(404)

    listing = spec_source(f"{window}empty_statuses = [404]").open()
    assert (list_all(listing, api).shortfall, listing.left_out.total) == (None, 0)
    listing = spec_source(window).open()
    assert list_all(listing, api).shortfall == "2 of its pages do not exist"
    assert listing.left_out.reasons == {"no_such_page": 2}
    source = spec_source(f"{window}empty_statuses = [404]")
    silent = list_all(source.open(), lambda _: api(Asked("", {"start_date": ""}, {})))
    assert "3 of its pages have nothing" in str(silent.shortfall)


@pytest.mark.parametrize(
    "paginator",
    [
        "type = 'page_number'",
        "type = 'offset'\nlimit = 2",
        "type = 'cursor'\ncursor_path = 'next'\ncursor_param = 'after'",
    ],
)
def test_a_page_may_say_that_it_is_the_last(paginator: str) -> None:
    """No request follows; the first page has to say something of it."""
    first = {"items": numbered(1, 2), "more": True, "next": 1}
    last = {"items": numbered(3, 3), "more": False, "next": 2, "end": 1}
    for path in ("more", "!end"):
        source = spec_source(f"[paginator]\n{paginator}\nhas_more_path = '{path}'")
        done = list_all(source.open(), in_turn(first, last))
        assert (len(done.requests), done.urls, done.shortfall) == (2, numbered(1, 3), None)
    with pytest.raises(SourceError, match="has_more_path"):
        list_all(spec_source(f"[paginator]\n{paginator}\nhas_more_path = 'mor'").open(), lambda _: first)


@pytest.mark.parametrize(
    ("spec", "pages"),
    [
        (
            "type = 'offset'\nlimit = 3\ntotal_path = 'total'",
            [
                {"items": ["https://x.org/1.jpg", None, {"id": 1}], "total": 9},
                {"items": ["https://x.org/2.jpg", {}, 7], "total": 9},
                {"items": [], "total": 9},
            ],
        ),
        (
            "type = 'ids_then_detail'\nids = 'ids'\npath = 'x/{id}'",
            [{"ids": [1, 2, 3, 4]}, {"items": ["https://x.org/1.jpg"]}, 404, {"items": 7}, {"items": [{}, "/4.jpg"]}],
        ),
    ],
)
def test_what_was_left_out_is_the_same_after_a_restart(spec: str, pages: list[Any]) -> None:
    """From every position on the way, counts and words at the end are those of the whole listing."""
    source = spec_source(f"[paginator]\n{spec}")

    def api(asked: Asked) -> Any:
        if "offset" in asked.query:
            return pages[int(asked.query["offset"]) // 3]
        page = pages[int(asked.path.rpartition("/")[2])] if "/x/" in asked.path else pages[0]
        if page == 404:
            raise missing()
        return page

    listing = source.open()
    whole = list_all(listing, api)
    assert listing.left_out.total > 2
    assert left_out_of(whole.positions[-1]).reasons == listing.left_out.reasons
    for position in whole.positions:
        resumed = source.open(position=position)
        list_all(resumed, api)
        assert (resumed.left_out.reasons, resumed.shortfall) == (listing.left_out.reasons, listing.shortfall)


@pytest.mark.parametrize(
    "paginator",
    ["type = 'json_link'\nnext_url_path = 'next'", "type = 'cursor'\ncursor_path = 'at'\ncursor_param = 'at'"],
)
def test_links_and_cursors_are_compared_with_the_total(paginator: str) -> None:
    """From every position; a total that was reached, or passed, is fine."""

    def api(total: Any) -> Any:
        def answered(asked: Asked) -> Any:
            if "at" in asked.query or "page" in asked.query:
                return {"items": numbered(3, 4), "total": total, "next": None, "at": None}
            return {"items": numbered(1, 2), "total": total, "next": "https://api.example.org/v1?page=2", "at": 2}

        return answered

    source = spec_source(f"[paginator]\n{paginator}\ntotal_path = 'total'")
    for total in (4, 3, None):
        assert list_from_everywhere(source, api(total)).shortfall is None
    listing = source.open()
    done = list_all(listing, api("9"))
    assert (done.shortfall, listing.total) == ("the API says that it has 9 items, and gave 4", 9)
    assert listing.left_out.reasons == {"not_given": 5}
    for position in done.positions:
        resumed = source.open(position=position)
        assert list_all(resumed, api("9")).shortfall == done.shortfall
        assert resumed.left_out.reasons == {"not_given": 5}
