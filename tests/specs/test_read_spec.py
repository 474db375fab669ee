"""Spec files: everything that is wrong is found at once, under its dotted path, with what to write instead."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pupline.errors import ConfigurationError
from pupline.http import Origin
from pupline.specs import FACTS, PAGINATORS, SpecError, _read_spec, read_spec, spec_named

GOOD = """
name = "kennel"
base_url = "https://api.example.org/v1"
items = "items"
"""


def problems(text: str) -> dict[str, str]:
    """The problems of a spec, message by path."""
    with pytest.raises(SpecError) as caught:
        read_spec(text.encode(), "kennel.toml")
    return {problem.path: problem.message for problem in caught.value.problems}


def test_the_least_spec() -> None:
    """Three fields; one page, no auth, no limits but the number of pages."""
    spec = read_spec(GOOD.encode(), "kennel.toml")
    assert (spec.paginator.type, spec.auth.kind, spec.limits.max_pages, spec.terms.bulk) == (
        "single_page",
        "none",
        10_000,
        "yes",
    )


def test_every_field_is_read() -> None:
    """Where the file says it."""
    spec = read_spec(
        b"""
        name = "kennel"
        title = "Dogs."
        base_url = "https://api.example.org/v1"
        path = "dogs"
        method = "GET"
        ok = "!error"
        items = "dogs[]"
        url_template = "{cdn}/{key}.jpg"
        id_from = "[0-9]+"
        labels_from = "/(\\\\w+)/"
        image_origins = ["https://img.example.org", "https://img.example.org:8443"]
        [params]
        q = "dog"
        n = 3
        [headers]
        X-Client = "pupline"
        [auth]
        kind = "header"
        name = "X-Thing"
        prefix = "Id "
        from = "file:key.txt"
        optional = true
        [fields]
        url = "src"
        [parent]
        license = "info.license"
        [paginator]
        type = "offset"
        limit = 20
        total_path = "total"
        stop_after_empty_page = false
        [limits]
        rps = 0.5
        concurrency = 2
        per_hour = 100
        page_size_max = 20
        max_pages = 7
        image_rps = 9
        image_concurrency = 3
        [user_agent]
        contact_required = true
        [terms]
        bulk = "capped"
        cap = 50
        url = "https://example.org/terms"
        note = "be kind"
        [expect]
        types = ["jpg", "png"]
        """,
        "kennel.toml",
    )
    assert spec.params == {"q": "dog", "n": "3"}
    assert spec.image_origins == (Origin("https", "img.example.org", 443), Origin("https", "img.example.org", 8443))
    assert (spec.auth.secret, spec.auth.prefix, spec.auth.optional) == ("file:key.txt", "Id ", True)
    assert dict(spec.paginator.settings)["limit"] == 20
    assert (spec.limits.rps, spec.limits.image_concurrency) == (0.5, 3)
    assert (spec.terms.cap, spec.terms.note, spec.contact_required) == (50, "be kind", True)
    assert spec.types == ("jpg", "png")
    assert spec.parent["license"].text == "info.license"


WRONG = [
    ("nmae = 'x'", "nmae", "did you mean name"),
    ("name = 'My Dogs'", "name", "small letters"),
    ("name = '../x'", "name", "small letters"),
    ("base_url = 'api.example.org'", "base_url", "in full"),
    ("base_url = 'https://a.org/?q=1'", "base_url", "params"),
    ("base_url = 'https://me:pw@a.org/'", "base_url", "user name"),
    ("base_url = 7", "base_url", "in full"),
    ("method = 'PUT'", "method", "one of GET"),
    ("items = 'a['", "items", "incomplete|character"),
    ("items = 'a[}]'", "items", "at character 3"),
    ("items = '§'", "items", "at character 1"),
    ("items = 'count(@)'", "items", r"no function count\(\)"),
    ("items = 7", "items", "JMESPath"),
    (f"items = 'a{'.a[]' * 400}'", "items", "more than 100 steps"),
    (f"items = '{'(' * 3000}'", "items", "JMESPath"),
    ("ok = 'a=b'", "ok", "at character 2"),
    ("id_from = '(x'", "id_from", "regular expression"),
    ("labels_from = ''", "labels_from", "regular expression"),
    ("url_template = '{a b}.jpg'", "url_template", "placeholders"),
    ("image_origins = ['https://a.org/x']", "image_origins", "origin"),
    ("image_origins = 'https://a.org'", "image_origins", "list"),
    ("params = 7", "params", r"\[params\]"),
    ("[params]\na = [1]", "params", "text or a number"),
    ("[headers]\n'X Y' = 'z'", "headers.X Y", "name"),
    ("[headers]\nHost = 'z'", "headers.Host", "itself"),
    ("[headers]\nX-A = 'ü'", "headers.X-A", "ASCII"),
    ("[headers]\nX-A = 7", "headers.X-A", "text"),
    ("[fields]\nulr = 'a'", "fields.ulr", "did you mean url"),
    ("[fields]\nurl = 'a['", "fields.url", "JMESPath"),
    ("[parent]\nurl = 'a'", "parent.url", "no such field"),
    ("[paginator]\ntype = 'page_numbr'", "paginator.type", "did you mean page_number"),
    ("[paginator]\ntype = ['x']", "paginator.type", "single_page, json_link"),
    ("[paginator]\ntype = 'json_link'", "paginator.next_url_path", "missing"),
    ("[paginator]\ntype = 'json_link'\nnext_url_path = 'a.'", "paginator.next_url_path", "JMESPath"),
    ("[paginator]\ntype = 'cursor'\ncursor_path = 'a'", "paginator.cursor_param", "missing"),
    ("[paginator]\ntype = 'offset'\nlimit = '20'", "paginator.limit", "without quotes"),
    ("[paginator]\ntype = 'offset'\nlimit = true", "paginator.limit", "whole number"),
    ("[paginator]\ntype = 'offset'\nlimit = 30\n[limits]\npage_size_max = 20", "paginator.limit", "page_size_max"),
    ("[paginator]\ntype = 'page_number'\nlimit = 20", "paginator.limit", "no such field"),
    ("[paginator]\ntype = 'date_window'\nstart = 'soon'\nend = 2026-01-01", "paginator.start", "2026-01-31"),
    ("[paginator]\ntype = 'date_window'\nstart = 2026-01-01T10:00:00", "paginator.start", "without a time"),
    ("[paginator]\ntype = 'ids_then_detail'\nids = 'a'\npath = 'x'", "paginator.path", "{id}"),
    ("[paginator]\ntype = 'repeat'\nsize = 3", "paginator.size", "{size}"),
    ("[limits]\nrps = 0", "limits.rps", "above 0"),
    ("[limits]\nrps = inf", "limits.rps", "above 0"),
    ("[limits]\nconcurrency = 1000", "limits.concurrency", "from 1 to 256"),
    ("[limits]\nper_minute = 1", "limits.per_minute", "no such field"),
    ("[user_agent]\ncontact_required = 'yes'", "user_agent.contact_required", "true or false"),
    ("[terms]\nbulk = 'maybe'", "terms.bulk", "yes, capped, no"),
    ("[terms]\nbulk = 'capped'", "terms.cap", "most items"),
    ("[terms]\ncap = 5", "terms.cap", "capped"),
    ("[expect]\ntypes = ['jpeg']", "expect.types", "did you mean jpg|one of jpg"),
    ("[auth]\nkind = 'basic'", "auth.kind", "none, header, query, bearer, oauth2_cc"),
    ("[auth]\nkind = 'header'\nfrom = 'env:A'", "auth.name", "missing"),
    ("[auth]\nkind = 'bearer'", "auth.from", "missing"),
    ("[auth]\nkind = 'bearer'\nfrom = 'env:A'\nname = 'X'", "auth.name", "no such field"),
    (
        "[auth]\nkind = 'oauth2_cc'\nfrom = 'env:A'\nclient_id = 'env:B'\ntoken_url = 'http://a.org'",
        "auth.token_url",
        "https",
    ),
    ("[pagniator]\ntype = 'auto'", "pagniator", "did you mean paginator"),
]


@pytest.mark.parametrize(("text", "path", "words"), WRONG)
def test_each_mistake_is_named_by_its_path(text: str, path: str, words: str) -> None:
    """With what is allowed; the rest of the spec is fine, so there is this problem alone."""
    key = text.split(" =")[0]
    rest = "".join(line + "\n" for line in GOOD.splitlines() if line and not line.startswith(f"{key} ="))
    found = problems(rest + text)
    assert list(found) == [path]

    assert re.search(words, found[path]), found[path]


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("[auth]\nkind = 'bearer'\nfrom = 'sk-live-SECRET'", "auth.from"),
        ("[auth]\nkind = 'bearer'\nfrom = 'SECRET:x'", "auth.from"),
        (
            "[auth]\nkind = 'oauth2_cc'\nfrom = 'env:A'\nclient_id = 'SECRET'\ntoken_url = 'https://a.org'",
            "auth.client_id",
        ),
        ("[headers]\nAuthorization = 'Bearer SECRET'", "headers.Authorization"),
        ("[headers]\nX-Api-Key = 'SECRET'", "headers.X-Api-Key"),
        ("[params]\napi_key = 'SECRET'", "params.api_key"),
        ("[params]\naccess_token = 'SECRET'", "params.access_token"),
        (
            "[paginator]\ntype = 'ids_then_detail'\nids = 'a'\npath = '{id}'\n[paginator.params]\nkey = 'SECRET'",
            "paginator.params.key",
        ),
    ],
)
def test_secrets_in_a_spec_are_refused_and_not_repeated(text: str, path: str) -> None:
    """The message says where secrets belong; it goes to terminals and logs, so the secret is not in it."""
    found = problems(GOOD + text)
    assert list(found) == [path]
    assert "env:NAME" in found[path]
    assert "SECRET" not in found[path]


def test_all_problems_are_told_at_once() -> None:
    """In one line as an error, each on its own in `problems`."""
    text = "naem = 'x'\nbase_url = 'x'\n[paginator]\ntype = 'offset'\n[fields]\nurl = ']'\n[limits]\nrps = -1"
    with pytest.raises(SpecError) as caught:
        read_spec(text.encode(), "kennel.toml")
    paths = {problem.path for problem in caught.value.problems}
    assert paths == {"naem", "name", "base_url", "items", "paginator.limit", "fields.url", "limits.rps"}
    assert "6 more; pupline sources validate kennel.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"name = \nx = 1", "TOML.*line 1"),
        (b"\xff\xfe", "UTF-8"),
        (b"a = 1\na = 2", "TOML"),
        (b"#" * 2_000_000, "bytes"),
        (b"a = " + b"[" * 100_000, "TOML"),
    ],
)
def test_files_that_are_no_toml(data: bytes, words: str) -> None:
    """One problem, of the file as a whole."""
    with pytest.raises(SpecError, match=words) as caught:
        read_spec(data, "kennel.toml")
    assert [problem.path for problem in caught.value.problems] == [""]


@settings(max_examples=200)
@given(
    st.dictionaries(
        st.sampled_from(["name", "base_url", "items", "auth", "paginator", "limits", "terms", "fields", "x"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from(list(PAGINATORS)),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(st.sampled_from(["type", "kind", "from", "url", "rps", "limit"]), inner, max_size=4)
            ),
            max_leaves=6,
        ),
    )
)
def test_any_values_give_a_spec_or_a_spec_error(document: dict[str, object]) -> None:
    """Never another error, whatever stands where."""
    from pupline.specs._read_spec import _Reader

    reader = _Reader(document)
    assert reader.spec() is not None or reader.problems


def test_the_spec_that_messages_point_to_is_there() -> None:
    """`pupline sources show dog-ceo` is the example."""
    assert spec_named("dog-ceo") is not None
    with pytest.raises(ConfigurationError, match="cannot be read"):
        spec_named("/nowhere/kennel.toml")


def test_every_field_is_documented() -> None:
    """docs/sources.md names each field, and each paginator with its settings."""
    page = (Path(__file__).parents[2] / "docs" / "sources.md").read_text()
    rows = {line.split("|")[1].strip(): line for line in page.splitlines() if line.startswith("| `")}
    common = {"stop_after_empty_page", "empty_statuses"}
    assert common <= set(re.findall(r"`([a-z_]+)`", page))
    for name, settings_ in PAGINATORS.items():
        row = rows[f"`{name}`"]
        assert all(f"`{setting}`" in row for setting in settings_ if setting not in common), row
    named = set(re.findall(r"`([a-z0-9_.]+)`", page))
    assert {*_read_spec._TOP, *_read_spec._LIMITS, *_read_spec._RANDOM, *_read_spec._TERMS, *FACTS} <= named
