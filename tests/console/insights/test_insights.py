"""Insights: the figures are those of the command, each leads to its list, and they are remembered."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from pupline.console.insights._preview import preview
from pupline.console.insights._store import Counted, FigureStore
from pupline.console.insights._view import bounded, count_figures, ranking
from pupline.console.web import Problem
from pupline.insights import Selection
from tests.cli.conftest import pupline
from tests.shared.console_world import INGEST_RUN


def figures(client: TestClient, query: str = "") -> dict[str, Any]:
    """The figures of the API."""
    answer = client.get(f"/api/insights?{query}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()["figures"]
    return found


@pytest.mark.parametrize("options", [(), ("--dataset", "sample"), ("--run", INGEST_RUN), ("--since", "2026-01-01")])
def test_the_console_and_the_command_have_the_same_figures(
    client: TestClient, world: Path, options: tuple[str, ...]
) -> None:
    """All of them, with the same selection."""
    query = "&".join(
        f"{name.removeprefix('--')}={value}" for name, value in zip(options[::2], options[1::2], strict=True)
    )
    [printed] = pupline("insights", "--json", *options, "--data", world).rows
    assert {**printed, "covers": None} == figures(client, query)
    assert printed["records"] > 0


@pytest.mark.slow
def test_each_figure_leads_to_as_many_records(client: TestClient) -> None:
    """Every link on the page to a list of the audit, of one value: its count is the figure."""
    page = client.get("/insights").text
    found = figures(client)
    for field, name in (("type", "file_types"), ("outcome", "outcomes"), ("reason", "reasons"), ("source", "sources")):
        for value, count in found[name].items():
            href = f"/audit?{field}={value}"
            assert f'href="{href}"' in page, href
            assert client.get(f"/api{href}").json()["count"] == count
    for href in {unescape(href) for href in re.findall(r'href="(/(?:audit|alerts|gallery)[^"]*)"', page)}:
        assert client.get(href).status_code == 200, href


def test_a_span_and_a_dataset_stay_in_the_links(client: TestClient) -> None:
    """So that the list has the records that were counted, and not others of the same value."""
    page = unescape(client.get("/insights?dataset=sample&since=2026-01-01").text)
    assert 'href="/audit?dataset=sample&since=2026-01-01&type=jpg"' in page
    assert f'href="/ingests/{INGEST_RUN}"' in page


@pytest.mark.parametrize(
    ("query", "status"), [("dataset=none", 404), ("run=none", 404), ("since=someday", 400), ("breed=corgi", 400)]
)
def test_what_does_not_exist_or_cannot_be_understood_is_refused(client: TestClient, query: str, status: int) -> None:
    """Never figures of something else."""
    assert client.get(f"/insights?{query}").status_code == client.get(f"/api/insights?{query}").status_code == status


def test_without_records_there_is_a_next_step(client: TestClient, empty_client: TestClient) -> None:
    """In an empty directory, and where nothing matches."""
    assert "pupline run --source sample" in empty_client.get("/insights").text
    assert "No records match" in client.get("/insights?until=2020-01-01").text
    assert figures(empty_client)["records"] == 0


def test_text_from_outside_is_text(client: TestClient) -> None:
    """Names of images and addresses with markup."""
    page = client.get("/insights").text
    assert "onerror=alert(1)" in page
    assert "<img src=x" not in page


def test_the_largest_come_first_and_the_rest_is_one_row() -> None:
    """With shares of the largest, for the bars."""
    found = ranking({"a": 1, "b": 4, "c": 2}, lambda value: f"/{value}", top=2)
    assert [(row.name, row.share, row.href) for row in found.rows] == [("b", 1.0, "/b"), ("c", 0.5, "/c")]
    assert (found.total, found.more, found.more_count) == (7, 1, 1)


# ---- remembering


class Counting:
    """Counts its calls."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, _selection: Selection) -> dict[str, Any]:
        """So many records as there were calls."""
        self.calls += 1
        return {"records": self.calls}


@pytest.fixture
def store(own_world: Path) -> Iterator[tuple[FigureStore, Counting, Path]]:
    """A store over a data directory of its own, what it calls to count, and the database."""
    from pupline.console import ConsoleSettings, create_app

    counting = Counting()
    app = create_app(ConsoleSettings(data_dir=own_world))
    console = app.state.console
    yield FigureStore(console, counting), counting, own_world / "pupline.sqlite"
    console.close()


