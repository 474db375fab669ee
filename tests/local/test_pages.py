"""The console's lists over one machine's database: filters, orders, cursors, counts, facets."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from pupline.errors import NoSuchName
from pupline.local import LocalBackend, LocalPages, NewIngest
from pupline.local.alerts import insert_alert
from pupline.tasks.pages import (
    EXECUTION_ORDERS,
    AlertQuery,
    Count,
    ExecutionQuery,
    Facet,
    InvalidQuery,
    RecordQuery,
)
from pupline.tasks.records import AuditRecord
from tests.local.local_fakes import START, VirtualClock

BASE = AuditRecord(
    image_name="rex.jpg",
    upload_timestamp="2026-01-02T03:04:05.000Z",
    file_type="jpg",
    alert_triggered=False,
    outcome="stored",
    reason="accepted",
    execution="r-00001",
    source="dog-ceo",
    source_url="https://images.example:8443/hound/rex.jpg",
    breed="hound",
)


@dataclass
class World:
    """A data directory with an empty database."""

    backend: LocalBackend
    pages: LocalPages

    def execution(
        self, name: str, status: str = "SUCCEEDED", machine: str = "DogUploaderPipeline", **columns: Any
    ) -> None:
        """An execution, a second after the one before."""
        number = int(self.backend.database.rows("SELECT count(*) FROM executions")[0][0])
        ended = None if status == "RUNNING" else START + number + 0.5
        values = {
            "name": name,
            "run_id": None,
            "run_index": number if columns.get("run_id") else None,
            "digest": machine,
            "input": "{}",
            "status": status,
            "output": None,
            "error": None,
            "cause": None,
            "start_time": START + number,
            "stop_time": ended,
        } | columns

        def work(connection: sqlite3.Connection) -> None:
            insert = "INSERT INTO definitions VALUES (?, ?, 'STANDARD', '{}') ON CONFLICT DO NOTHING"
            connection.execute(insert, (machine, machine))
            marks = ", ".join("?" * len(values))
            connection.execute(f"INSERT INTO executions ({', '.join(values)}) VALUES ({marks})", [*values.values()])  # noqa: S608

        self.backend.database.write(work)

    def of_api(self, name: str, **columns: Any) -> None:
        """An execution that the Step Functions API started."""
        self.execution(name, machine="Orders", **columns)

        def work(connection: sqlite3.Connection) -> None:
            arn = "arn:aws:states:us-east-1:000000000000:stateMachine:Orders"
            values = (arn, "Orders", "STANDARD", "ACTIVE", START, 0, "{}", "role", "{}", None, START)
            marks = ", ".join("?" * len(values))
            connection.execute(f"INSERT INTO state_machines VALUES ({marks}) ON CONFLICT DO NOTHING", values)  # noqa: S608
            connection.execute("INSERT INTO definition_texts VALUES ('t', '{}') ON CONFLICT DO NOTHING")
            connection.execute(
                "INSERT INTO api_executions (execution_id, arn, machine_arn, context, details, text_digest)"
                " SELECT execution_id, name, ?, '{}', '{}', 't' FROM executions WHERE name = ?",
                (arn, name),
            )

        self.backend.database.write(work)

    def names(self, **query: Any) -> list[str]:
        """The names of the executions that match."""
        return [item.row.name for item in self.pages.execution_page(ExecutionQuery(**query)).items]

    def images(self, **query: Any) -> list[str]:
        """The names of the images whose records match."""
        return [item.record.image_name for item in self.pages.record_page(RecordQuery(**query)).items]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """An empty data directory."""
    with LocalBackend.open(tmp_path, exclusive=True, clock=VirtualClock()) as backend:
        yield World(backend, LocalPages(backend.database))


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Executions of each kind: of two runs, of an ingest, of the API. Tests only read it."""
    directory = tmp_path_factory.mktemp("mixed")
    with LocalBackend.open(directory, exclusive=True, clock=VirtualClock()) as backend:
        yield fill(World(backend, LocalPages(backend.database)))


