"""Who asks: secrets by reference, sent where the spec says, and seen by nobody else."""

import json
from pathlib import Path
from typing import Any

import pytest

from pupline.errors import ConfigurationError, HttpError, NotFound, SourceError
from pupline.sources import PageRequest
from pupline.specs import read_spec
from pupline.specs._credentials import ClientCredentials, credentials_of
from pupline.specs._secrets import secret_of
from tests.sources.recorded_apis import Asked, list_all, list_from_everywhere, numbered, spec_source

KEY = "s3cr+t/k y"
OAUTH2 = """
[auth]
kind = 'oauth2_cc'
from = 'env:KENNEL_SECRET'
client_id = 'env:KENNEL_ID'
token_url = 'https://auth.example.org/token'
scope = 'read'
"""


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KENNEL_KEY", KEY)
    monkeypatch.setenv("KENNEL_ID", "me")
    monkeypatch.setenv("KENNEL_SECRET", KEY)


@pytest.mark.parametrize(
    ("auth", "name", "value"),
    [
        ("kind = 'bearer'", "authorization", f"Bearer {KEY}"),
        ("kind = 'header'\nname = 'X-Key'", "x-key", KEY),
        ("kind = 'header'\nname = 'Authorization'\nprefix = 'Client-ID '", "authorization", f"Client-ID {KEY}"),
    ],
)
def test_header_auth(auth: str, name: str, value: str) -> None:
    """The secret stands in the header that the spec names, and nowhere else."""
    request = spec_source(f"[auth]\nfrom = 'env:KENNEL_KEY'\n{auth}").open().request()
    assert request is not None
    assert {key.lower(): held for key, held in request.headers.items()} == {name: value}
    assert "s3cr" not in request.url
    assert "s3cr" not in repr(request)


QUERY = "[auth]\nkind = 'query'\nname = 'api_key'\nfrom = 'env:KENNEL_KEY'\n"


def test_a_query_key_goes_to_the_api_and_nowhere_else() -> None:
    """APIs repeat it in their links, and some in the images' URLs: neither positions nor items hold it."""

    def api(asked: Asked) -> Any:
        assert asked.query["api_key"] == KEY
        page = int(asked.query.get("page", 0))
        key = "s3cr%2Bt%2Fk%20y"
        images = [f"{url}?w=1&api_key={key}" for url in numbered(page, page)]
        link = f"https://api.example.org/v1?api_key={key}&page={page + 1}" if page < 3 else None
        return {"items": [*images, "relative.jpg"], "next": link}

    source = spec_source(QUERY + "[paginator]\ntype = 'json_link'\nnext_url_path = 'next'")
    done = list_from_everywhere(source, api)
    assert len(done.requests) == 4
    told = "".join([*done.positions, *done.notes, *map(repr, done.requests), *done.urls])
    assert "s3cr" not in told
    assert "api_key" not in "".join([*done.positions, *done.urls])
    assert done.urls[0] == "https://images.example.org/0.jpg?w=1"


def test_masking_finds_every_spelling() -> None:
    """As it is, percent-encoded, and as a form writes it."""
    request = PageRequest("https://a.org/?k=s3cr%2Bt%2Fk%20y", secrets=(KEY,))
    text = f"{KEY} s3cr%2Bt%2Fk%20y s3cr%2Bt/k%20y s3cr%2Bt%2Fk+y"
    assert request.mask(text) == "*** *** *** ***"
    assert repr(request) == "PageRequest('https://a.org/?k=***')"


def test_errors_of_the_api_are_masked() -> None:
    """An API that repeats the key in its complaint does not bring it into our messages."""
    listing = spec_source("ok = '!error'\n" + QUERY).open()
    with pytest.raises(SourceError) as caught:
        listing.read(json.dumps({"error": f"bad key {KEY}"}).encode(), {})
    assert "bad key ***" in str(caught.value)
    assert "https://api.example.org/v1" in str(caught.value)


def test_notes_of_skipped_pages_are_masked() -> None:
    """The client's failure names the URL, with the key."""
    text = QUERY + "[paginator]\ntype = 'ids_then_detail'\nids = 'ids'\npath = 'x/{id}'"
    listing = spec_source(text).open()
    listing.read(b'{"ids": [1, 2]}', {})
    note = listing.skip(NotFound("https://api.example.org/v1/x/1?api_key=s3cr%2Bt%2Fk%20y: the server answered 404"))
    assert note is not None
    assert "s3cr" not in note


# ---- OAuth 2.0 client credentials


class TokenApi:
    """A token endpoint, and pages that only the newest token opens."""

    def __init__(self) -> None:
        self.tokens = 0
        self.refuse_once = False

    def __call__(self, asked: Asked) -> Any:
        """The answer to a request."""
        if asked.path == "/token":
            assert asked.content == {"grant_type": "client_credentials", "scope": "read"}
            assert asked.headers["authorization"] == "Basic bWU6czNjciUyQnQlMkZrJTIweQ=="
            self.tokens += 1
            return {"access_token": f"token-{self.tokens}", "expires_in": 1000}
        if self.refuse_once:
            self.refuse_once = False
            raise HttpError("the server answered 401")
        assert asked.headers["authorization"] == f"Bearer token-{self.tokens}"
        page = int(asked.query["page"])
        return {"items": numbered(page, page) if page < 4 else []}


