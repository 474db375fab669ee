"""The gallery's pages and API over the sample data directory."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from pupline.console import ConsoleSettings, create_app
from pupline.local import LocalBackend
from pupline.tasks.records import AuditRecord
from tests.console.conftest import console_client


def _ids(client: TestClient, query: str) -> list[str]:
    return [item["id"] for item in client.get(f"/api/gallery?{query}").json()["items"]]


def test_every_image_has_a_tile(client: TestClient) -> None:
    """With its picture, its size reserved, and a link to its record; what is not an image has none."""
    page = client.get("/gallery?outcome=stored")
    assert page.status_code == 200
    tiles = re.findall(r'<li class="shot" data-row data-index.*?</li>', page.text, re.DOTALL)
    assert tiles
    picture = re.compile(r'<img class="shot-image" src="/thumbnails/[0-9a-f]{64}\?key=[^"]+" width="\d+" height="\d+"')
    for tile in tiles:
        assert picture.search(tile)
        assert re.search(r'href="/gallery/\d+\?outcome=stored"', tile)


def test_quarantined_and_refused_files_are_facts(client: TestClient) -> None:
    """No picture of them is on any page: the type that was found, the reason, size and hash are."""
    for outcome in ("quarantined", "refused", "failed"):
        page = client.get(f"/gallery?outcome={outcome}")
        assert "shot-name" in page.text
        assert '<img class="shot-image" src' not in page.text
    [first, *_] = _ids(client, "outcome=quarantined")
    text = client.get(f"/gallery/{first}").text
    assert "<img" not in text
    for fact in ("Type found", "Size", "SHA-256", "In quarantine"):
        assert fact in text


def test_a_window_is_any_part_of_the_list(client: TestClient) -> None:
    """The script fetches by offset: windows next to each other are the list, and each says how many there are."""
    whole = client.get("/api/gallery?limit=200").json()
    assert whole["count"] == len(whole["items"]) > 10
    parts = [item["id"] for start in range(0, whole["count"], 7) for item in _window(client, start)]
    assert parts == [item["id"] for item in whole["items"]]
    assert _window(client, 10**9) == []


def _window(client: TestClient, start: int) -> list[dict[str, str]]:
    items: list[dict[str, str]] = client.get(f"/api/gallery?offset={start}&limit=7").json()["items"]
    return items


def test_filters_are_links_with_numbers(client: TestClient) -> None:
    """Choosing a value gives as many images as it says."""
    page = client.get("/gallery").text
    links = re.findall(r'<li><a href="(/gallery\?[^"]+)">.*?<span class="number">([\d,]+)</span>', page, re.DOTALL)
    assert len(links) > 5
    for link, number in links[:12]:
        query = link.partition("?")[2].replace("&amp;", "&")
        assert client.get(f"/api/gallery?{query}").json()["count"] == int(number.replace(",", ""))


@pytest.mark.parametrize(
    "query",
    [
        "outcome=bad",
        "kind=png",
        "page=0",
        "page=x",
        "alert=maybe",
        "since=whenever",
        "order=size",
        "facet=x",
        "page=1&page=2",
    ],
)
def test_a_filter_that_is_not_understood_is_an_error(client: TestClient, query: str) -> None:
    """It is never ignored."""
    assert client.get(f"/gallery?{query}").status_code == 400
    assert client.get(f"/api/gallery?{query}").status_code == 400


def test_pages_have_numbers_without_script(client: TestClient) -> None:
    """A page after the last one has no images, and says so."""
    assert "No image matches" in client.get("/gallery?page=99").text


def test_an_image_has_its_neighbours_under_the_filters(client: TestClient) -> None:
    """Previous and next stay within what was selected."""
    ids = _ids(client, "outcome=stored&limit=3")
    middle = client.get(f"/api/gallery/{ids[1]}?outcome=stored").json()
    assert (middle["previous"], middle["next"]) == (ids[0], ids[2])
    page = client.get(f"/gallery/{ids[1]}?outcome=stored").text
    assert f'/gallery/{ids[0]}?outcome=stored"' in page
    assert f'/gallery/{ids[2]}?outcome=stored"' in page


def test_a_duplicate_leads_to_its_original(client: TestClient) -> None:
    """To the record of the execution that stored the bytes."""
    for record in _ids(client, "outcome=duplicate"):
        found = client.get(f"/api/gallery/{record}").json()
        original = client.get(f"/api/gallery/{found['original']}").json()
        assert original["image"]["outcome"] == "stored"
        assert original["image"]["sha256"] == found["image"]["sha256"]
        assert f'/gallery/{found["original"]}"' in client.get(f"/gallery/{record}").text


@pytest.mark.slow
def test_a_placeholder_is_told_as_one(tmp_path: Path) -> None:
    """Bytes that five addresses gave are probably one, as on the insights page."""
    with LocalBackend.open(tmp_path, exclusive=True, create=True) as backend:
        backend.audit.put_many([_shared(number) for number in range(5)])
    with console_client(create_app(ConsoleSettings(data_dir=tmp_path))) as client:
        assert client.get("/api/gallery/1").json()["addresses"] == 5
        assert "Probably a placeholder" in client.get("/gallery/1").text


def _shared(number: int) -> AuditRecord:
    return AuditRecord(
        image_name="blank.png",
        upload_timestamp="2026-01-02T03:04:05.000Z",
        alert_triggered=False,
        outcome="duplicate" if number else "stored",
        reason="same_content" if number else "accepted",
        source_url=f"https://dogs.example/{number}.png",
        sha256="ab" * 32,
        execution=f"shared-{number:05}",
    )


class Markup(HTMLParser):
    """The elements of a page, and the names of their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, dict(attrs)))


@pytest.mark.parametrize("path", ["/gallery", "/gallery?q=onerror", "/gallery/{hostile}"])
def test_hostile_names_are_text(client: TestClient, path: str) -> None:
    """Markup is escaped, a right-to-left override is shown as an escape, and nothing is inline: the CSP forbids it."""
    [hostile] = [item["id"] for item in client.get("/api/gallery?q=onerror&outcome=stored").json()["items"]]
    page = client.get(path.format(hostile=hostile)).text
    assert "onerror" in page
    assert not any(character in page for character in "\u202e\x1b\x00")
    for tag, attributes in Markup(page).elements:
        assert not [name for name in attributes if name == "style" or name.startswith("on")]
        assert tag != "style"
        assert tag != "script" or str(attributes.get("src")).startswith("/static/")
        assert tag != "img" or str(attributes.get("src", "/")).startswith("/")


def test_an_image_that_is_not_there_is_not_found(client: TestClient) -> None:
    """Whatever its id."""
    for record in ("999999", "x", "-1", "1e3", "%2e%2e", "1%00"):
        assert client.get(f"/gallery/{record}").status_code == 404
        assert client.get(f"/api/gallery/{record}").status_code == 404


def test_an_empty_gallery_says_what_to_do(empty_client: TestClient) -> None:
    """With the command, and no controls that do nothing."""
    page = empty_client.get("/gallery").text
    assert "No images yet" in page
    assert "pupline run --count 12" in page
    assert "shot-template" not in page
