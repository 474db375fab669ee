"""An API that changes its shape is told, with what was found and what was expected; an empty list is a fact."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.errors import SourceError, UnreadableAnswer
from pupline.sources import resolve
from pupline.specs._expressions import Expression
from pupline.specs._extraction import extract
from tests.sources.recorded_apis import Asked, list_all, numbered, spec_source

ABSENT = object()
SHAPES: list[tuple[Any, str]] = [
    (ABSENT, "nothing"),
    (None, "null"),
    (7, "the number 7"),
    (1.5, r"the number 1\.5"),
    (True, "true"),
    ("", "an empty text"),
    ([None], "null"),
    ([None, None], "null"),
    ([""], "an empty text"),
    ([7], "the number 7"),
    ([[None]], "null"),
]
EXPRESSIONS = ["message[]", "message", "message[*]", "[message][]", "message[:5]", "@ | message[]", "message[].u"]


def answer(message: Any, **others: Any) -> dict[str, Any]:
    """A page whose `message` is this, or absent."""
    return others if message is ABSENT else {"message": message, **others}


@pytest.mark.parametrize("expression", EXPRESSIONS)
@pytest.mark.parametrize(("message", "found"), SHAPES)
def test_a_page_of_another_shape_is_told(expression: str, message: Any, found: str) -> None:
    """Whatever expression asks for a list: what is found there is not taken for an empty one."""
    if expression == "message[*]" and message == [[None]]:
        found = "a list of 1"
    if expression == "message" and message == [[None]]:
        found = "a list of 1"
    with pytest.raises(SourceError, match=r"items \(.*") as caught:
        list_all(spec_source(f"items = '{expression}'").open(), lambda _: answer(message, status="success"))
    assert "should be a list of URLs, or of objects. The answer is an object with" in str(caught.value)
    if expression not in ("message[:5]", "@ | message[]", "message", "message[].u", "[message][]"):
        assert caught.match(found)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_empty_list_is_a_fact(expression: str) -> None:
    """The API says that there is nothing, so there is nothing."""
    done = list_all(spec_source(f"items = '{expression}'").open(), lambda _: answer([]))
    assert (done.items, done.notes, done.shortfall) == ([], [], None)


@pytest.mark.parametrize("message", [{"a": 1}, {}, "x"])
def test_an_object_or_a_text_where_a_list_was_is_told(message: Any) -> None:
    """Where the expression asks for a list, and where the pages before gave one."""
    with pytest.raises(SourceError, match=r"found (an|the) (empty )?(object|text).* at message"):
        list_all(spec_source("items = 'message[]'").open(), lambda _: answer(message))
    pages = iter([["https://x.org/1.jpg"], message])
    with pytest.raises(
        SourceError, match=r"gives (an|the) (empty )?(object|text).*; on the pages before it gave a list"
    ):
        list_all(
            spec_source("items = 'message'\n[paginator]\ntype = 'page_number'").open(), lambda _: answer(next(pages))
        )


def test_usable_entries_among_others_are_used_and_the_others_are_counted() -> None:
    """A null in a list costs itself."""
    page: Any = {"items": [None, "https://x.org/1.jpg", 7, "", {"url": 5}, [], {"url": "https://x.org/2.jpg"}]}
    done = list_all(spec_source("").open(), lambda _: page)
    assert done.urls == ["https://x.org/1.jpg", "https://x.org/2.jpg"]
    assert done.notes == ["5 of the page's entries cannot be used and are left out: null"]


def test_a_page_of_which_no_entry_has_a_url_is_told() -> None:
    """The first one, or one after pages whose entries all had one: its name is another by now."""
    text = "[paginator]\ntype = 'page_number'"
    renamed = {"items": [{"uri": "https://x.org/1.jpg"}]}
    with pytest.raises(SourceError, match=r"found 1 of which none has a URL \(fields\.url\); .* an object with uri"):
        list_all(spec_source(text).open(), lambda _: renamed)
    pages = iter([{"items": [{"url": "https://x.org/1.jpg"}]}, renamed])
    with pytest.raises(SourceError, match="of which none has a URL"):
        list_all(spec_source(text).open(), lambda _: next(pages))
    # An API some of whose works have no picture says so from time to time.
    mixed = iter([{"items": [{"url": "https://x.org/1.jpg"}, {}]}, {"items": [{}]}, {"items": []}, {"items": []}])
    assert len(list_all(spec_source(text).open(), lambda _: next(mixed)).items) == 1


def test_a_listing_none_of_whose_entries_is_an_image_says_so() -> None:
    """A filter that nothing passes finds as much as an API without images; people want to know which."""
    text = "items = 'items[?image]'\n[paginator]\ntype = 'page_number'\n"
    pages = iter([{"items": [{"uri": 1}, {"uri": 2}]}, {"items": [{"uri": 3}]}, {"items": []}, {"items": []}])
    done = list_all(spec_source(text).open(), lambda _: next(pages))
    assert done.shortfall == "of 3 entries none is an image to fetch; look at items in the spec"


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<!DOCTYPE html>\n<html><head><title>Log in</title>", "answered with HTML, where JSON was expected"),
        (b"\n <?xml version='1.0'?><error/>", "answered with markup, where JSON was expected"),
        (b'{"items": ["https://x.org/1.jp', r"is not usable JSON: .* \(30 bytes, application/json\)"),
        (b"", "an empty body, where JSON was expected"),
        (b" \r\n", "an empty body, where JSON was expected"),
        (b"\xff\xfe", "is not usable JSON"),
        (b'{"items": [] } trailing', "is not usable JSON"),
    ],
)
def test_a_page_that_is_not_json_may_be_asked_for_again(body: bytes, told: str) -> None:
    """It may be whole next time; and nothing of the listing has moved."""
    listing = spec_source("").open()
    before = listing.position()
    with pytest.raises(UnreadableAnswer, match=told) as caught:
        listing.read(body, {"content-type": "application/json"})
    assert caught.value.retryable
    assert listing.position() == before
    assert listing.read(b'{"items": ["https://x.org/1.jpg"]}', {}).items


def test_the_breeds_of_a_dog_api_are_told_where_they_are_none() -> None:
    """Its list of breeds as well as a breed's list of images."""
    source = resolve("http://127.0.0.1:8099/api")
    for message in (ABSENT, None, 7, "", [None]):
        page = answer(message, status="success")
        with pytest.raises(SourceError, match=r"ids \(message\) gives"):
            source.open().read(json.dumps(page).encode(), {})
    with pytest.raises(SourceError, match="could not answer"):
        source.open().read(json.dumps(answer({}, status="success")).encode(), {})