def fill(world: World) -> World:
    """Add the executions."""
    world.backend.runs.open("r", {"source": "dog-ceo"})
    world.backend.runs.open("b", {"source": "urls.txt", "dataset": "dogs"})
    world.execution("r-00001", run_id="r", output=json.dumps({"name": "Zoë"}))
    world.execution("r-00002", "FAILED", run_id="r", error="NotFound", cause="https://x.example/gone.jpg: 404")
    world.execution("r-00003", "RUNNING", run_id="r")
    world.execution("b", run_id="b", input='{"items": 2}', stop_time=START + 500)
    world.of_api("order-1", input='{"order": "Ä1"}')
    world.backend.audit.put_many(
        [
            BASE,
            replace(
                BASE,
                image_name="unknown",
                execution="r-00002",
                outcome="failed",
                reason="not_found",
                source_url="https://x.example/gone.jpg",
                breed=None,
                file_type=None,
            ),
            replace(BASE, image_name="b0.png", execution="b-00000000", file_type="png", alert_triggered=True),
            replace(BASE, image_name="b1.jpg", execution="b-00000001", breed="pug", source="urls.txt"),
        ]
    )
    return world


def test_executions_of_every_kind_are_in_one_list(mixed: World) -> None:
    """Each with its state machine, its kind, its run's source, and its own record; a bulk execution has none."""
    found = {item.row.name: item for item in mixed.pages.execution_page(ExecutionQuery()).items}
    assert {name: (item.kind, item.machine, item.source, item.dataset) for name, item in found.items()} == {
        "order-1": ("api", "Orders", None, None),
        "b": ("ingest", "DogUploaderPipeline", "urls.txt", "dogs"),
        "r-00003": ("run", "DogUploaderPipeline", "dog-ceo", None),
        "r-00002": ("run", "DogUploaderPipeline", "dog-ceo", None),
        "r-00001": ("run", "DogUploaderPipeline", "dog-ceo", None),
    }
    assert found["r-00001"].record == BASE
    assert found["b"].record is None
    assert (found["r-00001"].seconds, found["r-00003"].seconds) == (0.5, None)
    assert mixed.pages.execution_item("b") == found["b"]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"status": ("FAILED", "RUNNING")}, ["r-00003", "r-00002"]),
        ({"machine": ("Orders",)}, ["order-1"]),
        ({"kind": ("ingest", "api")}, ["order-1", "b"]),
        ({"kind": ("run",), "status": ("SUCCEEDED",)}, ["r-00001"]),
        ({"run": ("b",)}, ["b"]),
        ({"source": ("urls.txt",)}, ["b"]),
        ({"dataset": ("dogs",)}, ["b"]),
        ({"error": ("NotFound",)}, ["r-00002"]),
        ({"breed": ("hound",)}, ["r-00001"]),
        ({"type": ("jpg",), "alert": False}, ["r-00001"]),
        ({"outcome": ("failed",)}, ["r-00002"]),
        ({"since": START + 1, "until": START + 3}, ["r-00003", "r-00002"]),
        ({"text": "GONE 404"}, ["r-00002"]),
        ({"text": "zoë"}, ["r-00001"]),
        ({"text": "REX"}, ["r-00001"]),
        ({"text": "Ä1"}, ["order-1"]),
        ({"text": "rex nowhere"}, []),
        ({"order": "oldest", "limit": 2}, ["r-00001", "r-00002"]),
        ({"order": "failed"}, ["r-00002", "order-1", "b", "r-00003", "r-00001"]),
        ({"order": "longest", "limit": 3}, ["r-00003", "b", "order-1"]),
    ],
)
def test_executions_are_filtered_searched_and_ordered(mixed: World, query: dict[str, Any], names: list[str]) -> None:
    """All conditions must match; a word may be anywhere, in any case of ASCII letters, escaped in JSON or not."""
    assert mixed.names(**query) == names
    if "limit" not in query:
        assert mixed.pages.count_executions(ExecutionQuery(**query)) == Count(len(names))


@pytest.mark.parametrize("order", EXECUTION_ORDERS)
def test_pages_lead_to_every_execution_and_back(world: World, order: Any) -> None:
    """Forwards and backwards the pages are the same, and executions that arrive meanwhile move nothing."""
    mixed = fill(world)
    whole = mixed.names(order=order)
    pages, cursor = [], None
    while True:
        page = mixed.pages.execution_page(ExecutionQuery(order=order, limit=2, after=cursor))
        pages.append(page)
        cursor = page.next
        if cursor is None:
            break
        if len(pages) == 1:
            mixed.execution("late", "FAILED", stop_time=START + 3, start_time=START)
    seen = [item.row.name for page in pages for item in page.items]
    assert [name for name in seen if name != "late"] == whole
    back, cursor = pages[-1], pages[-1].previous
    returned = [pages[-1]]
    while cursor is not None:
        back = mixed.pages.execution_page(ExecutionQuery(order=order, limit=2, before=cursor))
        returned.insert(0, back)
        cursor = back.previous
    names = [item.row.name for page in returned for item in page.items]
    assert [name for name in names if name != "late"] == whole


