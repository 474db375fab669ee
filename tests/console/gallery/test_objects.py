"""Stored bytes are hostile: what is served of them, as what, and to whom."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from pupline.console import ConsoleSettings, create_app
from pupline.local import LocalBackend
from pupline.tasks.ports import ObjectToCreate
from tests.console.conftest import console_client
from tests.shared.functions_fakes import picture

BODY = picture("PNG") + bytes(range(256)) * 40
Store = Callable[..., str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory for the objects of these tests."""
    return tmp_path_factory.mktemp("objects")


@pytest.fixture(scope="module")
def store(folder: Path) -> Iterator[Store]:
    """Stores an object; its SHA-256."""
    with LocalBackend.open(folder, exclusive=True, create=True) as backend:

        def stored(key: str, body: bytes = BODY) -> str:
            digest = hashlib.sha256(body).hexdigest()
            backend.bucket().create(ObjectToCreate(key, body, digest, "text/html", "run-00001"))
            return digest

        yield stored


@pytest.fixture(scope="module")
def own_client(folder: Path) -> Iterator[TestClient]:
    """A console over that directory."""
    with console_client(create_app(ConsoleSettings(data_dir=folder))) as found:
        yield found


def test_an_image_is_shown_as_what_it_is(store: Store, own_client: TestClient) -> None:
    """Its type comes from its bytes; the response has no origin, no script, and is never taken for something else."""
    store("html/rex.html")
    found = own_client.get("/objects/html/rex.html")
    assert found.content == BODY
    assert found.headers["content-type"] == "image/png"
    assert found.headers["content-disposition"] == 'inline; filename="rex.html"'
    assert found.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert found.headers["x-content-type-options"] == "nosniff"
    assert found.headers["cross-origin-resource-policy"] == "same-origin"
    assert found.headers["content-length"] == str(len(BODY))


