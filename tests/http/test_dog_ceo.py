"""The Dog CEO API is asked in its own words, and its answers are believed only in their documented shapes."""

import json
import re

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
from pupline.http import DogCeo, FetchPolicy, HttpClient, breed_of, resolve_source
from pupline.json_values import MAX_JSON_BYTES
from tests.http.fetch_servers import PUBLIC, FakeInternet, RawServer, answer

IMAGE = "http://1.1.1.1/breeds/hound-afghan/n02088094_1003.jpg"


def said(message: object, status: object = "success", **more: object) -> bytes:
    """An answer of the API."""
    return answer(json.dumps({"status": status, "message": message, **more}).encode())


def api(server: RawServer, *, is_sample: bool = False) -> DogCeo:
    """The API client of a server that the user named."""
    source = resolve_source(f"{server.origin}/api/")
    return DogCeo(HttpClient(source.policy(timeout_seconds=5)), source.base_url, is_sample=is_sample)


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


def test_lists_of_images() -> None:
    """The lists of a breed and of random images come as they are."""
    with RawServer(said([IMAGE, IMAGE])) as server:
        assert api(server).images("hound/afghan").urls == (IMAGE, IMAGE)
        assert path_of(server) == "/api/breed/hound/afghan/images"
        asked = api(server).random_images(2)
        assert (asked.urls, asked.notes) == ((IMAGE, IMAGE), ())
        assert path_of(server) == "/api/breeds/image/random/2"


def test_a_list_of_another_length_is_cut_or_said() -> None:
    """A longer list is cut, a shorter one is said, and no more than 50 are asked for."""
    with RawServer(said([IMAGE] * 3)) as server:
        longer = api(server).random_images(2)
        assert longer.urls == (IMAGE, IMAGE)
        assert longer.notes == ("The API gave 3 images instead of 2; the rest was left out.",)
        shorter = api(server).random_images(80)
        assert path_of(server) == "/api/breeds/image/random/50"
        assert len(shorter.urls) == 3
        assert shorter.notes == (
            "80 images were asked for; the API gives at most 50 at once.",
            "The API gave 3 images instead of 50.",
        )


def test_the_list_of_breeds() -> None:
    """All breeds come with their sub-breeds."""
    with RawServer(said({"hound": ["afghan", "basset"], "pug": []})) as server:
        assert api(server).breeds() == {"hound": ["afghan", "basset"], "pug": []}
        assert path_of(server) == "/api/breeds/list/all"


WRONG_TEXTS: list[tuple[object, str]] = [
    (None, "is None"),
    (7, "is 7"),
    (True, "is True"),
    ("", "is ''"),
    ([], "is a list of 0"),
    ([IMAGE], "is a list of 1"),
    ({}, "is an object of 0"),
    ({"url": IMAGE}, "is an object of 1"),
]


@pytest.mark.parametrize(("message", "found"), WRONG_TEXTS, ids=str)
def test_a_message_that_is_no_text_is_an_error(message: object, found: str) -> None:
    """Where a URL is due, anything else is a SourceError that says what is there, and where."""
    expected = f"/random: message should be a text that is not empty, and {re.escape(found)}"
    with RawServer(said(message)) as server, pytest.raises(SourceError, match=expected):
        api(server).random_image()


@pytest.mark.parametrize("message", [None, 7, "", IMAGE, [], {}, {"0": IMAGE}], ids=str)
def test_a_message_that_is_no_list_is_an_error(message: object) -> None:
    """Where a list of URLs is due, anything else, and an empty one, is a SourceError."""
    with RawServer(said(message)) as server:
        with pytest.raises(SourceError, match="random/1: message should be a list of image URLs, and is"):
            api(server).random_images(1)
        with pytest.raises(SourceError, match="images: message should be a list of image URLs, and is"):
            api(server).images("pug")


@pytest.mark.parametrize("message", [[None], [IMAGE, 7], [""], [[IMAGE]]], ids=str)
def test_a_list_with_something_else_in_it_is_an_error(message: list[object]) -> None:
    """One item that is no text spoils the list, and the error names it."""
    with RawServer(said(message)) as server, pytest.raises(SourceError, match=r"message\[[01]\] should be a text"):
        api(server).images("hound")


