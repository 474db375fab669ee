"""Link headers as RFC 8288 has them: what is valid is followed, what cannot be read is told, and nothing takes long."""

import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.errors import SourceError
from pupline.sources.api._link_header import Link, LinkHeader
from tests.sources.recorded_apis import Asked, list_all, numbered, spec_source

PAGE = "https://a/1"


def target(header: str, relation: str = "next") -> str | None:
    """The target that the header of the page `PAGE` has for the relation."""
    return LinkHeader.parse(header).target_of(relation, PAGE)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ('<https://a/2>; rel="next"', "https://a/2"),
        ("<https://a/2>; rel=next", "https://a/2"),
        ("<https://a/2>;rel=next", "https://a/2"),
        ('<https://a/2>\t ; \t rel \t = \t "next"', "https://a/2"),
        ('<https://a/2>; REL="prev NEXT"', "https://a/2"),
        ('<https://a/2>; rel="  prev   next "', "https://a/2"),
        ('<https://a/2>; title="a \\" b"; rel="next"', "https://a/2"),
        ('<https://a/2>; title="a \\\\"; rel="next"', "https://a/2"),
        ('<https://a/2>; title=";rel=\\"prev\\", <https://a/9>"; rel="next"', "https://a/2"),
        ('<https://a/2>; title="<b>, rel=prev"; rel=next', "https://a/2"),
        ("<https://a/2>; title*=UTF-8''%e2%82%ac; rel=next", "https://a/2"),
        ("<https://a/2>; crossorigin; rel=next", "https://a/2"),
        ("<https://a/2>;; rel=next;", "https://a/2"),
        ('<https://a/1>; rel="prev", <https://a/2?x=1,2>; rel="next"', "https://a/2?x=1,2"),
        (",, <https://a/0>; rel=prev,,<https://a/2>; rel=next,", "https://a/2"),
        ("< /2?x=<1 >; rel=next", "/2?x=<1"),
        ('<https://a/2>; rel="\\n\\e\\x\\t"', "https://a/2"),
        ("<?page=2>; rel=next", "?page=2"),
        ("<https://a/2>; rel=next, <https://a/3>; rel=next", "https://a/2"),
        # the first of each parameter counts
        ("<https://a/2>; rel=prev; rel=next", None),
        ("<https://a/2>; rel=next; rel=prev", "https://a/2"),
        # a link of another page is not this page's
        ('<https://a/2>; rel=next; anchor="https://b/"', None),
        ('<https://a/2>; rel=next; anchor="#part"', None),
        ('<https://a/9>; rel=next; anchor="/9", <https://a/2>; rel=next', "https://a/2"),
        ('<https://a/2>; rel=next; anchor="/1"', "https://a/2"),
        ('<https://a/2>; rel=next; anchor="http://[::1"', None),
        ('<https://a/1>; rel="nextish"', None),
        ('<https://a/2>; rel="https://a/next"', None),
        ("<https://a/2>; rev=next", None),
        ("<https://a/2>; title=next", None),
        ('<https://api.w.org/>; rel="https://api.w.org/"', None),
        ("", None),
        (" , ,", None),
    ],
)
def test_valid_headers_are_read_as_rfc_8288_says(header: str, expected: str | None) -> None:
    """Quoted strings with escapes, words in any case, several relations, commas anywhere."""
    assert target(header) == expected


def test_extension_relations_are_compared_without_case() -> None:
    """RFC 8288, 2.1.2."""
    assert target('<https://a/2>; rel="HTTPS://A.org/More"', "https://a.org/more") == "https://a/2"


@pytest.mark.parametrize(
    "header",
    [
        "<https://a/2>; rel='next'",
        "<https://a/2>; rel=\u201cnext\u201d",
        "<https://a/2>; rel*=UTF-8''next",
        "<https://a/2>; rel*=UTF-8'en'%6eext",
        "https://a/2; rel=next",
        '"https://a/2"; rel=next',
        "<https://a/2; rel=next",
        '<https://a/2>; rel="next',
        '<https://a/2>; title="a \\"; rel="next',
        "<https://a/2> rel=next",
        '<https://a/2>; title="a" rel="next"',
        '<https://a/1>; rel="prev" <https://a/2>; rel="next"',
    ],
)
def test_a_next_page_that_cannot_be_read_is_told(header: str) -> None:
    """Neither followed by a guess nor taken for the end."""
    with pytest.raises(SourceError, match=r"Link header has a part that cannot be read .* RFC 8288"):
        target(header)


