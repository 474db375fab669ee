"""The URL of one image as a source: by its ending, or by what its server answers."""

import pytest

from pupline.errors import NotFound, ServerError, SourceError, UnreadableAnswer
from pupline.http import Origin
from pupline.sources import Listing, PageRequest, resolve
from pupline.tasks.items import SourceItem

JPEG = b"\xff\xd8\xff\xe0" + bytes(20)


def asked(listing: Listing) -> str:
    """The URL of the next page."""
    request = listing.request()
    assert isinstance(request, PageRequest)
    return request.url


@pytest.mark.parametrize(
    ("value", "name", "dataset"),
    [
        ("https://host.org/dog.jpg", "https://host.org/dog.jpg", "host-org"),
        ("https://host.org/a/DOG.JPEG", "https://host.org/a/DOG.JPEG", "host-org"),
        ("http://127.0.0.1:8099/x.webp?key=secret#top", "http://127.0.0.1:8099/x.webp", "127-0-0-1-8099"),
        ("https://host.org/a%20dog.heic", "https://host.org/a%20dog.heic", "host-org"),
    ],
)
def test_a_url_that_ends_as_an_image_is_that_image(value: str, name: str, dataset: str) -> None:
    """Nothing is asked to find that out; its origin is trusted, as the user named it."""
    source = resolve(value)
    assert (source.name, source.dataset, source.trusted) == (
        name,
        dataset,
        frozenset({Origin.parse(value[: value.index("/", 8)])}),
    )
    listing = source.open()
    assert (listing.request(), listing.total) == (None, 1)
    assert listing.read(None, {}).items == [SourceItem(url=value.partition("#")[0])]
    assert (listing.complete, listing.request()) == (True, None)
    again = source.open(position=listing.position())
    assert again.complete


@pytest.mark.parametrize("failure", [NotFound("404"), SourceError("a null"), UnreadableAnswer("<html>")])
def test_a_url_that_is_no_api_is_asked_for_as_an_image(failure: Exception) -> None:
    """Once its API's first page is not to be had; over a restart too."""
    source = resolve("https://host.org/photo")
    listing = source.open()
    assert asked(listing) == "https://host.org/photo/breeds/list/all"
    assert isinstance(failure, SourceError | NotFound)
    note = listing.skip(failure)
    assert note is not None
    assert failure.message in note
    assert asked(listing) == asked(source.open(position=listing.position())) == "https://host.org/photo"
    assert listing.read(JPEG, {"content-type": "image/jpeg"}).items == [SourceItem(url="https://host.org/photo")]
    assert (listing.complete, source.open(position=listing.position()).complete) == (True, True)


def test_an_api_stays_one() -> None:
    """Also one that fails for a moment, or later."""
    listing = resolve("http://host.org/api").open()
    assert listing.skip(ServerError("503")) is None
    assert asked(listing) == "http://host.org/api/breeds/list/all"
    listing.read(b'{"message": {"pug": []}, "status": "success"}', {})
    assert asked(listing) == "http://host.org/api/breed/pug/images"
    position = listing.position()
    assert asked(resolve("http://host.org/api").open(position=position)).startswith("http://host.org/api/breed")


@pytest.mark.parametrize(
    ("body", "kind", "is_image"),
    [
        (JPEG, "application/octet-stream", True),
        (b"\x89PNG\r\n\x1a\n", "", True),
        (b"RIFF....WEBP", "image/webp", True),
        (b"<html>", "text/html", False),
        (b"{}", "application/json", False),
    ],
)
def test_a_url_with_a_query_is_an_image_if_its_server_says_so(body: bytes, kind: str, is_image: bool) -> None:
    """No base URL of an API has one; where it is not an image, the user is told of both."""
    listing = resolve("https://host.org/get?id=5").open()
    assert asked(listing) == "https://host.org/get?id=5"
    headers = {"content-type": kind}
    if is_image:
        assert listing.read(body, headers).items == [SourceItem(url="https://host.org/get?id=5")]
        return
    with pytest.raises(SourceError) as caught:
        listing.read(body, headers)
    assert listing.skip(caught.value) is None
    assert "base URL alone, without ?" in caught.value.message
    assert kind in caught.value.message
