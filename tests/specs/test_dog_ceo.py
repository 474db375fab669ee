"""The Dog CEO API is asked in its own words, and its answers are believed only in their documented shapes."""

import json
import re
from dataclasses import replace

import pytest

from pupline.errors import (
    BlockedAddress,
    InvalidInput,
    InvalidUrl,
    NotFound,
    ServerError,
    SourceError,
    TooLarge,
)
from pupline.http import FetchPolicy, HttpClient, Url
from pupline.sources import resolve
from pupline.specs import EXECUTION_HEADER, RandomImages, compatible_api, resolve_spec
from pupline.specs._random import MAX_RANDOM_PAGE_BYTES
from pupline.tasks.breeds import breed_of
from tests.http.servers import PUBLIC, FakeInternet, RawServer, answer

IMAGE = "http://1.1.1.1/breeds/hound-afghan/n02088094_1003.jpg"


def said(message: object, status: object = "success", **more: object) -> bytes:
    """An answer of the API."""
    return answer(json.dumps({"status": status, "message": message, **more}).encode())


def api(server: RawServer, *, is_sample: bool = False) -> RandomImages:
    """The random images of a server that the user named."""
    spec = compatible_api(f"{server.origin}/api/")
    client = HttpClient(FetchPolicy(trusted=spec.trusted, timeout_seconds=5))
    return RandomImages(client, replace(spec, headers=resolve_spec("sample").headers) if is_sample else spec)


def path_of(server: RawServer) -> str:
    """The path of the last request."""
    return server.requests[-1].split(b" ")[1].decode()


@pytest.mark.parametrize(
    ("breed", "path"),
    [
        (None, "/api/breeds/image/random"),
        ("hound", "/api/breed/hound/images/random"),
        ("hound/afghan", "/api/breed/hound/afghan/images/random"),
    ],
)
def test_one_random_image(breed: str | None, path: str) -> None:
    """One image of any breed, a breed or a sub-breed is asked for at its own endpoint, as JSON."""
    with RawServer(said(IMAGE)) as server:
        assert api(server).random_image(breed) == IMAGE
        assert path_of(server) == path
        assert b"\r\nAccept: application/json\r\n" in server.requests[0]


WRONG_MESSAGES: list[tuple[object, str]] = [
    (None, "nothing but null"),
    (7, "nothing but the number 7"),
    (True, "nothing but true"),
    ("", "nothing but an empty text"),
    ([IMAGE], "nothing but a list of 1"),
    ({"0": IMAGE}, "none has a URL (fields.url); the first is an object with 0"),
]


@pytest.mark.parametrize("message", [[], {}], ids=str)
def test_an_empty_message_is_an_error(message: object) -> None:
    """An API of dogs has dogs."""
    with RawServer(said(message)) as server:
        told = re.escape(f'the API says that it could not answer ({{"message": {message}, "status": "success"}})')
        with pytest.raises(SourceError, match=told):
            api(server).random_image()


@pytest.mark.parametrize(("message", "found"), WRONG_MESSAGES, ids=str)
def test_a_message_that_is_not_a_url_is_an_error(message: object, found: str) -> None:
    """Where a URL is due, anything else is a SourceError that says what is there, and where."""
    with RawServer(said(message)) as server, pytest.raises(SourceError, match=re.escape(found)) as caught:
        api(server).random_image()
    assert str(caught.value).startswith(f"{server.origin}/api/breeds/image/random: items ([message]) found ")
    assert not caught.value.retryable


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (said("Something broke", "error"), '"message": "Something broke", "status": "error"'),
        (said("Something broke", "error", code=500), "says that it could not answer"),
        (said("\x1b[2J" * 9, "error"), r"\\u001b\[2J"),
        (said(IMAGE, "SUCCESS"), '"status": "SUCCESS"'),
        (said(IMAGE, None), '"status": null'),
        (said(IMAGE, True), '"status": true'),
        (answer(json.dumps({"message": IMAGE}).encode()), "could not answer"),
        (answer(b'{"status": "success"}'), "found nothing but null"),
        (answer(b"[]"), r"could not answer \(\[\]\)"),
        (answer(b"null"), r"could not answer \(null\)"),
        (answer(b"<html>"), "answered with HTML, where JSON was expected"),
        (answer(b""), "an empty body, where JSON was expected"),
    ],
)
def test_an_answer_that_is_an_error_or_nothing_is_an_error(raw: bytes, found: str) -> None:
    """A status other than success is an error even with HTTP 200; so is what is not the API's answer at all."""
    with RawServer(raw) as server, pytest.raises(SourceError, match=f"^{server.origin}/api/breeds/.*{found}"):
        api(server).random_image()


@pytest.mark.parametrize(
    "raw",
    [
        answer(b"{}", status="404 Not Found"),
        said("Breed not found (main breed does not exist)", "error", code=404),
    ],
)
def test_an_unknown_breed_is_not_found(raw: bytes) -> None:
    """An unknown breed, said by HTTP or in JSON, is NotFound, and the text tells where the breeds are listed."""
    with RawServer(raw) as server:
        with pytest.raises(NotFound, match=f"has no breed nodog: {server.origin}/api/breeds/list/all lists them"):
            api(server).random_image("nodog")
        with pytest.raises(NotFound, match=r"check that .*/api is the base URL of the API"):
            api(server).random_image()


