"""Query parameters: understood or refused with one clear line, never ignored."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from fastapi import Query
from fastapi.testclient import TestClient

from pupline.console import ConsoleSettings, create_app
from pupline.console.web import Cursor, Filters, Limit, Moment, Text, Texts, path_of, with_parameters
from tests.console.conftest import console_client


class DogFilters(Filters):
    """All kinds of parameters."""

    q: Text = None
    since: Moment = None
    breed: Texts = ()
    after: Cursor = None
    limit: Limit = 50
    tab: str = "graph"
    kind: tuple[Literal["dog", "puppy"], ...] = ()


@pytest.fixture(scope="module")
def dogs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client of a console with one more route."""
    app = create_app(ConsoleSettings(data_dir=tmp_path_factory.mktemp("dogs")))

    @app.get("/api/dogs")
    def list_dogs(filters: Annotated[DogFilters, Query()]) -> dict[str, Any]:
        return filters.model_dump()

    with console_client(app) as client:
        yield client


NONE: dict[str, Any] = {"q": None, "since": None, "breed": [], "after": None, "limit": 50, "tab": "graph", "kind": []}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {}),
        ("q=beagle&limit=10&tab=table", {"q": "beagle", "limit": 10, "tab": "table"}),
        ("breed=hound&breed=hound/afghan", {"breed": ["hound", "hound/afghan"]}),
        ("since=2026-01-31", {"since": 1769817600.0}),
        ("since=2026-01-31T12:00:00%2B02:00", {"since": 1769853600.0}),
        ("q=&since=&breed=&after=&limit=", {}),
        ("breed=&breed=hound", {"breed": ["hound"]}),
        ("q=%F0%9F%90%95%E2%80%AE", {"q": "🐕\u202e"}),
    ],
)
def test_what_is_understood(dogs: TestClient, query: str, found: dict[str, Any]) -> None:
    """A field that a form sends empty is not given."""
    answer = dogs.get(f"/api/dogs?{query}")
    assert (answer.status_code, answer.json()) == (200, NONE | found)


def test_an_age_ends_now(dogs: TestClient) -> None:
    """As for the commands' --since."""
    since = dogs.get("/api/dogs?since=2h").json()["since"]
    assert abs(time.time() - 7200 - since) < 60


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("bred=hound", "bred is not a parameter of this page; did you mean breed?"),
        ("zzzzzz=1", "it has after, breed, kind, limit, q, since, tab"),
        ("%0A%1b[31m=1", r"\n\x1b[31m is not a parameter"),
        ("q=a&q=b", "q is given twice; give it once"),
        ("tab=a&tab=b", "tab is given twice; give it once"),
        ("limit=0", "limit '0': write 1 or more"),
        ("limit=501", "write 500 or less"),
        ("limit=ten", "limit 'ten': write a whole number"),
        ("since=soon", "since 'soon': write 2026-01-31, 2026-01-31T12:00:00Z, 2h"),
        ("since=99999999999999999999", "since"),
        ("q=a%00b", "NUL"),
        ("q=" + "x" * 1001, "write at most 1000 characters"),
        ("&".join(f"breed={number}" for number in range(61)), "breed: give at most 60 values"),
        ("kind=cat", "kind 'cat': write 'dog' or 'puppy'"),
    ],
)
def test_what_is_refused(dogs: TestClient, query: str, text: str) -> None:
    """In one line that names the parameter and what would be right, for people and for programs."""
    answer = dogs.get(f"/api/dogs?{query}")
    assert (answer.status_code, answer.json()["error"]) == (400, "bad_request")
    message = answer.json()["message"]
    assert text in message
    assert message.isprintable()
    assert len(message) < 400


@pytest.mark.parametrize("path", ["/", "/about", "/static/console.css", "/api/about", "/jobs"])
def test_pages_without_parameters_refuse_all(dogs: TestClient, path: str) -> None:
    """A misspelt filter must not show everything."""
    answer = dogs.get(f"{path}?statuss=FAILED")
    assert answer.status_code == 400
    assert "statuss is not a parameter" in answer.text


def test_paths_are_encoded() -> None:
    """Names hold slashes, and worse."""
    assert path_of("executions", "a/b c?#%é") == "/executions/a%2Fb%20c%3F%23%25%C3%A9"
    assert with_parameters("/x", [("q", "a&b"), ("limit", 5), ("none", None)]) == "/x?q=a%26b&limit=5"
    assert with_parameters("/x", []) == "/x"


def test_readers_follow_the_database(tmp_path: Path, world: Path) -> None:
    """A repaired database takes the place of the old one while the console runs."""
    client = console_client(create_app(ConsoleSettings(data_dir=tmp_path)))
    assert client.get("/api/executions").json()["items"] == []
    for name in ("pupline.sqlite", "pupline.sqlite-wal", "pupline.sqlite-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / "pupline.sqlite").write_bytes((world / "pupline.sqlite").read_bytes())
    assert len(client.get("/api/executions").json()["items"]) > 10
