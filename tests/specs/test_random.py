"""One image at random from an API: what `pupline run --source spec.toml` takes for each execution."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from pupline.errors import BlockedAddress, HttpError, InvalidInput, RetryAfter, SourceError
from pupline.http import FetchPolicy, Response
from pupline.specs import PageRequest, RandomImages, SourceSpec, resolve_spec
from tests.sources.recorded_apis import Asked, numbered, spec_of

IMAGES = numbered(1, 5)


class Client:
    """An HTTP client that answers from a list of bodies, and remembers what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.policy = FetchPolicy()
        self.asked: list[Asked] = []
        self._answers = list(answers)

    def get(
        self, url: str, *, accept: str = "", max_bytes: int | None = None, headers: Mapping[str, str] | None = None
    ) -> Response:
        """The next answer; an exception is raised."""
        del accept, max_bytes
        return self._answer(PageRequest(url, headers or {}))

    def post(
        self,
        url: str,
        *,
        content: bytes,
        content_type: str,
        accept: str = "",
        max_bytes: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """The next answer."""
        del accept, max_bytes
        return self._answer(PageRequest(url, headers or {}, content, content_type))

    def _answer(self, request: PageRequest) -> Response:
        self.asked.append(Asked.of(request))
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return Response(request.url, 200, {"retry-after": "7"}, json.dumps(answer).encode(), "application/json")


def picked(spec: SourceSpec, *answers: Any) -> str:
    """The image that is chosen."""
    client = Client(*answers)
    client.policy = FetchPolicy(trusted=spec.trusted, image_origins=frozenset(spec.image_origins))
    return RandomImages(client, spec).random_image(None, "x")


def test_every_image_of_the_page_can_come() -> None:
    """Not always the first."""
    chosen = {picked(spec_of(""), {"items": IMAGES}) for _ in range(200)}
    assert chosen == set(IMAGES)


def test_a_random_api_is_asked_for_one() -> None:
    """`{size}` is 1: more would be thrown away."""
    client = Client({"message": ["https://images.dog.ceo/breeds/pug/1.jpg"], "status": "success"})
    assert RandomImages(client, resolve_spec("dog-ceo-random")).random_image(None, None).endswith("pug/1.jpg")
    assert client.asked[0].path == "/api/breeds/image/random/1"


def test_a_token_is_asked_for_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a listing."""
    monkeypatch.setenv("KENNEL_SECRET", "s")
    auth = (
        "kind = 'oauth2_cc'\nfrom = 'env:KENNEL_SECRET'\nclient_id = 'env:KENNEL_SECRET'\ntoken_url = 'https://a.org/t'"
    )
    client = Client({"access_token": "t-1"}, {"items": IMAGES[:1]})
    assert RandomImages(client, spec_of(f"[auth]\n{auth}")).random_image(None, None) == IMAGES[0]
    assert client.asked[1].headers["authorization"] == "Bearer t-1"


def test_a_spec_says_where_random_images_are() -> None:
    """`random.path` instead of the first page of a listing, `random.items` instead of `items`."""
    spec = spec_of(
        "path = 'all'\n[params]\nq = 'dog'\n[random]\npath = 'one'\nitems = 'image'\n[paginator]\ntype = 'page_number'"
    )
    client = Client({"image": IMAGES[0]})
    assert spec.has_random_image
    assert RandomImages(client, spec).random_image() == IMAGES[0]
    assert (client.asked[0].path, client.asked[0].query) == ("/v1/one", {"q": "dog"})


@pytest.mark.parametrize(
    ("name", "has"),
    [("dog-ceo", True), ("dog-ceo-random", True), ("random-fox", True), ("sample", True)]
    + [(name, False) for name in ("the-met", "openverse", "nasa-apod", "the-cat-api")],
)
def test_a_first_page_is_not_a_fair_choice(name: str, has: bool) -> None:
    """A random image of the first of many pages would not be a random image of the source."""
    assert resolve_spec(name).has_random_image is has


def test_a_page_without_images_is_an_error_of_the_source() -> None:
    """Not of pupline."""
    with pytest.raises(SourceError, match="named no image"):
        picked(spec_of(""), {"items": []})


def test_an_image_elsewhere_is_refused() -> None:
    """Where the spec says where its images are; the refusal tells which image."""
    source = spec_of("image_origins = ['https://cdn.example.org']")
    with pytest.raises(BlockedAddress, match=r"allow-origin https://images.example.org") as caught:
        picked(source, {"items": IMAGES[:1]})
    assert caught.value.details["source_url"] == IMAGES[0]


def test_an_https_api_that_names_plain_http_is_refused() -> None:
    """Anybody on the way could have named it."""
    with pytest.raises(BlockedAddress):
        picked(spec_of(""), {"items": ["http://images.example.org/1.jpg"]})


def test_breeds_are_not_known() -> None:
    """A spec has no word for them."""
    with pytest.raises(InvalidInput, match="does not know breeds"):
        RandomImages(Client(), spec_of("")).random_image("hound", None)


def test_failures_of_the_client_tell_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their text names the URL, which holds the key."""
    monkeypatch.setenv("KENNEL_KEY", "s3cret-key")
    source = spec_of("[auth]\nkind = 'query'\nname = 'k'\nfrom = 'env:KENNEL_KEY'")
    failure = HttpError("https://api.example.org/v1?k=s3cret-key: the server answered 403")
    with pytest.raises(HttpError) as caught:
        picked(source, failure)
    assert "s3cret" not in f"{caught.value} {caught.value.args}"
    assert "k=***" in str(caught.value)


POST = """
method = "POST"
retry_if = "error.code == 'busy'"
each = "photos"
[params]
kind = "dog"
[body]
kind = "{kind}"
breed = "{breed}"
[random]
breed_path = "pick"
"""


def test_a_random_image_is_asked_for_by_post() -> None:
    """With the breed in the body, and below the items, as in a listing."""
    client = Client({"items": [{"photos": [IMAGES[0]]}]})
    client.policy = FetchPolicy(trusted=spec_of(POST).trusted)
    assert RandomImages(client, spec_of(POST)).random_image("hound/afghan", None) == IMAGES[0]
    asked = client.asked[0]
    assert (asked.path, asked.query, asked.content) == ("/v1/pick", {}, {"kind": "dog", "breed": "hound/afghan"})


def test_an_api_that_is_busy_is_asked_again_by_the_workflow() -> None:
    """Its Wait state gets the pause that the API asks for."""
    with pytest.raises(RetryAfter) as caught:
        picked(spec_of(POST), {"error": {"code": "busy"}})
    assert caught.value.details == {"retry_after_seconds": 7}


def test_a_refused_key_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the Cause of the execution, with the words of the API and without the key."""
    monkeypatch.setenv("KENNEL_KEY", "s3cret-key")
    failure = HttpError("https://api.example.org/v1: the server answered 401; only 200 can be used")
    failure.details.update(status=401, answer='{"message": "bad key s3cret-key"}')
    with pytest.raises(HttpError) as caught:
        picked(spec_of("[auth]\nkind = 'bearer'\nfrom = 'env:KENNEL_KEY'"), failure)
    assert "check the environment variable KENNEL_KEY; the API says: bad key ***" in str(caught.value)
    assert caught.value.details == {"status": 401}
