"""What a look at a data directory sees of the work of others."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from pupline.local import DATA_TOPICS, DATABASE_NAME, Changes, LocalBackend


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """An empty data directory with one running execution, `one`."""
    LocalBackend.open(tmp_path, exclusive=False, create=True).close()
    change(
        tmp_path,
        "INSERT INTO definitions VALUES ('d', 'M', 'STANDARD', '{}')",
        "INSERT INTO executions (name, digest, input, start_time) VALUES ('one', 'd', '{}', 1)",
    )
    return tmp_path


@pytest.fixture
def changes(data_dir: Path) -> Iterator[Changes]:
    """A watch that has looked once."""
    with closing(Changes(data_dir)) as found:
        assert found.look() == DATA_TOPICS
        yield found


def change(data_dir: Path, *statements: str) -> None:
    """Commit a change as another process does."""
    with closing(sqlite3.connect(data_dir / DATABASE_NAME)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


_RECORD = (
    "INSERT INTO audit (image_name, execution, upload_timestamp, alert_triggered, outcome, reason, alert_reasons)"
    " VALUES ('a.png', 'one', '2026-01-31T12:00:00.000Z', 0, 'stored', 'accepted', '[]')"
)
_ALERT = "INSERT INTO alerts VALUES (1, 'm', 'one', 'c', 't', NULL, 'text', '{}', 1)"
_SUBSCRIPTION = "INSERT INTO subscriptions VALUES (1, 'console', '', 1, NULL)"
_DELIVERY = "INSERT INTO deliveries (alert_id, subscription_id, next_attempt_at) VALUES (1, 1, 1)"
_INGEST = "INSERT INTO ingests (run_id, dataset, source, settings, created_at) VALUES ('r', 'd', 's', '{}', 1)"


@pytest.mark.parametrize(
    ("statement", "topics"),
    [
        ("INSERT INTO executions (name, digest, input, start_time) VALUES ('two', 'd', '{}', 2)", {"executions"}),
        ("INSERT INTO facts (execution_id, seq, now, fact) VALUES (1, 0, 1, '{}')", {"executions", "execution:one"}),
        ("UPDATE executions SET status = 'FAILED', stop_time = 2", {"executions", "execution:one"}),
        (_INGEST, {"ingests"}),
        (_RECORD, {"records", "executions", "ingests", "execution:one"}),
        (_ALERT, {"alerts", "executions", "execution:one"}),
    ],
)
def test_a_look_names_what_has_changed(changes: Changes, data_dir: Path, statement: str, topics: set[str]) -> None:
    """Once, and nothing while nothing changes."""
    assert changes.look(["one"]) == set()
    change(data_dir, statement)
    assert changes.look(["one"]) == topics
    assert changes.look(["one"]) == set()


def test_deliveries_belong_to_alerts(changes: Changes, data_dir: Path) -> None:
    """Each attempt, and the end of them."""
    changes.look(["one"])
    change(data_dir, _ALERT, _SUBSCRIPTION, _DELIVERY)
    assert changes.look(["one"]) == {"alerts", "executions", "execution:one"}
    for statement in (
        "UPDATE deliveries SET attempts = 1, next_attempt_at = 9, last_error = 'no answer'",
        "UPDATE deliveries SET delivered_at = 10",
    ):
        change(data_dir, statement)
        assert changes.look(["one"]) == {"alerts", "executions", "execution:one"}


def test_a_change_that_no_topic_explains_is_one_of_all(changes: Changes, data_dir: Path) -> None:
    """A prune, say: better one refresh too many than one too few."""
    change(data_dir, "INSERT INTO memo VALUES ('a', 'b')")
    assert changes.look() == DATA_TOPICS


def test_another_file_in_its_place_is_a_change(changes: Changes, data_dir: Path) -> None:
    """As after a repair; a directory whose file is gone has nothing to show."""
    path = data_dir / DATABASE_NAME
    kept = path.rename(data_dir / "kept")
    assert changes.look() == set()
    path.write_bytes(kept.read_bytes())
    assert changes.look() == DATA_TOPICS
    assert changes.look() == set()


def test_an_execution_that_comes_later(changes: Changes) -> None:
    """One that does not exist has not changed."""
    assert changes.look(["nothing"]) == set()


@pytest.mark.parametrize("trace", [_RECORD, _ALERT, "INSERT INTO memo VALUES ('a', 'b')"])
def test_a_redriven_execution_is_seen_after_it_has_ended(changes: Changes, data_dir: Path, trace: str) -> None:
    """Also where it began and ended between two looks."""
    change(data_dir, "UPDATE executions SET status = 'FAILED', stop_time = 2")
    changes.look(["one"])
    change(
        data_dir,
        "INSERT INTO facts (execution_id, seq, now, fact) VALUES (1, 0, 1, '{}')",
        trace,
        "UPDATE executions SET status = 'SUCCEEDED', stop_time = 3",
    )
    assert {"executions", "execution:one"} <= changes.look(["one"])