def test_counts_of_executions_stop_at_the_limit(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit the count says that there are more."""
    monkeypatch.setattr("pupline.local.pages._executions.COUNT_LIMIT", 2)
    for number in range(2):
        world.execution(f"e{number}")
    assert world.pages.count_executions(ExecutionQuery()) == Count(2)
    world.execution("e2")
    assert world.pages.count_executions(ExecutionQuery()) == Count(2, is_capped=True)


@pytest.mark.parametrize("cursor", ["", "x", "AAAA", "é", "A" * 5000, "bnVsbA", "////"])
def test_a_cursor_that_is_not_whole_is_refused(mixed: World, cursor: str) -> None:
    """One clear error, whatever is in the link."""
    with pytest.raises(InvalidQuery, match="first page"):
        mixed.pages.execution_page(ExecutionQuery(after=cursor))


def test_a_cursor_of_another_list_or_order_is_refused(mixed: World) -> None:
    """It would lead to an arbitrary place."""
    cursor = mixed.pages.execution_page(ExecutionQuery(limit=1)).next
    with pytest.raises(InvalidQuery):
        mixed.pages.execution_page(ExecutionQuery(order="longest", after=cursor))
    with pytest.raises(InvalidQuery):
        mixed.pages.record_page(RecordQuery(after=cursor))


@pytest.mark.parametrize("wrong", [{"limit": 0}, {"limit": 1001}, {"after": "a", "before": "b"}])
def test_a_page_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    """A limit out of range, or two cursors."""
    with pytest.raises(InvalidQuery):
        RecordQuery(**wrong)


@pytest.mark.parametrize(
    ("query", "images"),
    [
        ({"dataset": ("dogs",)}, ["b1.jpg", "b0.png"]),
        ({"run": ("b", "r")}, ["b1.jpg", "b0.png", "unknown", "rex.jpg"]),
        ({"run": ("r",), "outcome": ("stored", "duplicate")}, ["rex.jpg"]),
        ({"breed": ("pug",)}, ["b1.jpg"]),
        ({"type": ("png",)}, ["b0.png"]),
        ({"alert": True}, ["b0.png"]),
        ({"reason": ("not_found",)}, ["unknown"]),
        ({"host": ("images.example:8443",), "order": "oldest"}, ["rex.jpg", "b0.png", "b1.jpg"]),
        ({"source": ("urls.txt",)}, ["b1.jpg"]),
        ({"execution": ("b-00000001",)}, ["b1.jpg"]),
        ({"text": "HOUND b0"}, ["b0.png"]),
        ({"until": 1_767_323_045.0}, []),
        ({"since": 1_767_323_045.0, "limit": 1}, ["b1.jpg"]),
    ],
)
def test_records_are_filtered_and_searched(mixed: World, query: dict[str, Any], images: list[str]) -> None:
    """Each filter selects; pages, offsets and counts agree."""
    assert mixed.images(**query) == images
    wanted = RecordQuery(**query)
    at = [item.record.image_name for item in mixed.pages.records_at(wanted, 0, wanted.limit)]
    assert at == images
    if "limit" not in query:
        assert mixed.pages.count_records(wanted) == Count(len(images))


def test_a_record_knows_its_run_dataset_host_and_neighbours(mixed: World) -> None:
    """From one image to the next in the order of the list, within its filter."""
    query = RecordQuery(outcome=("stored",))
    newest, middle, oldest = mixed.pages.record_page(query).items
    assert (middle.run, middle.dataset, middle.host) == ("b", "dogs", "images.example:8443")
    assert (oldest.run, oldest.dataset) == ("r", None)
    assert mixed.pages.record_neighbours(query, middle.id) == (newest, oldest)
    assert mixed.pages.record_neighbours(query, newest.id) == (None, middle)
    assert mixed.pages.record_item(oldest.id) == oldest
    for missing in ("99", "x", "-1", "9" * 30):
        with pytest.raises(NoSuchName):
            mixed.pages.record_item(missing)


def test_facets_count_what_the_other_filters_leave(mixed: World) -> None:
    """Most frequent first; the field's own filter is left out, so that others can be chosen."""
    facets = mixed.pages.record_facets
    assert facets(RecordQuery(breed=("pug",)), "breed") == [Facet("hound", 2), Facet("pug", 1), Facet(None, 1)]
    assert facets(RecordQuery(outcome=("stored",)), "dataset") == [Facet("dogs", 2), Facet(None, 1)]
    assert facets(RecordQuery(), "run") == [Facet("b", 2), Facet("r", 2)]
    assert facets(RecordQuery(), "alert") == [Facet("no", 3), Facet("yes", 1)]
    assert facets(RecordQuery(), "host") == [Facet("images.example:8443", 3), Facet("x.example", 1)]
    assert facets(RecordQuery(), "day") == [Facet("2026-01-02", 4)]


def test_a_bulk_run_has_its_dataset(world: World) -> None:
    """Its records belong to executions that exist in the records only."""
    world.backend.ingests.open(NewIngest(run_id="n-1", dataset="cats", source="x", settings={}))
    world.backend.audit.put_many([replace(BASE, execution=f"n-1-{number:08}") for number in range(3)])
    world.backend.audit.put(replace(BASE, execution="n-10-00000001"))
    assert [item.dataset for item in world.pages.record_page(RecordQuery(run=("n-1",))).items] == ["cats"] * 3
    assert world.pages.count_records(RecordQuery(dataset=("cats",))) == Count(3)


def test_alerts_say_why_a_delivery_waits_or_failed(world: World, tmp_path: Path) -> None:
    """Newest first, with deliveries; subscriptions with their counts, a removed one as long as alerts failed there."""
    hook = world.backend.subscriptions.subscribe("webhook", "https://hooks.example/secret")
    gone = world.backend.subscriptions.subscribe("file", str(tmp_path / "alerts.jsonl"))
    world.backend.audit.put(replace(BASE, execution="r-00001"))
    for number in range(3):
        arguments: Any = {
            "TopicArn": "arn:aws:sns:us-east-1:000000000000:png-alert-topic",
            "Message": f"PNG {number}",
            "MessageAttributes": {"image_name": {"DataType": "String", "StringValue": "rex.jpg"}},
        }
        alert = world.backend.topic.prepare(f"r-{number:05}", "c", arguments)
        world.backend.database.write(lambda connection, alert=alert: insert_alert(connection, alert))  # type: ignore[misc]

    def fail(connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE deliveries SET attempts = 2, last_error = 'refused' WHERE alert_id = 1")
        connection.execute("UPDATE deliveries SET delivered_at = 5 WHERE alert_id = 2")

    world.backend.database.write(fail)
    world.backend.subscriptions.unsubscribe(gone.subscription_id)
    page = world.pages.alert_page(AlertQuery(limit=2))
    assert [item.message for item in page.items] == ["PNG 2", "PNG 1"]
    rest = world.pages.alert_page(AlertQuery(limit=2, after=page.next))
    (first,) = rest.items
    assert first.deliveries is not None
    assert [(one.status, one.attempts, one.last_error, one.endpoint) for one in first.deliveries] == [
        ("pending", 2, "refused", "https://hooks.example/***"),
        ("failed", 2, "refused", str(tmp_path / "alerts.jsonl")),
    ]
    assert first.deliveries[0].next_attempt_at == START
    assert page.items[1].record_id == "1"
    assert world.pages.alert_item(first.id) == first
    assert world.pages.count_alerts(AlertQuery(status=("delivered",))) == Count(1)
    assert [item.message for item in world.pages.alert_page(AlertQuery(text="PNG r-00000", run=("r",))).items] == [
        "PNG 0"
    ]
    counted = [(one.protocol, one.delivered, one.pending, one.failed) for one in world.pages.subscriptions()]
    assert counted == [("webhook", 1, 2, 0), ("file", 1, 0, 2)]
    assert world.pages.subscriptions()[0].last_error == "refused"
    assert hook.subscription_id == 1


def test_state_machines_are_those_of_runs_and_of_the_api(mixed: World) -> None:
    """By name, with definition and newest execution."""
    found = mixed.pages.machines()
    assert mixed.pages.machine_names() == ["DogUploaderPipeline", "Orders"]
    assert [(one.name, one.kind, one.last.name if one.last else None, one.running) for one in found] == [
        ("DogUploaderPipeline", "ingest", "b", 1),
        ("Orders", "api", "order-1", 0),
    ]
    assert found[1].arn == "arn:aws:states:us-east-1:000000000000:stateMachine:Orders"
