"""Runs and datasets from their begin to their end: listed, stopped, resumed, discarded, as a user does it."""

import csv
import io
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pupline.bulk import IngestRequest
from pupline.local import DiscardedRun, ListedPage, LocalBackend, NewIngest, RunKind
from pupline.tasks.items import SourceItem
from tests.shared.tiny_web import Said, Site, serving

Command = Callable[..., Any]


@pytest.fixture
def data(command: Command, tmp_path: Path) -> Path:
    """A data directory with a run of each kind, and two datasets with the same images."""
    at = ("--data", tmp_path)
    command("run", "--source", "sample", "--count", 2, "--run-id", "single", *at)
    command("ingest", "sample", "--run-id", "first", "--dataset", "dogs", "--count", 3, *at)
    command("ingest", "sample", "--run-id", "second", "--dataset", "pets", "--count", 3, *at)
    return tmp_path


def unfinished(data: Path, run_id: str, **options: Any) -> None:
    """An ingest that was killed when its list was complete and nothing was fetched."""
    with LocalBackend.open(data, exclusive=True) as backend:
        request = IngestRequest(**{"source": "sample", "dataset": "dogs", "run_id": run_id, **options})
        new = NewIngest(run_id=run_id, dataset="dogs", source=str(request.source), settings=request.as_json())
        row = backend.ingests.open(new)
        items = [SourceItem(url=f"http://sample.pupline.invalid/images/breeds/none/{n}.jpg") for n in range(2)]
        backend.ingests.add_page(row.ingest_id, ListedPage(items, position=None, listed=True))


@pytest.mark.slow
def test_all_runs_are_listed_with_their_state(command: Command, data: Path) -> None:
    """Newest first, of every kind; a filter leaves the others out."""
    unfinished(data, "killed")
    rows = command("runs", "--json", "--data", data).rows
    assert [(row["run"], row["kind"], row["dataset"], row["status"], row["done"]) for row in rows] == [
        ("killed", "ingest", "dogs", "RUNNING", 0),
        ("second", "ingest", "pets", "SUCCEEDED", 3),
        ("first", "ingest", "dogs", "SUCCEEDED", 3),
        ("single", "run", None, "SUCCEEDED", 2),
    ]
    assert rows[0]["next_step"] == f"pupline resume --run killed --data {data}"
    assert rows[0]["listed"] == 2
    assert [row["run"] for row in command("runs", "--dataset", "dogs", "--json", "--data", data).rows] == [
        "killed",
        "first",
    ]
    assert command("runs", "--since", "2099-01-01", "--data", data).stdout == "No runs match.\n"
    shown = command("runs", "--data", data).stdout
    assert "To continue, or to fetch again what failed:" in shown
    found = command("datasets", "--json", "--data", data).rows
    assert [(row["dataset"], row["images"], row["runs"], row["unfinished"]) for row in found] == [
        ("dogs", 3, 2, 1),
        ("pets", 3, 1, 0),
    ]


@pytest.mark.slow
def test_an_unfinished_ingest_is_stopped(command: Command, data: Path) -> None:
    """It has ended, with its files; nothing resumes it by itself, and its name does."""
    unfinished(data, "killed")
    done = command("stop", "killed", "--cause", "the wrong list", "--data", data)
    assert (done.code, done.stdout) == (0, "killed: ABORTED; 0 of 2 images done, which stay, with their files\n")
    [row] = command("runs", "--run", "killed", "--json", "--data", data).rows
    assert (row["status"], row["reason"]) == ("ABORTED", "the wrong list")
    folder = data / "buckets/dog-images/datasets/dogs/runs/killed"
    assert {path.name for path in folder.iterdir()} == {"manifest.jsonl", "failures.jsonl", "summary.json"}
    assert command("stop", "killed", "--data", data).stdout == "killed: has already ended (ABORTED)\n"
    assert "No execution was left unfinished." in command("resume", "--data", data).stderr
    assert command("ingest", "--resume", "--dataset", "dogs", "--data", data).code == 2
    assert command("resume", "--run", "killed", "--data", data).code == 1  # it goes on; its images do not exist
    [row] = command("runs", "--run", "killed", "--json", "--data", data).rows
    assert (row["status"], row["done"]) == ("SUCCEEDED", 2)


@pytest.mark.slow
def test_a_dataset_is_dropped_and_another_keeps_its_images(command: Command, data: Path) -> None:
    """Asked for, never while a run is unfinished; the audit keeps all, and doctor has nothing to say.

    Where a discard was killed, the same command removes what it left, and says what that was.
    """
    at = ("--data", data)
    before = len(command("audit", "--json", *at).rows)
    unfinished(data, "killed")
    refused = command("discard", "--dataset", "dogs", "--yes", *at)
    assert refused.code == 2
    assert "the run 'killed' of the dataset 'dogs' is unfinished" in refused.stderr
    assert command("discard", "killed", "--yes", *at).code == 0
    unasked = command("discard", "--dataset", "dogs", *at)
    assert unasked.code == 2
    assert "confirm with --yes" in unasked.stderr
    [planned] = command("discard", "--dataset", "dogs", "--dry-run", "--json", *at).rows
    assert (planned["runs"], planned["images"], planned["kept"], planned["dry_run"]) == (["first"], 0, 3, True)
    assert command("discard", "--dataset", "dogs", "--yes", *at).code == 0
    assert [row["dataset"] for row in command("datasets", "--json", *at).rows] == ["pets"]
    assert not (data / "buckets/dog-images/datasets/dogs").exists()
    with LocalBackend.open(data, exclusive=True) as backend:  # a discard that is killed when it has begun
        pets = DiscardedRun(
            run_id="second", kind=RunKind.BULK_INGEST, dataset="pets", source="sample", began_at=1.0, is_dataset=True
        )
        backend.discards.begin([pets])
    [planned] = command("discard", "--dataset", "pets", "--yes", "--json", *at).rows
    assert (planned["images"], planned["kept"]) == (2, 1), "one of them is an image of the run single"
    assert len(command("audit", "--json", *at).rows) == before
    assert command("audit", "--run", "first", *at).code == 0
    states = {row["run"]: row["status"] for row in command("runs", "--all", "--json", *at).rows}
    assert states == dict.fromkeys(("killed", "first", "second"), "DISCARDED") | {"single": "SUCCEEDED"}
    again = command("ingest", "sample", "--run-id", "first", *at)
    assert (again.code, "was discarded" in again.stderr) == (2, True)
    checks = command("doctor", "--source", "sample", "--json", *at).rows
    assert {row["status"] for row in checks} == {"ok"}