def test_the_first_request_asks_for_a_token() -> None:
    """A POST, then the pages with the token; neither secret nor token is kept in a position."""
    api = TokenApi()
    done = list_all(spec_source(OAUTH2 + "[paginator]\ntype = 'page_number'").open(), api)
    assert done.urls == numbered(0, 3)
    assert api.tokens == 1
    assert done.requests[0].content is not None
    assert "token-1" not in "".join([*done.positions, *map(repr, done.requests)])


def test_a_refused_token_is_renewed_once() -> None:
    """After pages came with it; a token that was never accepted is not asked for again and again."""
    api = TokenApi()
    listing = spec_source(OAUTH2 + "[paginator]\ntype = 'page_number'").open()
    list_pages = [listing.request() for _ in range(1)]
    assert list_pages[0] is not None
    listing.read(b'{"access_token": "token-1"}', {})
    assert listing.skip(HttpError("401")) is None
    listing.read(json.dumps({"items": numbered(0, 0)}).encode(), {})
    api.tokens, api.refuse_once = 1, True
    done = list_all(listing, api)
    assert done.urls == numbered(1, 3)
    assert "new one" in done.notes[0]
    assert api.tokens == 2


def test_a_token_is_renewed_before_it_expires() -> None:
    """At nine tenths of its life, by our own clock."""
    now = [0.0]
    auth = read_spec(f"name = 'k'\nbase_url = 'https://a.org'\nitems = 'a'\n{OAUTH2}".encode(), "k.toml").auth
    held = credentials_of(auth, clock=lambda: now[0])
    assert isinstance(held, ClientCredentials)
    assert held.token_request() is not None
    held.take_token(b'{"access_token": "t", "expires_in": 100}')
    now[0] = 89.0
    assert held.token_request() is None
    now[0] = 91.0
    assert held.token_request() is not None


def test_a_page_that_comes_after_its_token_expired_is_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was asked for with a token that was good; only the next request needs a new one."""
    now = [0.0]
    monkeypatch.setattr(
        "pupline.sources.api._api_listing.credentials_of", lambda auth: credentials_of(auth, lambda: now[0])
    )
    listing = spec_source(OAUTH2 + "[paginator]\ntype = 'page_number'").open()
    listing.request()
    listing.read(b'{"access_token": "t", "expires_in": 100}', {})
    page_request = listing.request()
    assert page_request is not None
    assert page_request.content is None
    now[0] = 500.0
    assert len(listing.read(json.dumps({"items": numbered(1, 2)}).encode(), {}).items) == 2
    token_request = listing.request()
    assert token_request is not None
    assert token_request.content is not None


@pytest.mark.parametrize("body", [b"{}", b"[]", b'{"access_token": 7}', b'{"access_token": "a\\nb"}', b"<html>"])
def test_an_answer_without_a_token_is_an_error(body: bytes) -> None:
    """Nothing that would break the header is taken for one."""
    listing = spec_source(OAUTH2).open()
    request = listing.request()
    with pytest.raises(SourceError, match=r"^https://auth\.example\.org/token: "):
        listing.read(body, {})
    assert listing.request() == request


# ---- references


def test_a_secret_may_be_in_a_file(tmp_path: Path) -> None:
    """Without the line's end; a file that is not there is none, an empty one an error."""
    file = tmp_path / "key"
    file.write_text("abc\n")
    assert secret_of(f"file:{file}") == "abc"
    assert secret_of(f"file:{tmp_path}/none") is None
    file.write_text("\n")
    with pytest.raises(ConfigurationError, match="empty"):
        secret_of(f"file:{file}")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        secret_of(f"file:{tmp_path}")


def test_a_secret_that_no_header_can_hold_is_refused_unseen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Line ends would add headers of somebody else's choice."""
    monkeypatch.setenv("KENNEL_KEY", "abc\r\nX-Evil: 1")
    with pytest.raises(ConfigurationError, match="one line") as caught:
        secret_of("env:KENNEL_KEY")
    assert "abc" not in str(caught.value)


@pytest.mark.parametrize(
    ("reference", "advice"),
    [
        ("env:NO_SUCH", "export NO_SUCH="),
        ("file:/nowhere/key", "into the file /nowhere/key"),
    ],
)
def test_a_missing_secret_says_how_to_give_it(reference: str, advice: str) -> None:
    """When the listing begins, before anything is asked."""
    with pytest.raises(ConfigurationError, match=advice):
        spec_source(f"[auth]\nkind = 'bearer'\nfrom = '{reference}'").open()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "expected"), [("kennel/plain", "abc"), ("kennel/json#key", "k-1"), ("none", None)])
def test_a_secret_may_be_in_secrets_manager(name: str, expected: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of it, or one key of a JSON object."""
    moto = pytest.importorskip("moto")
    import boto3

    for variable, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_DEFAULT_REGION": "eu-west-1",
    }.items():
        monkeypatch.setenv(variable, value)
    with moto.mock_aws():
        client = boto3.client("secretsmanager")
        client.create_secret(Name="kennel/plain", SecretString="abc")
        client.create_secret(Name="kennel/json", SecretString='{"key": "k-1"}')
        assert secret_of(f"secretsmanager:{name}") == expected
        with pytest.raises(ConfigurationError, match="not a JSON object"):
            secret_of("secretsmanager:kennel/plain#key")