@pytest.mark.parametrize(
    ("key", "body"),
    [
        ("html/a.png", b"<html><script>alert(1)</script>"),
        ("html/a.svg", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'),
        ("html/a.pdf", b"%PDF-1.7"),
        ("html/empty.png", b""),
        ("datasets/dogs/summary.json", b"{}"),
    ],
)
def test_all_else_is_saved_as_a_file(store: Store, own_client: TestClient, key: str, body: bytes) -> None:
    """Pages, drawings, documents: no browser renders them."""
    store(key, body)
    found = own_client.get(f"/objects/{key}")
    assert found.content == body
    assert found.headers["content-type"] == "application/octet-stream"
    assert found.headers["content-disposition"].startswith("attachment; ")
    assert found.headers["content-security-policy"] == "default-src 'none'; sandbox"


def test_quarantine_is_not_served(store: Store, own_client: TestClient) -> None:
    """Neither under its key, nor as other bytes with the same hash."""
    digest = store("quarantine/bad.png", BODY + b"bad")
    found = own_client.get("/objects/quarantine/bad.png")
    assert (found.status_code, "quarantine" in found.text) == (403, True)
    assert own_client.get(f"/objects/html/bad.png?sha256={digest}").status_code == 404
    assert own_client.get(f"/thumbnails/{digest}").status_code == 404


def test_a_range_is_a_part(store: Store, own_client: TestClient) -> None:
    """With the whole's length, as RFC 9110 wants it."""
    store("html/rex.png")
    found = own_client.get("/objects/html/rex.png", headers={"Range": "bytes=5-9"})
    assert (found.status_code, found.content) == (206, BODY[5:10])
    assert found.headers["content-range"] == f"bytes 5-9/{len(BODY)}"
    assert found.headers["content-type"] == "image/png"


def test_several_ranges_are_parts_of_one_body(store: Store, own_client: TestClient) -> None:
    """Each with its own headers."""
    store("html/rex.png")
    found = own_client.get("/objects/html/rex.png", headers={"Range": "bytes=0-1,-3"})
    kind, _, boundary = found.headers["content-type"].partition("; boundary=")
    assert (found.status_code, kind) == (206, "multipart/byteranges")
    first, second = found.content.split(f"--{boundary}".encode())[1:3]
    assert first == f"\r\nContent-Type: image/png\r\nContent-Range: bytes 0-1/{len(BODY)}\r\n\r\n".encode() + (
        BODY[:2] + b"\r\n"
    )
    assert second.endswith(b"\r\n\r\n" + BODY[-3:] + b"\r\n")
    assert found.headers["content-length"] == str(len(found.content))


def test_a_range_beyond_the_end_is_not_satisfiable(store: Store, own_client: TestClient) -> None:
    """The answer says how long the object is, and has no bytes."""
    store("html/rex.png")
    found = own_client.get("/objects/html/rex.png", headers={"Range": "bytes=9999999-"})
    assert (found.status_code, found.content) == (416, b"")
    assert found.headers["content-range"] == f"bytes */{len(BODY)}"


def test_bytes_that_the_client_has_are_not_sent_again(store: Store, own_client: TestClient) -> None:
    """By its ETag; a range of other bytes than the client's is not a range."""
    store("html/rex.png")
    etag = own_client.get("/objects/html/rex.png").headers["etag"]
    for given in (etag, f'W/{etag}, "x"', "*"):
        found = own_client.get("/objects/html/rex.png", headers={"If-None-Match": given})
        assert (found.status_code, found.content) == (304, b"")
    part = {"Range": "bytes=0-0"}
    assert own_client.get("/objects/html/rex.png", headers={**part, "If-Range": etag}).status_code == 206
    assert own_client.get("/objects/html/rex.png", headers={**part, "If-Range": '"other"'}).content == BODY


def test_head_has_the_headers_alone(store: Store, own_client: TestClient) -> None:
    """Length and type, and no bytes."""
    store("html/rex.png")
    found = own_client.head("/objects/html/rex.png")
    assert (found.status_code, found.content, found.headers["content-length"]) == (200, b"", str(len(BODY)))


@pytest.mark.parametrize(
    "path",
    [
        "html/none.png",
        "html",
        "../pupline.sqlite",
        "..%2F..%2Fpupline.sqlite",
        "%2e%2e/%2e%2e/lock",
        "/etc/passwd",
        "%2Fetc%2Fpasswd",
        "html/rex.png%00",
        "html/rex.png/",
        "html//rex.png",
        "html/rex.png%0A",
        "%FF%FE",
        "%ED%A0%80",
        "a" * 4000,
        "",
    ],
)
def test_only_keys_of_the_listing_are_served(store: Store, own_client: TestClient, path: str) -> None:
    """No path leads elsewhere."""
    store("html/rex.png")
    assert own_client.get(f"/objects/{path}").status_code == 404


def test_links_and_pipes_are_not_served(store: Store, own_client: TestClient, folder: Path) -> None:
    """A stored file that was replaced by a symbolic link."""
    store("html/linked.png")
    [path] = folder.rglob("linked.png")
    path.unlink()
    path.symlink_to("/etc/hostname")
    assert own_client.get("/objects/html/linked.png").status_code == 503


def test_bytes_are_found_by_their_hash(store: Store, own_client: TestClient) -> None:
    """What is shown next to a record has its hash, wherever it is; other bytes under its key are not shown."""
    digest = store("html/rex.png")
    other = store("html/ben.png", BODY + b"x")
    assert own_client.get(f"/objects/html/nowhere.png?sha256={digest}").content == BODY
    assert own_client.get(f"/objects/html/rex.png?sha256={other}").content == BODY + b"x"
    assert own_client.get(f"/objects/html/rex.png?sha256={'0' * 64}").status_code == 404
    assert own_client.get("/objects/html/rex.png?sha256=x").status_code == 404


HOSTILE_KEYS = [
    "html/a\"b'c.png",
    "html/<img src=x onerror=alert(1)>.png",
    "html/100%.png",
    "html/a?b#c&d;e.png",
    "html/\u202egnp.exe.png",
    "html/" + "\u72ac" * 83 + ".png",
    "html/ leading and trailing ",
    "html/r\u00e9x \U0001f415.png",
    "html/back\\slash.png",
    "html/con.png",
    "html/..",
    "~/x.png",
]


@pytest.mark.parametrize("key", HOSTILE_KEYS)
def test_hostile_names_are_names(store: Store, own_client: TestClient, key: str) -> None:
    """Any key is served under its own address, and its name adds no header and no extension."""
    store(key)
    found = own_client.get(f"/objects/{quote(key, safe='')}")
    assert found.content == BODY
    disposition = found.headers["content-disposition"]
    assert "set-cookie" not in found.headers
    assert disposition.isascii()
    assert disposition.isprintable()
    assert disposition.count('"') == 2
    assert len(disposition) < 1200
