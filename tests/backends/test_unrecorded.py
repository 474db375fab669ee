"""Executions that ended without passing the state that records them get their record all the same."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pupline.backends import ExecutionResult, RunRequest, RunSettings, WorkflowRunner
from pupline.backends.machine._unrecorded import Unrecorded, count_unrecorded
from pupline.local import LocalBackend
from pupline.tasks.records import UNKNOWN_IMAGE, AuditRecord

pytestmark = pytest.mark.slow

COUNT = 12
RUN = RunRequest(RunSettings(source="sample"), COUNT, run_id="r")


def run(data: Path, request: RunRequest = RUN, *, redrive: tuple[str, ...] = ()) -> list[ExecutionResult]:
    """The command, or a redrive of these; what was told of each execution."""
    heard: list[ExecutionResult] = []

    def listen(event: object) -> None:
        if isinstance(event, ExecutionResult):
            heard.append(event)

    with WorkflowRunner.open(data, 4, listen) as machine:
        if redrive:
            machine.redrive(redrive)
        else:
            machine.run(request)
    return heard


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with a run that has ended well."""
    data = tmp_path_factory.mktemp("whole") / "data"
    run(data)
    return data


@pytest.fixture
def data(whole: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    copy = tmp_path / "data"
    for path in whole.rglob("*"):
        if path.is_file():
            (copy / path.relative_to(whole)).parent.mkdir(parents=True, exist_ok=True)
            (copy / path.relative_to(whole)).write_bytes(path.read_bytes())
    return copy


def records(data: Path) -> dict[str, AuditRecord]:
    """The only record of each execution; times, and where the data directory is, left out."""
    with LocalBackend.open(data, exclusive=False) as backend:
        found = list(backend.audit.records())
    by_name = {record.execution: replace(record, upload_timestamp="", image_url=None) for record in found}
    assert len(by_name) == len(found)
    return by_name


def cut(data: Path, status: str, facts: int, error: str | None = None) -> None:
    """Have every execution end like this after so many facts, as if the rest had never been; alerts that were, are."""

    with LocalBackend.open(data, exclusive=True) as backend:
        statements = [
            ("DELETE FROM facts WHERE seq >= ?", (facts,)),
            ("DELETE FROM audit", ()),
            ("UPDATE executions SET status = ?, error = ?, output = NULL", (status, error)),
        ]
        if status == "ABORTED":
            told = json.dumps({"fact": "ExecutionAborted", "error": error, "cause": None})
            insert = (
                "INSERT INTO facts (execution_id, seq, now, fact)"
                " SELECT e.execution_id, coalesce(max(f.seq) + 1, 0), e.start_time, ?"
                " FROM executions AS e LEFT JOIN facts AS f USING (execution_id) GROUP BY e.execution_id"
            )
            statements.append((insert, (told,)))
        for statement, values in statements:
            backend.database.write(lambda connection, s=statement, v=values: connection.execute(s, v).rowcount)  # type: ignore[misc]
        assert count_unrecorded(backend.database) == COUNT


@pytest.mark.slow
@pytest.mark.parametrize("status", ["TIMED_OUT", "ABORTED", "FAILED"])
@pytest.mark.parametrize("facts", [0, 1, 2])
def test_every_object_has_its_record(data: Path, status: str, facts: int) -> None:
    """However far it came: the image as it was recorded, with what was alerted by then; else how it ended."""
    before = records(data)
    cut(data, status, facts)
    heard = run(data)
    after = records(data)
    assert after.keys() == before.keys()
    for name, record in after.items():
        was = before[name]
        if record.sha256 is None:
            # Of a duplicate, whose object is another execution's, only the function's answer could have told.
            assert was.outcome not in ("stored", "quarantined")
            assert (record.outcome, record.alert_triggered) == ("failed", False) or record.error == was.error
            assert record.reason in {was.reason, _REASONS[status]}
        else:
            assert was.alert_triggered or not record.alert_triggered
            assert record.content_type in (was.content_type, None)
            same = replace(record, alert_triggered=was.alert_triggered, alert_sent=was.alert_sent)
            assert replace(same, content_type=was.content_type) == was
    assert {result.execution: result.record and result.record.outcome for result in heard} == {
        name: record.outcome for name, record in after.items()
    }
    run(data)
    assert records(data) == after


_REASONS = {"TIMED_OUT": "timeout", "ABORTED": "stopped", "FAILED": "internal_error"}


def test_what_was_alerted_is_recorded_as_alerted(data: Path) -> None:
    """Ended after its alert was published: the record says so, as the workflow's own would have."""
    before = records(data)
    with LocalBackend.open(data, exclusive=False) as backend:
        journal = backend.journal
        facts = {name: list(journal.facts(journal.get(name).execution_id)) for name in before}
    published = {name: len(told) - 1 for name, told in facts.items() if before[name].alert_sent}
    assert published
    with LocalBackend.open(data, exclusive=True) as backend:
        for name, length in published.items():
            number = backend.journal.get(name).execution_id
            for statement in (
                f"DELETE FROM facts WHERE execution_id = {number} AND seq >= {length}",  # noqa: S608
                f"DELETE FROM audit WHERE execution = '{name}'",  # noqa: S608
                f"UPDATE executions SET status = 'TIMED_OUT', output = NULL WHERE execution_id = {number}",  # noqa: S608
            ):
                backend.database.write(lambda connection, s=statement: connection.execute(s).rowcount)  # type: ignore[misc]
    run(data)
    assert records(data) == before


def test_a_redrive_gives_the_record_that_the_workflow_writes(data: Path) -> None:
    """The one that was written meanwhile is withdrawn: one execution has one record, under the image's name."""
    before = records(data)
    cut(data, "ABORTED", 0, "Operator")
    with WorkflowRunner.open(data, 1, lambda _: None):
        assert len(records(data)) == COUNT
    run(data, redrive=tuple(before))
    after = records(data)
    stored = {name for name, record in before.items() if record.sha256}
    assert {name: after[name] for name in stored} == {name: before[name] for name in stored}
    assert after.keys() == before.keys()


def test_a_redrive_that_is_refused_leaves_the_record(data: Path) -> None:
    """A journal that no longer fits: the execution stays as it ended, with the record that tells of its object."""
    cut(data, "ABORTED", 0)
    with LocalBackend.open(data, exclusive=True) as backend:
        strange = json.dumps({"fact": "TaskSucceeded", "id": "Nobody@1#0", "output": {}})
        backend.database.write(lambda connection: connection.execute("UPDATE facts SET fact = ?", (strange,)).rowcount)
    with WorkflowRunner.open(data, 1, lambda _: None) as machine:
        before = records(data)
        assert len(machine.redrive(before).refused) == COUNT
    assert records(data) == before


def test_a_redrive_keeps_what_the_workflow_has_recorded(tmp_path: Path) -> None:
    """An execution that was handled and recorded before it failed keeps that record, and gets no other."""
    run(tmp_path, RunRequest(RunSettings(image_url="http://169.254.169.254/a.jpg"), 1, run_id="r"))
    [record] = records(tmp_path).values()
    run(tmp_path, redrive=("r-00001",))
    assert records(tmp_path) == {"r-00001": record}


def test_an_object_that_a_late_function_stored_is_recorded_at_the_next_start(data: Path) -> None:
    """Stopped while its function stored: recorded as stopped; then the object was there, and the record tells of it."""
    before = records(data)
    cut(data, "ABORTED", 0)
    with LocalBackend.open(data, exclusive=True) as backend:
        backend.database.write(lambda connection: connection.execute("UPDATE objects SET state = 'writing'").rowcount)
        Unrecorded(backend).record_all()
        assert {record.outcome for record in backend.audit.records()} == {"failed"}
        assert {record.reason for record in backend.audit.records()} == {"stopped"}
        backend.database.write(lambda connection: connection.execute("UPDATE objects SET state = 'stored'").rowcount)
    run(data)
    after = records(data)
    owned = {name: was.sha256 for name, was in before.items() if was.outcome in ("stored", "quarantined")}
    assert {name: after[name].sha256 for name in owned} == owned


def test_an_object_whose_file_is_gone_is_no_image(data: Path) -> None:
    """Nothing is recorded as stored that is not there."""
    cut(data, "TIMED_OUT", 0)
    for path in (data / "buckets").rglob("*"):
        if path.is_file():
            path.unlink()
    run(data)
    assert {(record.outcome, record.reason) for record in records(data).values()} == {("failed", "timeout")}


def test_what_the_journal_cannot_tell_is_told_by_the_object(data: Path) -> None:
    """A journal that no longer fits: the object's own bytes say what it is."""
    before = records(data)
    cut(data, "ABORTED", 1)
    with LocalBackend.open(data, exclusive=True) as backend:
        strange = json.dumps({"fact": "TaskSucceeded", "id": "Nobody@1#0", "output": {}})
        update = "UPDATE facts SET fact = ?"
        backend.database.write(lambda connection: connection.execute(update, (strange,)).rowcount)
    run(data)
    after = records(data)
    owned = {name: was.sha256 for name, was in before.items() if was.outcome in ("stored", "quarantined")}
    assert {name: after[name].sha256 for name in owned} == owned
    unknown = [record for record in after.values() if record.sha256 is None]
    assert {(record.image_name, record.reason) for record in unknown} == {(UNKNOWN_IMAGE, "stopped")}


def test_a_damaged_row_keeps_nobody_from_their_record(data: Path) -> None:
    """Inputs that are no JSON any more: each object is recorded all the same, and the command goes on."""
    before = records(data)
    cut(data, "TIMED_OUT", 0)
    with LocalBackend.open(data, exclusive=True) as backend:
        update = "UPDATE executions SET input = '{\x7f'"
        backend.database.write(lambda connection: connection.execute(update).rowcount)
    run(data)
    after = records(data)
    owned = {name: was.sha256 for name, was in before.items() if was.outcome in ("stored", "quarantined")}
    assert {name: after[name].sha256 for name in owned} == owned
    assert after.keys() == before.keys()
