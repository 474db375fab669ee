"""Images below items: photos of posts, with the facts of the post; what has none, and what is of another shape."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.errors import PuplineError, SourceError
from tests.sources.recorded_apis import Listed, list_all, spec_source

POSTS = """
items = "data.children[].data"
each = "media[]"
[fields]
url = "src"
[outer]
creator = "author"
landing = "join('', ['https://x.org/', permalink || ''])"
[parent]
license = "licence"
"""


def listed(text: str, *pages: Any) -> Listed:
    """What a spec lists of these pages."""
    remaining = iter(pages)
    return list_all(spec_source(text).open(), lambda _: next(remaining))


def posts(*given: Any) -> Any:
    """A page of posts."""
    return {"licence": "CC0", "data": {"children": [{"data": post} for post in given]}}


def test_the_photos_of_a_post_have_its_author() -> None:
    """Each is an item; its own facts go before the post's, and those before the page's."""
    page = posts(
        {
            "author": "ann",
            "permalink": "a",
            "media": [{"src": "https://x.org/1.jpg"}, {"src": "/2.jpg", "title": "two"}],
        },
        {"author": "bob", "media": [{"src": "https://x.org/3.jpg", "creator": "carl"}]},
        {"author": "no one"},
        {"author": "no one", "media": []},
    )
    items = listed(POSTS, page).items
    assert [item.url for item in items] == [
        "https://x.org/1.jpg",
        "https://api.example.org/2.jpg",
        "https://x.org/3.jpg",
    ]
    assert [item.creator for item in items] == ["ann", "ann", "carl"]
    assert items[0].landing == "https://x.org/a"
    assert items[1].title == "two"
    assert {item.license for item in items} == {"CC0"}


def test_other_values_are_kept_by_name() -> None:
    """A table of JMESPath on each object; what gives null is no value, and bad expressions are named."""
    spec = POSTS + "[extra]\nscore = 'rating.average'\n\"all tags\" = 'tags[].name'\n"
    media = [{"src": "/1.jpg", "rating": {"average": 4.5}}, {"src": "/2.jpg", "tags": [{"name": "a"}], "author": "x"}]
    items = listed(spec, posts({"author": "ann", "media": media})).items
    assert [item.extra for item in items] == [{"score": 4.5}, {"all tags": ["a"]}]
    with pytest.raises(PuplineError, match=r"extra\.score"):
        spec_source(POSTS + "[extra]\nscore = 'a['\n")


TWO = """
items = "users"
each = ["posts", "photos"]
url_template = "https://x.org/{name}/{post}/{photo}.jpg"
[fields]
id = "photo"
[outer]
creator = "name"
title = "title"
"""


def test_there_may_be_two_levels_between() -> None:
    """The nearest object that has the fact gives it; placeholders find theirs in the same order."""
    photos = [{"photo": "a"}, {"photo": 2}]
    users: list[Any] = [
        {"name": "ann", "title": "far", "posts": [{"post": 1, "title": "near", "photos": photos}]},
        {"name": "bob", "title": "far", "posts": [{"post": 3, "photos": [{"photo": "c"}]}]},
    ]
    items = listed(TWO, {"users": users}).items
    assert [item.url.removeprefix("https://x.org/") for item in items] == ["ann/1/a.jpg", "ann/1/2.jpg", "bob/3/c.jpg"]
    assert [(item.creator, item.title) for item in items] == [("ann", "near"), ("ann", "near"), ("bob", "far")]


def test_pages_are_counted_in_posts() -> None:
    """An offset and a total are about posts, however many photos they have; the number of images is unknown."""
    text = POSTS.replace(
        'each = "media[]"', 'each = "media[]"\n[paginator]\ntype = "offset"\nlimit = 2\ntotal_path = "n"'
    )
    first = posts({"media": [{"src": f"/{n}.jpg"} for n in range(5)]}, {"media": []}) | {"n": 3}
    source = spec_source(text)
    listing, pages = source.open(), iter([first, posts({"media": [{"src": "/9.jpg"}]}) | {"n": 3}])
    asked: list[str] = []

    def api(request: Any) -> Any:
        asked.append(request.query["offset"])
        return next(pages)

    done = list_all(listing, api)
    assert (asked, len(done.items), done.shortfall, listing.total) == (["0", "2"], 6, None, None)


def test_a_level_that_nothing_has_is_an_error() -> None:
    """The spec names it wrongly, or the API has renamed it; after pages with images it may be so."""
    with pytest.raises(SourceError, match=r"each \(media\[\]\) found nothing in any of the 2 .* an object with photos"):
        listed(POSTS, posts({"photos": []}, {"photos": []}))
    text = POSTS.replace("[fields]", "[paginator]\ntype = 'page_number'\n[fields]")
    done = listed(text, posts({"media": [{"src": "/1.jpg"}]}), posts({"text": "none"}), posts(), posts())
    assert (len(done.items), done.shortfall) == (1, None)


def test_unusable_photos_are_counted() -> None:
    """As unusable records are, and those without a URL."""
    listing = spec_source(POSTS).open()
    done = list_all(listing, lambda _: posts({"media": [None, 7, {"src": "/1.jpg"}, {}]}))
    assert len(done.items) == 1
    assert listing.left_out.reasons == {"unusable_record": 2, "no_url": 1}


def test_a_posts_without_any_photo_name_nothing() -> None:
    """Entries came, and none of them names an image: reported."""
    assert "of 2 entries none is an image" in str(listed(POSTS, posts({"media": []}, {"media": []})).shortfall)


def test_thumbnails_lead_to_the_pictures() -> None:
    """A text in the URL is replaced, in the spec's order; a URL that is too long does not grow."""
    text = "[url_replace]\n'/square.' = '/large.'\n'http:' = 'https:'\n'a' = 'aaaaaaaaaa'"
    done = listed(text, {"items": ["http://x.org/1/square.jpg", "http://x.org/" + "a" * 6000]})
    assert done.urls[0] == "https://x.org/1/laaaaaaaaaarge.jpg"
    assert len(done.urls[1]) == 5000


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("each = []", "each"),
        ("each = ['a', 'b', 'c']", "each"),
        ("each = 'a['", "each"),
        ("[outer]\ncreator = 'a'", "outer"),
        ("each = 'a'\n[outer]\nurl = 'a'", "outer.url"),
        ("[url_replace]", "url_replace"),
        ("[url_replace]\n'' = 'a'", "url_replace"),
        ("[url_replace]\na = 7", "url_replace"),
        ("[paginator]\ntype = 'page_number'\nempty_statuses = [401]", "paginator.empty_statuses"),
        ("[paginator]\ntype = 'page_number'\nempty_statuses = 404", "paginator.empty_statuses"),
    ],
)
def test_what_cannot_work_is_a_problem_of_its_field(text: str, path: str) -> None:
    """Named by its path."""
    with pytest.raises(PuplineError, match=rf"kennel.toml: {path}"):
        spec_source(text)


@given(
    st.recursive(
        st.none() | st.integers() | st.just("/1.jpg"),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["data", "children", "media", "src"]), inner, max_size=3)
        ),
        max_leaves=12,
    )
)
def test_any_page_is_read_or_refused(page: Any) -> None:
    """With our own error, whatever its shape is."""
    try:
        done = listed(POSTS, page)
    except SourceError:
        return
    assert all(item.url for item in done.items)
