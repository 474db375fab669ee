"""The rules that hold for every request: who may ask, from where, and what every response says to the browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from pupline.console import ConsoleSettings, create_app
from tests.console.conftest import ORIGIN, console_client, headers_for_writing

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

FOREIGN_HOSTS = (
    "evil.example:8084",
    "127.0.0.1.evil.example:8084",
    "127.0.0.1",
    "127.0.0.1:80",
    "127.0.0.2:8084",
    "0.0.0.0:8084",
    "[::1]:8084",
    "127.0.0.1:8084:8084",
    "127.0.0.1:8084@evil.example",
    "localhost.evil.example:8084",
    "",
)

WRITING = "/api/no-such-action"
"""No route has it, so that only the rules are tested: what passes them gets 404."""


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
@pytest.mark.parametrize("path", ["/", "/api/openapi.json", "/static/console.css", "/nowhere"])
def test_other_hosts_are_not_answered(client: TestClient, path: str, host: str) -> None:
    """A page of another site that makes its name resolve to this machine reads nothing."""
    answer = client.get(path, headers={"Host": host})
    assert answer.status_code == 421
    assert answer.json()["error"] == "wrong_host"


@pytest.mark.parametrize("host", ["127.0.0.1:8084", "localhost:8084", "LOCALHOST:8084"])
def test_the_own_address_is_answered(client: TestClient, host: str) -> None:
    """The address that the console listens on, by its name too."""
    assert client.get("/about", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 200),
        ("GET", "/nowhere", 404),
        ("GET", "/?nonsense=1", 400),
        ("GET", "/static/console.css", 200),
        ("GET", "/static/nothing.css", 404),
        ("GET", "/api/openapi.json", 200),
        ("GET", "/api/nowhere", 404),
        ("HEAD", "/", 200),
        ("POST", "/", 405),
        ("PUT", "/api/nowhere", 405),
        ("OPTIONS", "/", 405),
        ("TRACE", "/", 405),
        ("POST", WRITING, 403),
    ],
)
def test_every_response_has_the_safe_headers(client: TestClient, method: str, path: str, status: int) -> None:
    """Pages, files, errors and refusals alike; none says what the server is."""
    answer = client.request(method, path)
    assert answer.status_code == status
    headers = answer.headers
    assert headers["content-security-policy"] == POLICY
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == "no-store"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert not {"server", "x-powered-by", "access-control-allow-origin"} & set(headers)


def test_a_bug_is_one_line_on_a_page(world: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The details are in the log; the page has the safe headers, no traceback and no version."""
    app = create_app(ConsoleSettings(data_dir=world))

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("secret detail")

    @app.get("/api/broken")
    def broken_api() -> None:
        raise RuntimeError("secret detail")

    client = console_client(app)
    for path in ("/broken", "/api/broken"):
        answer = client.get(path)
        assert answer.status_code == 500
        assert answer.headers["content-security-policy"] == POLICY
        assert "secret detail" not in answer.text
        assert "Traceback" not in answer.text
    assert answer.json()["error"] == "internal_error"
    assert "secret detail" in caplog.text


def test_head_is_get_without_a_body(client: TestClient) -> None:
    """With the same headers."""
    answer = client.head("/about")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 1000


def without(headers: dict[str, str], name: str, **others: str) -> dict[str, str]:
    """The headers without one, or with others."""
    return {key: value for key, value in headers.items() if key != name} | others


def test_a_write_needs_all_of_origin_token_and_json(client: TestClient, write_headers: dict[str, str]) -> None:
    """Any page on the internet can send a form to this port; none can send these three."""

    def post(headers: dict[str, str], content: str = "{}") -> tuple[int, str]:
        answer = client.post(WRITING, content=content, headers={"Content-Type": "application/json"} | headers)
        return answer.status_code, answer.json()["error"]

    assert post(write_headers) == (404, "not_found")
    assert post(without(write_headers, "Origin")) == (403, "wrong_origin")
    assert post(without(write_headers, "X-Pupline-Token")) == (403, "wrong_token")
    assert post(write_headers | {"X-Pupline-Token": "x" * 43}) == (403, "wrong_token")
    for origin in (
        "null",
        "https://evil.example",
        "http://127.0.0.1:8085",
        "http://127.0.0.1",
        "http://",
        "127.0.0.1:8084",
    ):
        assert post(write_headers | {"Origin": origin}) == (403, "wrong_origin")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
        assert post(write_headers | {"Content-Type": kind}) == (415, "not_json")


