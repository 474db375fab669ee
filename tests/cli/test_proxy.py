"""`--proxy` on every command that fetches: images come through it, and its credentials stay out of everything."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.shared.tiny_proxy import TinyProxy
from tests.shared.tiny_web import Said, Site, serving

pytestmark = pytest.mark.slow

Run = Callable[..., Any]
GIF = b"GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02\x4c\x01\0;"
WANTED = f"Basic {base64.b64encode(b'rex:sesame').decode()}"
URL = "http://dogs.example/breeds/hound/1.gif"


@pytest.fixture
def site() -> Site:
    """A host with one image, which is named by an API too."""
    said = json.dumps({"status": "success", "message": URL}).encode()
    listed = json.dumps({"status": "success", "message": {"hound": []}}).encode()
    images = json.dumps({"status": "success", "message": [URL]}).encode()
    site = Site({})
    site.pages |= {
        "/breeds/hound/1.gif": Said(GIF),
        "/api/breeds/image/random": Said(said),
        "/api/breeds/list/all": Said(listed),
        "/api/breed/hound/images": Said(images),
    }
    return site


API = "http://dogs.example/api"
COMMANDS = [
    ("run", "--image-url", URL, "--source", API),
    ("run", "--source", API),
    ("ingest", API),
    ("ingest", API, "--workflow"),
    ("ingest", API, "--dry-run"),
    ("sources", "test", API),
    ("doctor", "--source", API),
]


@pytest.mark.parametrize(
    ("words", "by"), [*[(words, "option") for words in COMMANDS], (COMMANDS[2], "environment")], ids=range(8)
)
def test_everything_is_asked_through_the_proxy(
    command: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: Site, words: tuple[str, ...], by: str
) -> None:
    """The name is the proxy's to resolve; what it costs to be let in is neither printed nor kept."""
    data = tmp_path / "data"
    with (
        serving(site),
        TinyProxy({"dogs.example:80": int(site.origin.rpartition(":")[2])}, credentials=WANTED) as proxy,
    ):
        url = f"http://rex:sesame@{proxy.authority}"
        monkeypatch.setenv("PUPLINE_PROXY", url if by == "environment" else "http://nobody.invalid:1")
        option = ["--proxy", url] if by == "option" else []
        done = command(*words, *option, *([] if words[0] == "sources" else ["--data", data]))
    assert done.code == 0, done.stdout + done.stderr
    assert proxy.targets()
    assert all(target.startswith("http://dogs.example/") for target in proxy.targets())
    kept = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for secret in ("sesame", WANTED[6:]):
        assert secret not in done.stdout + done.stderr
        assert secret.encode() not in kept


def test_what_is_resumed_needs_the_proxy_again(command: Run, tmp_path: Path, site: Site) -> None:
    """It belongs to the network, not to the run: --resume and a retry take the one that is given now."""
    listed = tmp_path / "urls.txt"
    listed.write_text(URL)
    failed = command("ingest", listed, "--run-id", "r", "--proxy", "http://127.0.0.1:1", "--data", tmp_path)
    assert failed.code == 1
    assert "the proxy http://127.0.0.1:1, asked for http://dogs.example" in failed.stdout
    with serving(site), TinyProxy({"dogs.example:80": int(site.origin.rpartition(":")[2])}) as proxy:
        done = command("ingest", "--retry-failed", "r", "--proxy", proxy.url, "--data", tmp_path)
    assert done.code == 0, done.stdout + done.stderr
    assert URL in proxy.targets()


@pytest.mark.parametrize(
    "words", [("run",), ("ingest", "sample"), ("sources", "test", "sample"), ("doctor",), ("resume",)]
)
def test_a_proxy_that_cannot_be_one_is_one_line(command: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    """Exit code 2, and no credentials."""
    where = [] if words[0] == "sources" else ["--data", tmp_path]
    done = command(*words, "--proxy", "socks5://rex:sesame@proxy.example:1080", *where)
    assert (done.code, done.stderr.count("\n")) == (2, 1)
    assert "--proxy ***@proxy.example:1080: only proxies" in done.stderr
    assert "sesame" not in done.stderr


def test_a_proxy_that_is_not_used_is_said(command: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where HTTP_PROXY is set and the source is not reached, doctor says what would be needed."""
    monkeypatch.setenv("HTTPS_PROXY", "http://rex:sesame@proxy.example:3128")
    done = command("doctor", "--source", "http://127.0.0.1:1/api", "--data", tmp_path)
    assert "is not used; if it is needed, give it with --proxy" in " ".join(done.stdout.split())
    assert "sesame" not in done.stdout