def test_other_failures_are_those_of_the_client() -> None:
    """A server error of the API is a ServerError, which the workflow retries."""
    with RawServer(answer(b"", status="500 Oops")) as server, pytest.raises(ServerError):
        api(server).random_image()


def test_an_answer_that_is_too_large_is_refused_without_advice_about_images() -> None:
    """The limit of an API's answer is not the one that --max-bytes moves."""
    with (
        RawServer(answer(b"", f"Content-Length: {MAX_RANDOM_PAGE_BYTES + 1}")) as server,
        pytest.raises(TooLarge) as caught,
    ):
        api(server).random_image()
    assert "an API may answer with" in str(caught.value)
    assert "--max-bytes" not in str(caught.value)


@pytest.mark.parametrize(
    "breed", ["", "Hound", "hound-afghan", "hound/", "/hound", "a/b/c", "../x", "a b", "a%2fb", "h\n"]
)
def test_a_malformed_breed_is_refused(breed: str) -> None:
    """A breed that could change the request's path is refused before anything is sent."""
    with pytest.raises(InvalidInput, match="hound/afghan"):
        RandomImages(HttpClient(FetchPolicy()), resolve_spec("dog-ceo")).random_image(breed)


@pytest.mark.parametrize("message", ["http://", "file:///etc/passwd", "http://127.1/x.jpg", "http://h\\@1.1.1.1/x.jpg"])
def test_a_malformed_image_url_is_refused(message: str) -> None:
    """A URL from the API is read as strictly as any other."""
    with RawServer(said(message)) as server:
        with pytest.raises(InvalidUrl) as caught:
            api(server).random_image()
        assert caught.value.details["source_url"] == message


@pytest.mark.parametrize(
    ("image", "allowed"),
    [
        ("https://images.dog.ceo/breeds/pug/1.jpg", True),
        ("https://dog.ceo/breeds/pug/1.jpg", True),
        ("https://cdn.example:8443/1.jpg", True),
        ("http://images.dog.ceo/breeds/pug/1.jpg", False),
        ("https://images.dog.ceo:8443/breeds/pug/1.jpg", False),
        ("https://images.dog.ceo.evil.example/1.jpg", False),
        ("https://8.8.8.8/1.jpg", False),
        ("http://127.0.0.1/1.jpg", False),
    ],
)
def test_a_preset_names_its_image_hosts(image: str, allowed: bool) -> None:
    """dog.ceo's images are on its own hosts over https, or where the user allows them, and nowhere else."""
    url = "http://dog.ceo/api/breeds/image/random"
    internet = FakeInternet({"dog.ceo": [PUBLIC]}, {url: said(image)})
    policy = resolve("dog-ceo").policy(allow_origins=["https://cdn.example:8443"])
    # The fake internet knows no TLS: the preset's image rule is tried on a plain http copy of the API.
    spec = replace(resolve_spec("dog-ceo"), base_url=Url.parse("http://dog.ceo/api"))
    client = RandomImages(HttpClient(policy, internet.network()), spec)
    if allowed:
        assert client.random_image() == image
    else:
        with pytest.raises(BlockedAddress, match="if you trust it, give --allow-origin") as caught:
            client.random_image()
        assert caught.value.details["source_url"] == image


def test_the_execution_is_told_to_the_sample_alone() -> None:
    """The sample source gets the execution's name; no other source does, nor does a listing."""
    with RawServer(said(IMAGE)) as server:
        api(server, is_sample=True).random_image(None, "run-1 \u00e9\r\n-12")
        assert f"\r\n{EXECUTION_HEADER}: run-1%20%C3%A9%0D%0A-12\r\n".encode() in server.requests[0]
        api(server, is_sample=True).random_image("pug")
        api(server).random_image(None, "run-12")
        assert b"X-Pupline" not in b"".join(server.requests[1:])


@pytest.mark.parametrize(
    ("url", "breed"),
    [
        (IMAGE, "hound/afghan"),
        ("https://images.dog.ceo/breeds/pug/n1.jpg", "pug"),
        ("https://h/x/breeds/mix-a-b/1.jpg?c=/breeds/cat/", "mix/a-b"),
        ("https://h/breeds/%70ug/1.jpg", "pug"),
        ("https://h/breeds/pug", None),
        ("https://h/breeds/", None),
        ("https://h/breeds/P%20g/1.jpg", None),
        ("https://h/breeds/..%2fx/1.jpg", None),
        ("https://h/breeds/-pug/1.jpg", None),
        ("https://h/images/1.jpg", None),
        ("not a url", None),
    ],
)
def test_the_breed_is_in_the_path(url: str, breed: str | None) -> None:
    """The breed is the path's part after `breeds`, its first hyphen before the sub-breed; odd ones are none."""
    assert breed_of(url) == breed