@pytest.mark.slow
def test_the_audit_as_csv_has_no_formula(command: Command, data: Path) -> None:
    """A line for each record, all fields, CRLF; text that a spreadsheet would compute has an apostrophe before it."""
    with LocalBackend.open(data, exclusive=True) as backend:
        backend.database.write(
            lambda connection: connection.execute(
                "UPDATE audit SET cause = '=HYPERLINK(\"http://x\";\"a\nb\")' WHERE execution = 'single-00001'"
            )
        )
    printed = command("audit", "--run", "single", "--csv", "--data", data).stdout
    rows = list(csv.DictReader(io.StringIO(printed, newline="")))
    assert [row["execution"] for row in rows] == ["single-00001", "single-00002"]
    assert rows[0]["cause"] == '\'=HYPERLINK("http://x";"a\\nb")'
    assert rows[0]["alert_triggered"] in {"true", "false"}
    assert len(printed.splitlines()) == 3


@pytest.mark.slow
def test_a_source_that_is_not_there_leaves_no_ghost(command: Command, tmp_path: Path) -> None:
    """Refused or 404: the run has failed, says why, and the next command begins another one."""
    at = ("--data", tmp_path)
    done = command("ingest", "http://127.0.0.1:1/api", "--dataset", "dogs", *at)
    assert done.code == 1
    [row] = command("runs", "--json", *at).rows
    assert (row["status"], row["done"]) == ("FAILED", 0)
    assert row["reason"].startswith("ConnectionFailed: http://127.0.0.1:1/api/breeds/list/all: no connection")
    assert command("resume", *at).code == 0
    assert command("ingest", "sample", "--dataset", "dogs", "--count", 1, *at).code == 0
    assert command("discard", "--dataset", "dogs", "--yes", *at).code == 0


@pytest.mark.slow
def test_every_hint_works_as_it_stands(command: Command, tmp_path: Path) -> None:
    """At the end of a run and in the list of runs, whatever the names of the directory and the dataset."""
    at = ("--data", tmp_path / "my dogs' data")
    done = command("ingest", "sample-hostile", "--dataset", "hündchen-1", "--run-id", "first", *at)
    listed = command("runs", *at)
    hints = [line.strip() for line in (*done.stdout.splitlines(), *listed.stdout.splitlines()) if "--data" in line]
    assert len(hints) == 5, hints
    for hint in hints:
        words = shlex.split(hint)[1:]
        again = command(*words)
        assert again.code in {0, 1}, (hint, again.stderr)
        assert again.stdout, hint


@pytest.mark.slow
def test_a_mistyped_name_is_said_with_the_one_that_was_meant(command: Command, tmp_path: Path) -> None:
    """Also where the name might be that of an execution or a run, and where a dataset's run is to be resumed."""
    unfinished(tmp_path, "killed")
    doctor = command("doctor", "--source", "sample", "--json", "--data", tmp_path)
    assert f"pupline resume --run killed --data {tmp_path}" in doctor.stdout
    stopped = command("stop", "kiled", "--data", tmp_path)
    assert stopped.code == 2
    assert "there is no execution or run 'kiled' here" in stopped.stderr
    assert "did you mean 'killed'?" in stopped.stderr
    resumed = command("ingest", "--resume", "--dataset", "dog", "--data", tmp_path)
    assert (resumed.code, resumed.stderr) == (2, "pupline: there is no dataset 'dog'; did you mean 'dogs'?\n")


@pytest.mark.slow
def test_refused_images_are_asked_for_again_as_the_last_lines_say(command: Command, tmp_path: Path) -> None:
    """With every origin that has to be allowed; nothing is said where no option allows an image."""
    said = "Nothing failed in the run refused. Refused images are asked for again"
    with serving(Site({"/a.jpg": Said(b"a")})) as one, serving(Site({"/b.jpg": Said(b"b")})) as two:
        urls = tmp_path / "urls.txt"
        urls.write_text(f"{one.origin}/a.jpg\n{two.origin}/b.jpg\n")
        done = command("ingest", urls, "--run-id", "refused", "--data", tmp_path / "data")
        assert said in command("ingest", "--retry-failed", "refused", "--data", tmp_path / "data").stderr
        (line,) = [line for line in done.stdout.splitlines() if "--retry-failed" in line]
        again = command(*shlex.split(line.partition(": ")[2])[1:], "--json")
    assert {row["outcome"] for row in again.rows[:-1]} == {"quarantined"}
    nothing = command("ingest", "--retry-failed", again.rows[-1]["run"], "--data", tmp_path / "data")
    assert nothing.stderr.splitlines()[-1] == f"Nothing failed in the run {again.rows[-1]['run']}."
    urls.write_text("ftp://127.0.0.1/a.jpg\n")
    refused = command("ingest", urls, "--data", tmp_path / "other")
    assert "--retry-failed" not in refused.stdout