def test_figures_are_remembered_until_the_data_changes(store: tuple[FigureStore, Counting, Path]) -> None:
    """For each selection; and while data keeps changing, counting takes a tenth of the time at most."""
    figure_store, counting, database = store
    everything, some = Selection(), Selection(since=1.0)
    assert [figure_store.find(one, 10) is not None for one in (everything, everything, some)] == [True] * 3
    assert counting.calls == 2
    database.touch()
    figure_store.find(everything, 10)
    assert counting.calls == 3
    slow = replace(found, seconds=1000.0) if (found := figure_store.find(everything, 10)) else None
    assert slow is not None
    figure_store._known[everything] = slow
    database.touch()
    assert figure_store.find(everything, 10) == slow


@pytest.mark.slow
def test_a_million_records_are_counted_by_the_command(store: tuple[FigureStore, Counting, Path]) -> None:
    """In a process of its own; until it has ended there are no figures, or the older ones."""
    figure_store, counting, database = store
    assert figure_store.find(Selection(), 1_000_000, patience=0) is None
    found = _within(lambda: figure_store.find(Selection(), 1_000_000, patience=1))
    assert (found.figures["records"], counting.calls) == (24, 0)
    database.touch()
    figure_store._known[Selection()] = replace(found, seconds=0.0)
    older = figure_store.find(Selection(), 1_000_000, patience=0)
    assert older is not None
    assert older.figures == found.figures


@pytest.mark.slow
def test_a_count_that_fails_says_so(store: tuple[FigureStore, Counting, Path]) -> None:
    """As an error of the request, not as figures."""
    figure_store, _, _ = store
    with pytest.raises(Problem, match="there is no run 'none'"):
        _within(lambda: figure_store.find(Selection(run="none"), 1_000_000, patience=1))


def test_a_count_without_a_thread_leaves_nobody_waiting(
    store: tuple[FigureStore, Counting, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system starts no thread it fails, and so does the next one, instead of waiting for the first."""

    def no_thread(_self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", no_thread)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="new thread"):
            store[0].find(Selection(), 1_000_000, patience=0)


def _within(find: Callable[[], Counted | None], seconds: float = 30.0) -> Counted:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if (found := find()) is not None:
            return found
    raise AssertionError("it was not counted")


# ---- a stack


def test_a_stack_is_asked_for_a_bounded_part_that_is_named(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the last days, and of so many records; the figures say what they cover."""
    assert isinstance(client.app, FastAPI)
    monkeypatch.setattr("pupline.console.insights._view._STACK_RECORDS", 5)
    with client.app.state.console.reader() as backend:
        monkeypatch.setattr(type(backend.pages), "has_offsets", False)
        chosen = bounded(backend, Selection())
        assert chosen.since is not None
        found = count_figures(backend, Selection())
        assert count_figures(backend, Selection(until=1.0))["covers"] is None
    assert found["records"] == 5
    assert "cover the first 5 records" in str(found["covers"])


# ---- many records


@pytest.mark.parametrize("selection", [Selection(), Selection(run=INGEST_RUN), Selection(since=1_700_006_400.0)])
def test_the_preview_of_many_records_has_the_same_figures(client: TestClient, selection: Selection) -> None:
    """As far as it goes: it shows no figure that changes when all are counted."""
    assert isinstance(client.app, FastAPI)
    with client.app.state.console.reader() as backend:
        shown, counted = preview(backend, selection), count_figures(backend, selection)
    assert shown is not None
    for name in ("records", "alerts", "file_types", "outcomes", "reasons", "breeds", "sources", "duplicates"):
        assert shown[name] == counted[name], name
    days = shown["timeline"]["points"]
    assert sum(day["records"] for day in days) == (shown["records"] if selection.run is None else days[0]["records"])
    assert set(shown) - {"is_preview"} <= set(counted)


def test_while_many_records_are_counted_the_page_shows_the_preview(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a note of what follows, and it asks again by itself; figures that are not known yet are not shown as 0."""
    monkeypatch.setattr(FigureStore, "find", lambda *_: None)
    page = client.get("/insights?run=sample").text
    assert "More is being counted" in page
    assert 'http-equiv="refresh"' in page
    assert 'id="sizes"' not in page
    assert "0 B" not in page
    monkeypatch.setattr("pupline.console.insights._preview._BUDGET_SECONDS", -1.0)
    assert "Counting " in client.get("/insights?run=sample").text
    assert client.get("/api/insights?run=sample").json()["error"] == "counting"
