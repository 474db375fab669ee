"""One run ID, one kind of run: a command of another kind is refused, and changes nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from pupline.backends import MachineBackend, RunRequest, RunSettings
from pupline.bulk import IngestRequest, ingest
from pupline.errors import ConfigurationError
from pupline.local import LocalBackend, NewIngest

INGEST = IngestRequest(source="sample", dataset="sample", count=1, run_id="w", workers=1)
SETTINGS = RunSettings(source="sample")


def workflow_run(data: Path) -> object:
    """`pupline run`."""
    return MachineBackend(data).run(RunRequest(SETTINGS, run_id="w"), lambda _: None)


def workflow_ingest(data: Path) -> object:
    """`pupline ingest --workflow`."""
    request = IngestRequest(source="sample", dataset="sample", count=1, run_id="w")
    return MachineBackend(data).ingest(request, lambda _: None, workflow=True)


def bulk_ingest(data: Path) -> object:
    """`pupline ingest`."""
    return ingest(data, INGEST, lambda _: None)


def open_run(backend: LocalBackend) -> None:
    """As a killed `pupline run` leaves it."""
    backend.runs.open("w", SETTINGS.as_json())


def open_workflow_ingest(backend: LocalBackend) -> None:
    """As a killed `pupline ingest --workflow` leaves it."""
    backend.runs.open("w", INGEST.as_json())


def open_bulk_ingest(backend: LocalBackend) -> None:
    """As a killed `pupline ingest` leaves it."""
    backend.ingests.open(NewIngest(run_id="w", dataset="sample", source="sample", settings=INGEST.as_json()))


RUN = ("a run of the workflow", open_run)
WORKFLOW_INGEST = ("an ingest through the workflow", open_workflow_ingest)
BULK_INGEST = ("a bulk ingest", open_bulk_ingest)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("before", "command"),
    [
        (WORKFLOW_INGEST, workflow_run),
        (BULK_INGEST, workflow_run),
        (RUN, workflow_ingest),
        (BULK_INGEST, workflow_ingest),
        (RUN, bulk_ingest),
        (WORKFLOW_INGEST, bulk_ingest),
    ],
)
def test_a_run_id_of_another_kind_of_run_is_refused(
    tmp_path: Path, before: tuple[str, Callable[[LocalBackend], None]], command: Callable[[Path], object]
) -> None:
    """The message names the kind; no run, item, execution or record is added."""
    kind, prepare = before
    with LocalBackend.open(tmp_path, exclusive=True) as backend:
        prepare(backend)
        runs, ingests = backend.runs.all(), list(backend.ingests.all())
    with pytest.raises(ConfigurationError, match=f"the run 'w' is {kind}; give another --run-id"):
        command(tmp_path)
    with LocalBackend.open(tmp_path, exclusive=False) as backend:
        assert (backend.runs.all(), list(backend.ingests.all())) == (runs, ingests)
        assert list(backend.journal.executions()) == []
        assert backend.audit.count() == 0


@pytest.mark.slow
@pytest.mark.parametrize("before", [RUN, WORKFLOW_INGEST])
def test_a_run_id_that_an_earlier_version_used_twice_still_resumes(
    tmp_path: Path, before: tuple[str, Callable[[LocalBackend], None]]
) -> None:
    """A data directory may have both kinds; each command continues its own."""
    with LocalBackend.open(tmp_path, exclusive=True) as backend:
        before[1](backend)
        open_bulk_ingest(backend)
    command = workflow_run if before is RUN else workflow_ingest
    command(tmp_path)
    with LocalBackend.open(tmp_path, exclusive=False) as backend:
        assert [row.status for row in backend.journal.executions(run_id="w")] == ["SUCCEEDED"]
