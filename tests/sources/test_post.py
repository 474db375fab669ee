"""APIs that are asked by POST with a JSON body: GraphQL and searches; cursors, offsets and params in the body."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pupline.errors import ConfigurationError, PuplineError, SourceError
from pupline.sources._resolve import source_of
from pupline.specs import with_params
from pupline.specs._body import filled_body
from tests.sources.recorded_apis import Asked, list_all, list_from_everywhere, numbered, spec_of, spec_source

GRAPHQL = """
path = "graphql"
method = "POST"
ok = "!errors"
items = "data.images.nodes[]"
[params]
q = "dog"
first = 2
lang = "en"
[body]
query = "query($q: String!) { images(q: $q) { nodes {url} pageInfo { endCursor hasNextPage } } }"
[body.variables]
q = "{q}"
first = "{first}"
filter = ["breed:{q}", 7]
[paginator]
type = "cursor"
cursor_path = "data.images.pageInfo.endCursor"
has_more_path = "data.images.pageInfo.hasNextPage"
cursor_body_path = "variables.page.after"
"""


def graphql(asked: Asked) -> Any:
    """An API of five images, two on a page; its cursor is a number."""
    assert asked.path == "/v1/graphql"
    assert asked.query == {"lang": "en"}
    after = asked.content["variables"].get("page", {}).get("after", 0)
    assert isinstance(after, int)
    last = min(after + asked.content["variables"]["first"], 5)
    nodes = [{"url": url} for url in numbered(after + 1, last)]
    return {"data": {"images": {"nodes": nodes, "pageInfo": {"endCursor": last, "hasNextPage": last < 5}}}}


def test_graphql_is_listed_by_its_cursor() -> None:
    """From every position; the cursor keeps its type; the query's own braces stay as they are."""
    done = list_from_everywhere(spec_source(GRAPHQL), graphql)
    assert (done.urls, done.shortfall, len(done.requests)) == (numbered(1, 5), None, 3)
    sent = Asked.of(done.requests[1])
    assert sent.content["variables"] == {"q": "dog", "first": 2, "filter": ["breed:dog", 7], "page": {"after": 2}}
    assert "{ nodes {url} pageInfo" in sent.content["query"]
    assert done.requests[0].content_type == "application/json"


def test_params_of_the_body_are_the_users() -> None:
    """A number stays one; another kind of value is refused before anything is sent; the position is another."""
    spec = with_params(spec_of(GRAPHQL), {"q": 'a "cat" é', "first": "3"})
    done = list_all(source_of(spec).open(), graphql)
    assert Asked.of(done.requests[0]).content["variables"]["filter"] == ['breed:a "cat" é', 7]
    assert len(done.requests) == 2
    with pytest.raises(ConfigurationError, match="the param first is a number, not 'many'"):
        with_params(spec_of(GRAPHQL), {"first": "many"})
    with pytest.raises(ConfigurationError, match="requests"):
        spec_source(GRAPHQL.replace("$q", "$r")).open(position=done.positions[0])


def test_an_error_of_graphql_is_told() -> None:
    """It comes with 200."""
    with pytest.raises(SourceError, match="no field urll"):
        list_all(spec_source(GRAPHQL).open(), lambda _: {"errors": [{"message": "no field urll"}]})


@pytest.mark.parametrize(
    ("paginator", "paths"),
    [
        (
            "type = 'offset'\nlimit = 2\noffset_body_path = 'from'\nlimit_body_path = 'size'",
            [(0, 2), (2, 2), (4, 2), (6, 2)],
        ),
        ("type = 'page_number'\nbase_page = 1\npage_body_path = 'from'", [(1, 9), (2, 9), (3, 9), (4, 9)]),
    ],
)
def test_offsets_and_page_numbers_may_be_in_the_body(paginator: str, paths: list[tuple[int, int]]) -> None:
    """As numbers; the body's own values of that name are replaced."""
    pages = iter([numbered(1, 2), numbered(3, 4), [], []])
    source = spec_source(f"method = 'POST'\n[body]\nfrom = 7\nsize = 9\n[paginator]\n{paginator}")
    done = list_all(source.open(), lambda _: {"items": next(pages)})
    assert [(sent["from"], sent["size"]) for sent in (Asked.of(one).content for one in done.requests)] == paths


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("[body]\na = 1", "body: a body is sent by POST"),
        ("method = 'POST'", "body: write a table"),
        ("method = 'POST'\n[body]\nwhen = 2026-01-01", "body: write texts"),
        ("method = 'POST'\n[body]\na = nan", "body: write texts"),
        ("method = 'POST'\n[body]\na.b.api_key = 'x'", r"body.a.b.api_key: a secret never"),
        ("method = 'POST'\n[body]\na = 1\n[paginator]\ntype = 'repeat'", "method: 'POST': repeat"),
        ("[paginator]\ntype = 'cursor'\ncursor_path = 'a'", "paginator.cursor_param"),
        ("[paginator]\ntype = 'cursor'\ncursor_path = 'a'\ncursor_body_path = 'a'", "paginator.cursor_body_path"),
        (
            "method = 'POST'\n[body]\na = 1\n[paginator]\ntype = 'cursor'\ncursor_path = 'a'\ncursor_body_path = 'a.b'",
            "paginator.cursor_body_path: 'a.b': something other than a table",
        ),
        (
            "method = 'POST'\n[body]\na = 1\n[paginator]\ntype = 'cursor'\ncursor_path = 'a'\ncursor_body_path = '.b'",
            "paginator.cursor_body_path: '.b': write a path",
        ),
    ],
)
def test_what_cannot_be_sent_is_a_problem_of_its_field(text: str, path: str) -> None:
    """Named by its path."""
    with pytest.raises(PuplineError, match=rf"kennel.toml: {path}"):
        spec_source(text)


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=4), st.text(max_size=30))
def test_any_value_of_a_param_is_a_value(params: dict[str, str], text: str) -> None:
    """Whatever it holds, the body is JSON of the same shape."""
    sent = filled_body({"a": ["{q}", text]}, {**params, "q": text}, frozenset({"q"}), {})
    assert sent.startswith(b'{"a":[')