def breeds(pages: dict[str, Any]) -> Any:
    """An API of breeds with these answers for their images."""

    def api(asked: Asked) -> Any:
        if asked.path.endswith("/list/all"):
            return answer({name: [] for name in pages}, status="success")
        return answer(pages[asked.path.split("/")[-2]], status="success")

    return api


def test_a_detail_page_of_another_shape_costs_itself() -> None:
    """The others are listed, and what was left out is told."""
    source = resolve("http://127.0.0.1:8099/api")
    done = list_all(source.open(), breeds({"a": numbered(1, 2), "b": None, "c": numbered(3, 3)}))
    assert len(done.items) == 3
    assert "b/images: items (message[]) found null at message" in done.notes[0]
    assert done.shortfall == "1 of its pages could not be used and were left out"


def test_many_detail_pages_of_another_shape_are_the_apis_own() -> None:
    """After some in a row it is not one page any more."""
    source = resolve("http://127.0.0.1:8099/api")
    with pytest.raises(SourceError, match="found null at message"):
        list_all(source.open(), breeds(dict.fromkeys("abcdefghi")))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["message", "a"]), inner, max_size=2)
        ),
        max_leaves=8,
    ),
    st.sampled_from([*EXPRESSIONS, "message[?a]", "message[].a[]", "message.*", "[]"]),
)
def test_what_is_watched_is_what_jmespath_gives(page: Any, text: str) -> None:
    """Watching changes nothing: entries are those of the library, and counts add up."""
    expression = Expression.parse(text)
    plain = expression.search(page)
    try:
        found = extract(expression, page)
    except SourceError:
        return
    given = plain if isinstance(plain, list) else [plain]
    assert found.entries == [one for one in given if isinstance(one, dict) or (isinstance(one, str) and one)]
    assert found.records >= 0
    assert found.unusable >= len(given) - len(found.entries)
