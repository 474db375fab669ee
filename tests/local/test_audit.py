"""The queries over the audit records."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pupline.local import AuditQuery, LocalBackend
from pupline.local.tables import LocalAuditTable
from pupline.tasks.records import AuditRecord

BASE = AuditRecord(
    image_name="rex.jpg",
    upload_timestamp="2026-01-02T03:04:05Z",
    file_type="jpg",
    alert_triggered=False,
    outcome="stored",
    reason="accepted",
    execution="run-00001",
)


@pytest.fixture
def table(tmp_path: Path) -> Iterator[LocalAuditTable]:
    """An empty audit table."""
    with LocalBackend.open(tmp_path, exclusive=True) as backend:
        yield backend.audit


@pytest.mark.slow
def test_records_come_by_time_whatever_the_order_they_were_put_in(table: LocalAuditTable) -> None:
    """Oldest first, over more than one page, none twice and none left out."""
    times = [f"2026-01-02T03:{number // 60 % 60:02}:{number % 60:02}Z" for number in range(1200)]
    for number, time in reversed(list(enumerate(times))):
        table.put(replace(BASE, execution=f"run-{number:05}", upload_timestamp=time))
    assert [record.execution for record in table.records()] == [f"run-{number:05}" for number in range(1200)]
    assert table.count() == 1200


def test_each_filter_selects_and_all_must_match(table: LocalAuditTable) -> None:
    """Outcome, type, execution, alert and time each narrow the answer."""
    one = table.put(BASE)
    two = table.put(
        replace(BASE, execution="run-00002", outcome="quarantined", reason="damaged_image", alert_triggered=True)
    )
    three = table.put(
        replace(
            BASE, execution="run-00003", file_type="png", alert_triggered=True, upload_timestamp="2026-01-03T00:00:00Z"
        )
    )
    assert list(table.records(AuditQuery(outcome="stored"))) == [one, three]
    assert list(table.records(AuditQuery(file_type="png"))) == [three]
    assert list(table.records(AuditQuery(execution="run-00002"))) == [two]
    assert list(table.records(AuditQuery(alerts_only=True))) == [two, three]
    assert list(table.records(AuditQuery(since="2026-01-03T00:00:00Z"))) == [three]
    assert list(table.records(AuditQuery(until="2026-01-03T00:00:00Z", alerts_only=True))) == [two]


def test_a_record_is_replaced_or_removed(table: LocalAuditTable) -> None:
    """The execution has the new record alone, or none; records of others stay."""
    other = table.put(replace(BASE, execution="run-00002"))
    for name in ("rex.jpg", "ben.jpg"):
        table.put(replace(BASE, image_name=name))
    new = replace(BASE, image_name="max.jpg", outcome="failed", reason="not_found")
    table.replace(BASE.execution, new)
    assert [record.image_name for record in table.records(AuditQuery(execution=BASE.execution))] == ["max.jpg"]
    assert table.count() == 2
    table.replace(BASE.execution, None)
    assert (list(table.records()), table.count()) == ([other], 1)


def test_figure_rows_are_the_records_in_fewer_columns(table: LocalAuditTable) -> None:
    """The same values in the same order, so that figures do not depend on which of the two they count."""
    table.put(replace(BASE, alert_triggered=True, alert_sent=False, alert_reasons=("a", "b"), breed="corgi", width=3))
    table.put(replace(BASE, execution="run-00002", outcome="failed", reason="timeout", file_type=None, error="E"))
    for record, row in zip(table.records(), table.figure_rows(), strict=True):
        assert {name: getattr(record, name) for name in row._fields} == row._asdict()
    assert [row.execution for row in table.figure_rows(AuditQuery(run="run"))] == ["run-00001", "run-00002"]


def test_half_a_surrogate_pair_does_not_stop_a_record(table: LocalAuditTable) -> None:
    """Text that cannot be written as UTF-8, as JSON from outside may bring, is kept as far as it can be."""
    assert table.put(replace(BASE, cause="bad \ud83d end")).execution == "run-00001"
    [found] = table.records(AuditQuery(execution="run-00001"))
    assert found.cause == "bad ? end"


def test_records_of_one_run_come_in_the_order_of_its_images(table: LocalAuditTable) -> None:
    """Page by page, whatever their times; not those of runs whose id begins, or ends, like it."""
    names = [f"run-{number:08}" for number in range(1100)]
    others = ["run-00000001-00000001", "ru-00000001", "run2-00000001", "my-run-00000001", "run-x"]
    table.put_many([replace(BASE, execution=name) for name in others])
    late = [
        replace(BASE, execution=name, upload_timestamp=f"2026-01-02T03:04:{n % 60:02}Z") for n, name in enumerate(names)
    ]
    table.put_many(late)
    assert [record.execution for record in table.records(AuditQuery(run="run"))] == names
    assert len(list(table.records(AuditQuery(run="run", until="2026-01-02T03:04:30Z")))) == 560
    assert [record.execution for record in table.records(AuditQuery(run="my-run"))] == ["my-run-00000001"]
    assert list(table.records(AuditQuery(run="nobody"))) == []
