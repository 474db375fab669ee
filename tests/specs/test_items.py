"""Items: what a source says is brought to one set of types; what has no sense is left out and noted, never failed."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.errors import InvalidUrl, SourceError
from pupline.http import Url
from pupline.sources import resolve
from pupline.specs._item_fields import FACTS, Normaliser
from pupline.specs._item_reader import filled
from pupline.specs._plain_text import plain_text
from pupline.tasks.items import SourceItem
from tests.sources.recorded_apis import list_all, spec_source

URL = "https://images.example.org/1.jpg"


def items_of(page: Any, spec: str = "") -> tuple[list[SourceItem], list[str]]:
    """The items of one page, and the notes."""
    done = list_all(spec_source(spec).open(), lambda _: page)
    return done.items, done.notes


@pytest.mark.parametrize(
    ("name", "given_value", "expected"),
    [
        ("id", 17, "17"),
        ("id", " a  b ", "a b"),
        ("width", "640", 640),
        ("width", 640.0, 640),
        ("width", 0, None),
        ("bytes", 2**40, 2**40),
        ("sha1", "A" * 40, "a" * 40),
        ("sha256", "0" * 64, "0" * 64),
        ("mime", "Image/JPEG; q=1", "image/jpeg"),
        ("license", "", None),
        ("license", False, None),
        ("creator", "<b>Ann</b> &amp; Bob", "Ann & Bob"),
        ("title", "a\ud800b", "a\ufffdb"),
        ("labels", "pug", ("pug",)),
        ("labels", ["pug", None, "pug", 7, " "], ("pug", "7")),
    ],
)
def test_values_become_the_types_of_an_item(name: str, given_value: Any, expected: Any) -> None:
    """Numbers of texts, texts of numbers, one label a list; without a note."""
    normal = Normaliser()
    found = getattr(normal.item(URL, {name: given_value}), name)
    assert found == (() if expected is None and name == "labels" else expected)
    assert normal.take_notes() == ()


def test_a_text_that_is_cut_is_noted() -> None:
    """Nothing is shortened silently."""
    normal = Normaliser()
    assert normal.item(URL, {"title": "x" * 9000}).title == "x" * 4096
    assert normal.take_notes() == ("title: texts of more than 4,096 characters are cut",)


def test_a_text_that_fits_exactly_is_not_noted() -> None:
    """A published list has such texts, cut when they were first read."""
    normal = Normaliser()
    assert normal.item(URL, {"title": "x" * 4096}).title == "x" * 4096
    assert normal.take_notes() == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", {"a": 1}),
        ("id", True),
        ("width", "wide"),
        ("width", -1),
        ("width", 2**31),
        ("width", 1.5),
        ("bytes", True),
        ("sha1", "abc"),
        ("sha1", 7),
        ("sha256", "g" * 64),
        ("mime", "jpeg"),
        ("mime", 7),
        ("title", ["a"]),
        ("labels", [{"name": "pug"}]),
    ],
)
def test_values_of_other_types_are_left_out_with_one_note(name: str, value: Any) -> None:
    """The item stays; the note comes once per field, not once per item."""
    normal = Normaliser()
    assert normal.item(URL, {name: value, "alt": "x"}) == SourceItem(url=URL, alt="x")
    normal.item(URL, {name: value})
    notes = normal.take_notes()
    assert len(notes) == 1
    assert notes[0].startswith(f"{name}: ")


@given(
    st.text(),
    st.dictionaries(
        st.sampled_from(FACTS),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
            max_leaves=4,
        ),
    ),
)
def test_any_values_make_an_item_that_can_be_stored(url: str, facts: dict[str, Any]) -> None:
    """As UTF-8 and as JSON, and back."""
    item = Normaliser().item(url, facts)
    text = json.dumps(item.as_dict(), ensure_ascii=False)
    text.encode()
    assert SourceItem.from_dict(json.loads(text)) == item


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ('<a href="//x">José</a> &amp; Co', "José & Co"),
        ("one<br>two<p>three</p>four", "one two three four"),
        ("<script>alert(1)</script>Ann<style>p{}</style>", "Ann"),
        ("2 < 3 and 5 > 4", "2 < 3 and 5 > 4"),
        ("A&B &c; AT&T", "A&B &c; AT&T"),
        ("<!-- x --><b>Ann", "Ann"),
        ("&lt;b&gt;", "<b>"),
        ("  a \n b  ", "a b"),
    ],
)
def test_markup_becomes_plain_text(markup: str, text: str) -> None:
    """What a reader of the page would see, on one line."""
    assert plain_text(markup) == text


@pytest.mark.parametrize(
    "markup",
    ["<a", "<!--", "<script>", '<a "', "<a '", "<", "</script", "<!", "&#9", "<p>&#" + "9" * 5000 + ";", "<style "],
)
def test_plain_text_takes_one_pass(markup: str) -> None:
    """Tags that are never closed cost no more than others, and no reference is too long."""
    before = time.process_time()
    plain_text(markup * (100_000 // len(markup)) + ">")
    assert time.process_time() - before < 1


@given(st.text(alphabet="<>&;!-/abscript \n'\"=#x1", max_size=200))
def test_plain_text_takes_anything(markup: str) -> None:
    """Without an error, and without line ends."""
    assert "\n" not in plain_text(markup)


def test_strings_objects_and_single_things_are_items() -> None:
    """A list of URLs, a list of objects, one of either; an empty list is none."""
    one = SourceItem(url=URL)
    for page, expected in [([URL], [one]), ([{"url": URL}], [one]), (URL, [one]), ({"url": URL}, [one]), ([], [])]:
        assert items_of({"items": page})[0] == expected


@pytest.mark.parametrize("found", [7, True, 1.5])
def test_other_things_are_an_error_of_the_source(found: Any) -> None:
    """With the expression and what it gave."""
    with pytest.raises(SourceError, match=r"items \(items\) gives"):
        items_of({"items": found})


def test_items_without_a_url_are_left_out_with_a_note() -> None:
    """Works without a picture have not failed."""
    items, notes = items_of({"items": [{"url": ""}, {"url": None}, {}, 7, None, {"url": URL}]})
    assert [item.url for item in items] == [URL]
    assert notes == [
        "2 of the page's entries cannot be used and are left out: the number 7",
        "items without a url are left out",
    ]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/a/1.jpg", "https://api.example.org/a/1.jpg"),
        ("1.jpg", "https://api.example.org/v1/1.jpg"),
        ("//cdn.example.org/1.jpg", "https://cdn.example.org/1.jpg"),
        ("http://[::1", "http://[::1"),
        ("//[::1", "//[::1"),
        ("data:image/png;base64,AA", "data:image/png;base64,AA"),
        ("https://a.org/\ud800", "https://a.org/\\ud800"),
    ],
)
def test_relative_urls_belong_to_their_page(url: str, expected: str) -> None:
    """What is no URL is kept as it is: the audit will say so."""
    assert items_of({"items": [url]}, "path = 'dogs'")[0] == [SourceItem(url=expected)]


@pytest.mark.parametrize(
    "url",
    ["/a\tb.jpg", " /a.jpg", "/a.jpg\n", " https://x.org/a.jpg", "\nhttps://x.org/a.jpg", "\x00a.jpg", "#", "#a", "?"],
)
def test_what_joining_would_drop_stays_in_a_url(url: str) -> None:
    """Blanks and line ends in it, and references to the page itself: fetching refuses such a URL."""
    assert items_of({"items": [url]})[0][0].url == url
    with pytest.raises(InvalidUrl):
        Url.parse(url)


@pytest.mark.parametrize("blank", ["", " ", "\t\n", "\u3000"])
def test_a_text_of_blanks_is_not_a_url(blank: str) -> None:
    """It is left out like an empty one; alone on its page it is an error."""
    listing = spec_source("").open()
    done = list_all(listing, lambda _: {"items": [blank, "https://x.org/a.jpg", {"url": blank}]})
    assert (done.urls, listing.left_out.reasons) == (["https://x.org/a.jpg"], {"unusable_record": 1, "no_url": 1})
    with pytest.raises(SourceError, match="found nothing but"):
        items_of({"items": [blank]})


@pytest.mark.parametrize("beginning", ["https://a.org/", "data:image/png;base64,", "/", "\ud800"])
def test_long_urls_that_begin_alike_are_different_items(beginning: str) -> None:
    """A URL that is too long to be fetched is kept short, and is still told from every other one."""
    urls = [f"{beginning}{'x' * 9000}{end}" for end in ("", "1", "2", "x")]
    kept = [item.url for item in items_of({"items": urls}, "path = 'dogs'")[0]]
    assert len(set(kept)) == len(urls)
    assert [len(url) for url in kept] == [5000] * len(urls)


def test_fields_come_before_what_the_item_says_by_itself_and_parent_last() -> None:
    """`fields` by expression, else the item's value of the same name, else the page's."""
    page = {
        "info": {"license": "CC0", "by": "Page"},
        "items": [{"src": URL, "title": "T", "creator": "Ann", "alt": "x"}, {"src": URL + "?2", "creator": None}],
    }
    spec = "[fields]\nurl = 'src'\nalt = 'nothing'\n[parent]\nlicense = 'info.license'\ncreator = 'info.by'"
    items, _ = items_of(page, spec)
    assert items == [
        SourceItem(url=URL, title="T", creator="Ann", license="CC0"),
        SourceItem(url=URL + "?2", creator="Page", license="CC0"),
    ]


def test_an_expression_that_meets_the_wrong_type_is_a_source_error() -> None:
    """JMESPath functions are strict; the message says which expression."""
    with pytest.raises(SourceError, match="join"):
        items_of({"items": [{"url": 7}]}, "items = \"join('', items)\"")


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{config.base}/{key}/full.jpg", "https://iiif.example.org/2/a%20b%2F..%3F/full.jpg"),
        ("https://x.org/{n}.jpg", "https://x.org/7.jpg"),
        ("https://x.org/{config.base}", "https://x.org/https%3A%2F%2Fiiif.example.org%2F2"),
        ("{missing}/a", None),
        ("{config}/a", None),
        ("{yes}/a", None),
    ],
)
def test_templates_are_filled_from_item_and_page(template: str, expected: str | None) -> None:
    """Percent-encoded, but for a base URL at the beginning; without one of the values there is no URL."""
    page = {"config": {"base": "https://iiif.example.org/2"}, "n": 8}
    assert filled(template, {"key": "a b/..?", "n": 7, "yes": True}, page) == expected


def test_ids_and_labels_come_from_the_url_where_the_source_gives_none() -> None:
    """Percent-decoded; groups that did not take part are no labels."""
    spec = "id_from = '/(\\d+)_'\nlabels_from = '/breeds/([^/-]+)(?:-([^/]+))?/'"
    page = {
        "items": [
            "https://x.org/breeds/hound-afghan/12_a.jpg",
            "https://x.org/breeds/pug%20dog/x.jpg?breeds/no/1_",
            {"url": "https://x.org/breeds/pug/3_.jpg", "id": "own", "labels": ["mine"]},
            "https://[bad/breeds/pug/3_",
        ]
    }
    items, _ = items_of(page, spec)
    assert [(item.id, item.labels) for item in items] == [
        ("12", ("hound", "afghan")),
        (None, ("pug dog",)),
        ("own", ("mine",)),
        (None, ()),
    ]


def test_a_pattern_without_groups_is_taken_whole() -> None:
    """One label, or the id."""
    items, _ = items_of({"items": [URL]}, "id_from = '[0-9]+\\.jpg'\nlabels_from = '[0-9]'")
    assert (items[0].id, items[0].labels) == ("1.jpg", ("1",))


def test_expected_types_leave_out_what_is_declared_otherwise() -> None:
    """Only where the source declares a type; each type is noted once."""
    declared = ["image/jpeg", "image/pjpeg", "video/webm", "video/webm", "image/svg+xml", None, "image/png"]
    page = {"items": [{"url": f"https://x.org/{n}", "mime": mime} for n, mime in enumerate(declared)]}
    items, notes = items_of(page, "[expect]\ntypes = ['jpg', 'png']")
    assert [item.url[-1] for item in items] == ["0", "1", "5", "6"]
    assert len(notes) == 2


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ({"status": "error", "message": "Breed not found", "code": 404}, "Breed not found"),
        ({"status": "maintenance"}, "maintenance"),
        ({"x": 1}, '"x": 1'),
        ("down", "down"),
        (["a"], '"a"'),
    ],
)
def test_an_answer_that_is_not_ok_says_what_the_api_said(page: Any, words: str) -> None:
    """In its own words, on one line."""
    with pytest.raises(SourceError, match="could not answer") as caught:
        items_of(page, "ok = \"status == 'success'\"")
    assert words in str(caught.value)


@pytest.mark.parametrize("body", [b"", b"<html>", b"\xff", b'{"a": NaN}', b"[" * 100])
def test_what_is_no_json_is_a_source_error_that_names_the_page(body: bytes) -> None:
    """And the listing has not moved: the same page can be asked for again."""
    listing = spec_source("").open()
    before = listing.position(), listing.request()
    with pytest.raises(SourceError, match=r"https://api\.example\.org/v1: "):
        listing.read(body, {})
    assert (listing.position(), listing.request()) == before


def test_the_example_of_the_documentation_reads_what_it_documents() -> None:
    """examples/own_source.toml, on the answer that stands in its head."""
    example = Path(__file__).parents[2] / "examples" / "own_source.toml"
    photo = {"file": "/img/hound/12.jpg", "by": "<a href='/ann'>Ann</a>", "size": {"w": 800, "h": 600}}
    page = {"error": None, "pages": 1, "licence": "CC BY 4.0", "photos": [photo]}
    assert list_all(resolve(str(example)).open(), lambda _: page).items == [
        SourceItem(
            url="https://api.example.org/img/hound/12.jpg",
            id="12",
            width=800,
            height=600,
            creator="Ann",
            license="CC BY 4.0",
            labels=("hound",),
        )
    ]
