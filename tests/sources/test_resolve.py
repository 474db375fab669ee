"""What the user means by SOURCE, and what is trusted because the user named it."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pupline.bulk import checked_dataset
from pupline.errors import BlockedAddress, ConfigurationError, SourceError
from pupline.http import Origin
from pupline.sources import join_params, resolve
from pupline.sources._source import slug_of
from pupline.specs import Limits, presets
from tests.sources.recorded_apis import Asked, list_all, list_from_everywhere


@pytest.mark.parametrize(
    ("value", "name", "dataset"),
    [
        ("http://127.0.0.1:8099/api", "http://127.0.0.1:8099/api", "127-0-0-1-8099-api"),
        ("https://Dogs.Example.org/", "https://dogs.example.org", "dogs-example-org"),
        ("dog-ceo", "dog-ceo", "dog-ceo"),
        ("s3://kennel/My%20Dogs.csv.gz#link", "s3://kennel/My%20Dogs.csv.gz", "my-20dogs"),
    ],
)
def test_names_and_datasets(value: str, name: str, dataset: str) -> None:
    """A base URL is told from another by host, port and path; a list by its file's name."""
    source = resolve(value)
    assert (source.name, source.dataset) == (name, dataset)


def test_what_the_user_names_is_trusted_and_has_no_limits_of_ours() -> None:
    """A preset is not trusted: its name may not resolve to a private address."""
    own = resolve("http://127.0.0.1:8099/api")
    assert own.trusted == {Origin("http", "127.0.0.1", 8099)}
    assert (own.limits, own.terms.bulk) == (Limits(), "yes")
    assert not own.image_origins
    for name in presets():
        assert not resolve(name).trusted


def test_a_base_url_is_listed_as_dog_ceo_is() -> None:
    """Breeds first."""
    request = resolve("http://127.0.0.1:8099/api/").open().request()
    assert request is not None
    assert request.url == "http://127.0.0.1:8099/api/breeds/list/all"


def test_the_policy_says_who_asks_and_whom_to_trust() -> None:
    """The contact stands in the User-Agent; another origin is trusted where the user allows it."""
    policy = resolve("wikimedia-commons").policy(
        contact="ops@example.org", allow_origins=["http://127.0.0.1:9000"], timeout_seconds=3, max_bytes=7
    )
    assert "ops@example.org" in policy.user_agent
    assert policy.trusted == {Origin("http", "127.0.0.1", 9000)}
    assert policy.image_origins == {Origin("https", "upload.wikimedia.org", 443)}
    assert (policy.timeout_seconds, policy.max_bytes) == (3, 7)
    sample = resolve("sample").policy(sample_port=8123)
    assert sample.connect_to == {("sample.pupline.invalid", 80): ("127.0.0.1", 8123)}


@pytest.mark.parametrize(
    ("source", "origin", "allowed"),
    [
        ("dog-ceo", "https://images.dog.ceo", True),
        ("dog-ceo", "https://evil.example", False),
        ("dog-ceo", "http://images.dog.ceo", False),
        ("openverse", "https://live.example", True),
        ("openverse", "http://live.example", False),
        ("http://127.0.0.1:8099/api", "http://cdn.example", True),
        ("s3://kennel/dogs.txt", "http://cdn.example", True),
        ("dog-ceo", "http://127.0.0.1:9000", True),
    ],
)
def test_images_belong_where_the_source_keeps_them(source: str, origin: str, allowed: bool) -> None:
    """Known hosts only, where they are known; never plain http named by an API on https; --allow-origin settles it."""
    resolved = resolve(source)
    policy = resolved.policy(allow_origins=["http://127.0.0.1:9000"])
    if allowed:
        resolved.check_image_origin(Origin.parse(origin), policy)
    else:
        with pytest.raises(BlockedAddress, match=f"--allow-origin {origin}"):
            resolved.check_image_origin(Origin.parse(origin), policy)