def test_what_cannot_be_read_does_not_hide_what_can() -> None:
    """A broken link among others costs itself."""
    assert target("nonsense, <https://a/2>; rel=next") == "https://a/2"
    assert target('<https://a/0>; rel="prev" junk, <https://a/2>; rel=next') == "https://a/2"


_WORDS = st.text(alphabet="abcdefghijklmnopqrstuvwxyz0123456789-.", min_size=1, max_size=8)
_LINKS = st.builds(
    Link,
    st.text(alphabet="abc/?&=,;:%\"' 9", max_size=20).map(str.strip),
    st.dictionaries(
        st.sampled_from(["rel", "title", "type", "x-y"]),
        st.text(alphabet="abcn ext,;<>=\"\\'\t\u00e4", max_size=15),
        max_size=4,
    ),
)


def written(link: Link, spaces: str) -> str:
    """The link as a careful server writes it."""
    quoted = {name: value.replace("\\", "\\\\").replace('"', '\\"') for name, value in link.parameters.items()}
    parameters = "".join(f'{spaces};{spaces}{name.upper()}{spaces}="{value}"' for name, value in quoted.items())
    return f"<{link.target}>{parameters}"


@given(st.lists(_LINKS, max_size=5), st.sampled_from(["", " ", "\t "]))
def test_what_is_written_is_read(links: list[Link], spaces: str) -> None:
    """Any targets and values, in any number."""
    found = LinkHeader.parse(f"{spaces},".join(written(link, spaces) for link in links))
    assert (found.links, found.unreadable) == (tuple(links), ())


@given(st.one_of(st.text(alphabet="<>;=\"\\'rel next,a*", max_size=300), st.text(max_size=100)))
def test_any_header_is_read_or_refused_in_our_words(header: str) -> None:
    """Whatever a server writes there."""
    with suppress(SourceError):
        found = target(header)
        assert found is None or found in header


@pytest.mark.parametrize(
    "unit", ["<", "<a>", '<a>;"', '<a>;b="', ';"', ",x", "<a>;", '\\"', "<a>;b=\\", "<a>;rel=next x,", "' ", "<a>;="]
)
def test_a_hostile_header_costs_one_pass(unit: str) -> None:
    """A million characters are read in less time than a person notices, whatever they repeat."""
    began = time.perf_counter()
    LinkHeader.parse('<a>;b="' + unit * (1_000_000 // len(unit)))
    LinkHeader.parse(unit * (1_000_000 // len(unit)))
    assert time.perf_counter() - began < 2


def test_a_listing_follows_the_header_and_tells_what_it_cannot_read() -> None:
    """The items of the page are listed; its next page is what cannot be asked for."""
    links = [', <?page=1>; title="a, \\" b"; rel="next"', ", <?page=2>; rel='next'"]

    def api(asked: Asked) -> Any:
        page = int(asked.query.get("page", 0))
        return {"items": numbered(page, page)}, {"link": "</>; rel=index" + links[page]}

    listing = spec_source("[paginator]\ntype = 'header_link'").open()
    with pytest.raises(SourceError, match="rel='next'"):
        list_all(listing, api)
    assert listing.position().count("page=1") == 1


def test_auto_prefers_a_body_that_tells_to_a_header_that_cannot_be_read() -> None:
    """It asks for what is known, and tells only where nothing is."""
    asked_pages: list[int] = []

    def api(asked: Asked) -> Any:
        page = int(asked.query.get("page", 0))
        asked_pages.append(page)
        return {"items": numbered(page, page), "next": "?page=1" if page < 1 else None}, {"link": "junk; rel=x"}

    with pytest.raises(SourceError, match="cannot be read"):
        list_all(spec_source("[paginator]\ntype = 'auto'").open(), api)
    assert asked_pages == [0, 1]
