"""The audit's pages and API: what is filtered is what is shown, counted and exported."""

import asyncio
import csv
import io
import json
from collections.abc import Iterator
from typing import Any
from unittest import mock

import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from fastapi.testclient import TestClient

from pupline.console.audit._export import Exports
from pupline.console.audit._filters import ExportFilters
from pupline.console.web import Problem
from pupline.errors import StorageError
from pupline.tasks.record_files import RECORD_COLUMNS
from pupline.tasks.records import AuditRecord
from tests.shared.console_world import ALERTED, FAILED, INGEST_RUN, QUARANTINED, SUCCEEDED


def records(client: TestClient, query: str = "") -> list[dict[str, Any]]:
    """All records that the API has for this query."""
    found, after = [], ""
    while True:
        answer = client.get(f"/api/audit?limit=10&{query}{after}")
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        if answer.json()["next"] is None:
            return found
        after = f"&after={answer.json()['next']}"


def test_pages_of_the_api_are_the_records_of_the_command(client: TestClient) -> None:
    """Every record once over all pages, with every field that `pupline audit --json` prints."""
    found = records(client, "order=oldest")
    assert all(set(RECORD_COLUMNS) <= set(one) for one in found)
    assert len({one["id"] for one in found}) == len(found) == client.get("/api/audit").json()["count"]
    assert {SUCCEEDED, ALERTED, FAILED, QUARANTINED} <= {one["execution"] for one in found}


@pytest.mark.parametrize(
    ("query", "holds"),
    [
        ("outcome=failed&outcome=quarantined", lambda one: one["outcome"] in {"failed", "quarantined"}),
        ("type=png&alert=yes", lambda one: one["file_type"] == "png" and one["alert_triggered"]),
        (f"run={INGEST_RUN}", lambda one: one["run"] == INGEST_RUN),
        (f"execution={FAILED}", lambda one: one["execution"] == FAILED),
        ("q=ONERROR", lambda one: "onerror" in one["image_name"]),
    ],
)
def test_filters_hold_for_every_record_and_for_no_other(client: TestClient, query: str, holds: Any) -> None:
    """On the API; the page has as many rows, and a chip for each filter that lifts it."""
    found = records(client, query)
    assert [one["id"] for one in found] == [one["id"] for one in records(client) if holds(one)]
    assert found
    page = client.get(f"/audit?{query}").text
    assert page.count("<tr data-row") == len(found)
    assert page.count('class="filter-chip"') == len(query.split("&"))


@pytest.mark.parametrize(
    "query", ["outcome=lost", "nothing=1", "since=someday", "alert=maybe", "order=best", "after=x"]
)
def test_what_cannot_be_understood_is_refused(client: TestClient, query: str) -> None:
    """A page and an API answer that say what is wrong; never a list that ignores it."""
    page, answer = client.get(f"/audit?{query}"), client.get(f"/api/audit?{query}")
    assert (page.status_code, answer.status_code) == (400, 400)
    assert answer.json()["message"]


def test_facets_count_what_the_other_filters_select(client: TestClient) -> None:
    """So that a menu shows what else there is to choose."""
    values = client.get("/api/audit/facets?field=outcome&outcome=failed").json()["values"]
    found = records(client)
    assert {one["value"]: one["count"] for one in values} == {
        outcome: sum(one["outcome"] == outcome for one in found) for outcome in {one["outcome"] for one in found}
    }
    assert "/audit?outcome=quarantined" in client.get("/audit").text


def test_a_record_has_a_page_with_all_its_fields(client: TestClient) -> None:
    """And links to its execution, image, source and alert; text from outside is text."""
    [one] = records(client, f"execution={ALERTED}")
    page = client.get(one["href"]).text
    for name in RECORD_COLUMNS:
        assert name in page or name in {"width", "height"}
    for link in (f"/executions/{ALERTED}", f"/gallery/{one['id']}", "/sources/sample", "/alerts/"):
        assert f'href="{link}' in page
    [hostile] = records(client, "q=onerror&outcome=stored")
    assert "<img src=x" not in client.get(hostile["href"]).text
    assert client.get("/audit/999999").status_code == client.get("/api/audit/999999").status_code == 404


def test_an_empty_audit_says_what_to_do(empty_client: TestClient) -> None:
    """A next step instead of an empty table."""
    assert "pupline run --source sample" in empty_client.get("/audit").text
    assert empty_client.get("/api/audit").json()["items"] == []
    assert empty_client.get("/audit/export?format=csv").text == ",".join(RECORD_COLUMNS) + "\r\n"


# ---- export


@pytest.mark.parametrize("path", ["/audit/export", "/api/audit/export"])
def test_exports_have_exactly_what_is_filtered(client: TestClient, path: str) -> None:
    """In every format the same records, oldest first, as a download."""
    wanted = [one["execution"] for one in records(client, "alert=yes&order=oldest")]
    lines = client.get(f"{path}?format=jsonl&alert=yes")
    assert [json.loads(line)["execution"] for line in lines.text.splitlines()] == wanted
    assert set(json.loads(lines.text.splitlines()[0])) == set(RECORD_COLUMNS)
    table = client.get(f"{path}?format=csv&alert=yes")
    assert [row["execution"] for row in csv.DictReader(io.StringIO(table.text, newline=""))] == wanted
    assert table.headers["content-disposition"].endswith('.csv"')
    parquet = pytest.importorskip("pyarrow.parquet")
    body = client.get(f"{path}?format=parquet&alert=yes").content
    assert parquet.read_table(io.BytesIO(body)).column("execution").to_pylist() == wanted


def test_without_pyarrow_parquet_is_refused_in_one_line(client: TestClient) -> None:
    """A 4xx that says what to install, and no file."""
    with mock.patch("pupline.console.audit._export.why_unavailable", return_value="Parquet needs an extra package"):
        answer = client.get("/api/audit/export?format=parquet")
    assert (answer.status_code, answer.json()["error"]) == (422, "parquet_unavailable")
    assert client.get("/api/audit/export?format=xlsx").status_code == 400


@pytest.fixture
def exports(client: TestClient) -> Exports:
    """Exports over the sample data directory."""
    assert isinstance(client.app, FastAPI)
    return Exports(client.app.state.console)


def test_exports_at_the_same_time_are_bounded_and_places_come_back(exports: Exports) -> None:
    """More are told to come later; a client that leaves in the middle gives its place back."""
    bodies: list[Any] = [exports.response(ExportFilters(format="csv")) for _ in range(4)]
    with pytest.raises(Problem) as refused:
        exports.response(ExportFilters(format="csv"))
    assert refused.value.status == 503
    del bodies
    assert exports.response(ExportFilters(format="csv"))


def test_a_failing_export_never_looks_complete(client: TestClient, exports: Exports) -> None:
    """An error after the first page breaks the response off; before it, it is a plain error."""

    def failing(*_: object) -> Iterator[list[AuditRecord]]:
        yield []
        raise StorageError("the disk is gone")

    async def drain(body: StreamingResponse) -> None:
        async for _ in body.body_iterator:
            pass

    with mock.patch.object(Exports, "_pages", failing), pytest.raises(StorageError):
        asyncio.run(drain(exports.response(ExportFilters(format="jsonl"))))
    with mock.patch("pupline.local.pages._records.RecordPages.page", side_effect=StorageError("the disk is gone")):
        assert client.get("/api/audit/export?format=jsonl").status_code == 503