@pytest.mark.parametrize(
    ("value", "advice"),
    [
        ("dogceo", "did you mean dog-ceo"),
        ("wikimedia", "did you mean wikimedia-commons"),
        ("api.example.org/v1", "did you mean https://api"),
        ("127.0.0.1:8099/api", "did you mean https://127"),
        ("kennel.json", r"ends in \.toml"),
        ("kennel.yaml", r"ends in \.toml"),
        ("cats", "pupline sources lists"),
        ("", "pupline sources lists"),
        ("http://u:p@h/api", "before the @"),
        ("ftp://h/api", "only http and https"),
        ("http://h/api#x", "base URL alone"),
        ("https://h/dogs.csv", "download it"),
        ("nowhere.toml", "cannot be read"),
        ("nowhere.csv", "cannot be read"),
    ],
)
def test_a_mistyped_source_is_explained(value: str, advice: str) -> None:
    """In one line, with what was probably meant."""
    with pytest.raises(ConfigurationError, match=advice) as caught:
        resolve(value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("My Dogs", "my-dogs"),
        ("--a--b--", "a-b"),
        ("", "dataset"),
        ("x" * 62 + "--y", "x" * 62),
        ("犬", "犬"),
        ("猫 2026", "猫-2026"),
        ("ÄÖ", "äö"),
        ("cafe\u0301", "caf\u00e9"),
        ("Собаки и кошки", "собаки-и-кошки"),
        ("नमस्ते", "नमस्ते"),
        ("CON", "con-dataset"),
        ("com7", "com7-dataset"),
    ],
)
def test_slugs(text: str, slug: str) -> None:
    """Safe in a path, a URL and a key; never empty; letters of any script are kept."""
    assert slug_of(text) == slug
    assert checked_dataset(slug) == slug_of(slug) == slug


def test_names_that_differ_have_datasets_of_their_own() -> None:
    """Also where what differs is no letter, or comes late; ASCII names are as they always were."""
    names = [
        "🐶",
        "🐱",
        "dog🐶",
        "dog🐱",
        "dog",
        "❤\ufe0f",
        "я" * 99,
        "я" * 98 + "ю",
        "犬",
        "猫",
        "…",
        "ß",
        "ss",
        "\ud800",
    ]
    slugs = [slug_of(name) for name in names]
    assert len(set(slugs)) == len(names)
    assert [checked_dataset(slug) for slug in slugs] == slugs
    assert all(len(slug) <= 63 and slug.isprintable() for slug in slugs)


@settings(max_examples=200)
@given(text=st.text(max_size=80))
def test_any_name_gives_a_dataset(text: str) -> None:
    """Which can be a folder everywhere, and gives itself."""
    slug = slug_of(text)
    assert checked_dataset(slug) == slug
    assert slug_of(slug) == slug


def test_breeds_make_a_source_of_their_own() -> None:
    """Only their pages are listed, from every position; another dataset; an unknown breed is told with a near one."""
    asked: list[str] = []

    def api(request: Asked) -> Any:
        asked.append(request.path)
        if request.path.endswith("/list/all"):
            return {"message": {"hound": ["afghan", "basset"], "pug": []}, "status": "success"}
        breed = request.path.removeprefix("/api/breed/").removesuffix("/images")
        return {"message": [f"https://images.dog.ceo/breeds/{breed}/1.jpg"], "status": "success"}

    source = resolve("dog-ceo").only_breeds(["pug", "hound/afghan", "pug"])
    assert source.dataset == "dog-ceo-pug-hound-afghan"
    assert len(list_from_everywhere(source, api).items) == 2
    assert set(asked) == {"/api/breeds/list/all", "/api/breed/hound/afghan/images", "/api/breed/pug/images"}
    with pytest.raises(SourceError, match="has no pugg among its 4 ids; did you mean pug"):
        list_all(resolve("dog-ceo").only_breeds(["pugg"]).open(), api)
    with pytest.raises(ConfigurationError, match="--breed: breed 'Pug'"):
        resolve("dog-ceo").only_breeds(["Pug"])
    with pytest.raises(ConfigurationError, match="random-fox does not list its images by breed"):
        resolve("random-fox").only_breeds(["pug"])


def test_params_of_a_command_are_those_of_the_name() -> None:
    """The same source, dataset and run however they are written; a key is refused, and so is what has no params."""
    assert join_params("openverse", {"q": "a dog&cat"}) == "openverse?q=a%20dog%26cat"
    assert join_params("openverse?q=cat&page_size=5", {"q": "dog"}) == "openverse?q=dog&page_size=5"
    assert resolve(join_params("openverse", {"q": "beagle"})).dataset == resolve("openverse?q=beagle").dataset
    assert join_params("dogs.txt", {}) == "dogs.txt"
    for value in ("dogs.txt", "http://x.org/api", "sample"):
        with pytest.raises(ConfigurationError, match="has no params"):
            join_params(value, {"q": "dog"})
    for name in ("api_key", "access_token"):
        with pytest.raises(ConfigurationError, match=r"is a key, and no param.*set env:NASA_API_KEY"):
            resolve(join_params("nasa-apod", {name: "hush"}))