def test_bodies_are_bounded(world: Path) -> None:
    """With a Content-Length, and without one, while the body is read."""
    app = create_app(ConsoleSettings(data_dir=world))

    @app.post("/api/echo")
    def echo(body: dict[str, str]) -> dict[str, str]:
        return body

    def chunks() -> Iterator[bytes]:
        for _ in range(20):
            yield b" " * 100_000

    client = console_client(app)
    headers = headers_for_writing(client) | {"Content-Type": "application/json"}
    assert client.post("/api/echo", content=b'{"a": "b"}', headers=headers).json() == {"a": "b"}
    for content in (b" " * 1_100_000, chunks()):
        answer = client.post("/api/echo", content=content, headers=headers)
        assert (answer.status_code, answer.json()["error"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("site", "mode", "status"),
    [
        ("cross-site", "no-cors", 403),
        ("cross-site", "cors", 403),
        ("same-site", "no-cors", 403),
        ("cross-site", "navigate", 200),
        ("same-origin", "cors", 200),
        ("none", "navigate", 200),
    ],
)
def test_other_sites_only_link(client: TestClient, site: str, mode: str, status: int) -> None:
    """A page elsewhere cannot keep the console busy with pictures and scripts that it never sees."""
    answer = client.get("/about", headers={"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode})
    assert answer.status_code == status


def test_reading_changes_nothing(client: TestClient) -> None:
    """No route has a method that is not for reading, other than POST and DELETE under /api."""
    schema = client.get("/api/openapi.json").json()
    for path, methods in schema["paths"].items():
        assert path.startswith("/api/")
        assert set(methods) <= {"get", "post", "delete"}
    assert client.post("/executions", headers={"Origin": ORIGIN}).status_code == 405


def test_a_console_that_only_reads_refuses_to_act(world: Path) -> None:
    """As one over a stack is, unless it was allowed."""
    client = console_client(create_app(ConsoleSettings(data_dir=world, allow_writes=False)))
    answer = client.post(WRITING, json={}, headers=headers_for_writing(client))
    assert (answer.status_code, answer.json()["error"]) == (403, "read_only")
    assert ConsoleSettings(data_dir=world, stack="dogs").can_write is False
    assert ConsoleSettings(data_dir=world, stack="dogs", allow_writes=True).can_write is True


def test_allowed_names_are_answered(world: Path) -> None:
    """With the console's port, and as a proxy at the default port sends them; their origin may write."""
    client = console_client(create_app(ConsoleSettings(data_dir=world, allowed_hosts=("dogs.example", "b.example:1"))))
    for host, status in (
        ("dogs.example", 200),
        ("dogs.example:8084", 200),
        ("dogs.example:9", 421),
        ("b.example:1", 200),
        ("b.example", 421),
        ("x.dogs.example", 421),
    ):
        assert client.get("/about", headers={"Host": host}).status_code == status, host
    headers = headers_for_writing(client) | {"Host": "dogs.example", "Origin": "https://dogs.example"}
    assert client.post(WRITING, json={}, headers=headers).status_code == 404


def test_all_addresses_of_the_machine(world: Path) -> None:
    """At a wildcard address, the Host is the address at which the request arrived, and no other name."""
    app = create_app(ConsoleSettings(data_dir=world, host="0.0.0.0", token="0123456789abcdef"))  # noqa: S104, S106
    client = TestClient(app, base_url="http://192.168.1.5:8084")
    assert client.get("/login").status_code == 200
    assert client.get("/login", headers={"Host": "192.168.1.6:8084"}).status_code == 421
    assert client.get("/login", headers={"Host": "evil.example:8084"}).status_code == 421
