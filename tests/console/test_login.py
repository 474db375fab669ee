"""A console with a token: nothing is read without it, by cookie in a browser, as Bearer by programs."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from pupline.console import ConsoleSettings, create_app
from pupline.console.security import Access, checked_token
from pupline.errors import ConfigurationError
from tests.console.conftest import ORIGIN, console_client, headers_for_writing

pytestmark = pytest.mark.slow

TOKEN = "correct-horse-battery-staple"  # noqa: S105


@pytest.fixture
def locked(world: Path) -> TestClient:
    """A client of a console with a token, which it has not shown."""
    return console_client(create_app(ConsoleSettings(data_dir=world, token=TOKEN)))


def test_nothing_is_read_without_the_token(locked: TestClient) -> None:
    """Pages lead to the form, the API says what it needs; only the form and its files are open."""
    page = locked.get("/executions?status=FAILED", follow_redirects=False)
    assert (page.status_code, page.headers["location"]) == (303, "/login?next=%2Fexecutions%3Fstatus%3DFAILED")
    for path in ("/api/openapi.json", "/api/live?topic=jobs", "/api/nowhere"):
        assert locked.get(path).status_code == 401
    for path in ("/objects/html/a.png", "/thumbnails/00", "/nowhere"):
        assert locked.get(path, follow_redirects=False).status_code == 303
    for path in ("/login", "/static/console.css"):
        assert locked.get(path).status_code == 200


def test_the_form_gives_a_cookie(locked: TestClient) -> None:
    """One that scripts cannot read and other sites cannot send, and which is not the token."""
    answer = locked.post(
        "/login",
        data={"token": TOKEN, "next": "/executions?status=FAILED"},
        headers={"Origin": ORIGIN},
        follow_redirects=False,
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/executions?status=FAILED")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert TOKEN not in cookie
    assert locked.get("/executions").status_code == 200
    assert locked.get("/api/openapi.json").status_code == 200


def test_a_wrong_token_gives_nothing(locked: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The form is shown again; a form of another site is refused."""
    monkeypatch.setattr("pupline.console.security._login._GUESS_SECONDS", 0)
    for token in ("wrong", "", TOKEN[:-1], TOKEN + "x"):
        answer = locked.post("/login", data={"token": token}, headers={"Origin": ORIGIN})
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
    assert locked.post("/login", data={"token": TOKEN}, headers={"Origin": "http://evil.example"}).status_code == 403
    assert locked.post("/login", data={"token": TOKEN}).status_code == 403


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "", "x", "/\r\nX: y"])
def test_the_form_leads_to_no_other_site(locked: TestClient, target: str) -> None:
    """Whatever the link said that led to it."""
    form = {"token": TOKEN, "next": target}
    answer = locked.post("/login", data=form, headers={"Origin": ORIGIN}, follow_redirects=False)
    assert answer.headers["location"] == "/"


def test_programs_send_the_token(locked: TestClient) -> None:
    """As Bearer. To change something they send all that a page does."""
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    assert locked.get("/api/openapi.json", headers=bearer).status_code == 200
    assert locked.get("/api/openapi.json", headers={"Authorization": "Bearer nonsense"}).status_code == 401
    assert locked.get("/api/openapi.json", headers={"Authorization": f"Basic {TOKEN}"}).status_code == 401
    assert locked.post("/api/none", json={}, headers=bearer).status_code == 403
    assert locked.post("/api/none", json={}, headers=bearer | headers_for_writing(locked)).status_code == 404


@pytest.mark.parametrize(
    "value",
    ["", ".", "9999999999.", "9999999999.00", "nan.00", "x" * 5000, "9999999999." + "é" * 3, '"', "inf"],
)
def test_made_up_cookies_are_worth_nothing(value: str) -> None:
    """Nor do they break anything."""
    headers = {"cookie": f"pupline-console-8084={value}"}
    assert Access(TOKEN, 8084).allows(headers) is False


def test_a_cookie_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a week; at once with another token, and it is of one port."""
    access = Access(TOKEN, 8084)
    headers = {"cookie": access.cookie().partition(";")[0]}
    assert access.allows(headers)
    assert not Access(TOKEN + "x", 8084).allows(headers)
    assert not Access(TOKEN, 8085).allows(headers)
    monkeypatch.setattr("time.time", lambda: 4e9)
    assert not access.allows(headers)


@pytest.mark.parametrize("token", ["", "short", "with a space in it", "0123456789abcde\x00", "é" * 20])
def test_a_token_that_could_be_guessed_is_refused(token: str) -> None:
    """With what would be one."""
    with pytest.raises(ConfigurationError, match="openssl rand"):
        checked_token(token)
    assert checked_token(" 0123456789abcdef\n") == "0123456789abcdef"