@pytest.mark.parametrize("message", [None, [], "pug", {}, {"pug": None}, {"pug": "x"}, {"pug": [1]}], ids=str)
def test_breeds_of_another_shape_are_an_error(message: object) -> None:
    """The list of breeds is an object of lists of texts, and nothing else."""
    with RawServer(said(message)) as server, pytest.raises(SourceError, match=r"breeds/list/all: message.* should be"):
        api(server).breeds()


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (said("Something broke", "error"), "status 'error', message 'Something broke'"),
        (said("Something broke", "error", code=500), "reports an error"),
        (said("\x1b[2J" * 9, "error"), r"\\x1b\[2J"),
        (said(IMAGE, "SUCCESS"), "status 'SUCCESS'"),
        (said(IMAGE, None), "status None"),
        (said(IMAGE, True), "status True"),
        (answer(json.dumps({"message": IMAGE}).encode()), "status None"),
        (answer(b'{"status": "success"}'), "the answer has no message"),
        (answer(b"[]"), "an object with status and message, and is a list of 0"),
        (answer(b"null"), "an object with status and message, and is None"),
        (answer(b"<html>"), "not usable JSON"),
        (answer(b""), "not usable JSON"),
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
        with pytest.raises(NotFound, match=f"knows no breed nodog: {server.origin}/api/breeds/list/all lists them"):
            api(server).random_image("nodog")
        with pytest.raises(NotFound, match=r"check that .*/api is the base URL of a Dog CEO API"):
            api(server).random_image()


def test_other_failures_are_those_of_the_client() -> None:
    """A server error of the API is a ServerError, which the workflow retries."""
    with RawServer(answer(b"", status="500 Oops")) as server, pytest.raises(ServerError):
        api(server).random_image()


def test_an_answer_that_is_too_large_is_refused_without_advice_about_images() -> None:
    """The limit of an API's answer is not the one that --max-bytes moves."""
    with RawServer(answer(b"", f"Content-Length: {MAX_JSON_BYTES + 1}")) as server, pytest.raises(TooLarge) as caught:
        api(server).random_image()
    assert "an API may answer with" in str(caught.value)
    assert "--max-bytes" not in str(caught.value)


@pytest.mark.parametrize(
    "breed", ["", "Hound", "hound-afghan", "hound/", "/hound", "a/b/c", "../x", "a b", "a%2fb", "h\n"]
)
def test_a_malformed_breed_is_refused(breed: str) -> None:
    """A breed that could change the request's path is refused before anything is sent."""
    client = DogCeo(HttpClient(FetchPolicy()), "https://dog.ceo/api")
    for ask in (client.random_image, client.images):
        with pytest.raises(InvalidInput, match="hound/afghan"):
            ask(breed)


def test_none_or_fewer_images_are_refused() -> None:
    """Asking for no image at all is a mistake."""
    with pytest.raises(InvalidInput, match="0 images: ask for at least 1"):
        DogCeo(HttpClient(FetchPolicy()), "https://dog.ceo/api").random_images(0)


@pytest.mark.parametrize(
    "message", ["not a url", "/breeds/pug/1.jpg", "file:///etc/passwd", "http://127.1/x.jpg", " " + IMAGE]
)
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
    preset = resolve_source("dog-ceo").policy(allow_origins=["https://cdn.example:8443"])
    # The fake internet knows no TLS: the preset's image rule is asked through a plain http copy of the API.
    client = DogCeo(HttpClient(preset, internet.network()), "http://dog.ceo/api")
    if allowed:
        assert client.random_image() == image
    else:
        with pytest.raises(BlockedAddress, match="if you trust it, give --allow-origin") as caught:
            client.random_image()
        assert caught.value.details["source_url"] == image


def test_the_execution_is_told_to_the_sample_alone() -> None:
    """The sample source learns which execution asks; no other source does."""
    with RawServer(said(IMAGE)) as server:
        api(server, is_sample=True).random_image(None, "run-1 \u00e9\r\n-12")
        assert b"\r\nX-Pupline-Execution: run-1%20%C3%A9%0D%0A-12\r\n" in server.requests[0]
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
