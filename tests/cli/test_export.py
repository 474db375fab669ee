"""`pupline export` as a user types it: what it prints, its exit codes, and a rebuild from a published list."""

import json
from pathlib import Path
from typing import Any

import pytest

from pupline.cli._export_view import show
from pupline.datasets import ExportReport
from tests.cli.conftest import Command
from tests.shared.batch_world import jpeg
from tests.shared.image_host import image_host


@pytest.fixture(scope="module")
def sample(command: Command, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the dataset `sample`. Only to be read."""
    data = tmp_path_factory.mktemp("sample") / "data"
    assert command("ingest", "sample", "--run-id", "s", "--data", data, "--json").code == 0
    return data


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--shard-size", "5"), "--shard-size goes with --format webdataset"),
        (("--strip-exif", "--format", "csv"), "--strip-exif goes with images; --format csv has none"),
        (("--run", "z"), "the dataset has no run 'z'"),
        (("--with-credentials",), "--with-credentials goes with --list"),
        (("--list", "a.csv", "--split", "80/20"), "--split does not go with --list"),
        (("--list", "a.txt"), "the name ends in .csv, .jsonl or .parquet"),
        (("--split", "80/30"), "add up to 110, not to 100"),
        (("--where", "width >"), "--where: expected a column or a value, found the end"),
        (("--type", "docx"), "images are of the types jpg, png"),
        (("--to", "s3://other/exports/x"), "exports go to a directory, or to s3://dog-images/PREFIX"),
        (("--to", "s3://dog-images/html/x"), "in the bucket, exports go below exports/"),
    ],
)
@pytest.mark.slow
def test_options_that_cannot_work(
    command: Command,
    sample: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: tuple[str, ...],
    message: str,
) -> None:
    """One line, exit code 2, and nothing is written."""
    monkeypatch.chdir(tmp_path)
    done = command("export", "sample", "--data", sample, *words)
    assert (done.code, done.stdout) == (2, "")
    assert message in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_mistyped_dataset_is_an_error(command: Command, sample: Path) -> None:
    """With the name that was meant."""
    done = command("export", "sampel", "--data", sample)
    assert done.code == 2
    assert "sample" in done.stderr


@pytest.mark.slow
def test_a_dry_run_writes_nothing(command: Command, sample: Path, tmp_path: Path) -> None:
    """And says what would be exported."""
    done = command("export", "sample", "--data", sample, "--to", tmp_path / "out", "--dry-run")
    assert done.code == 0
    assert done.stdout.startswith("Would export 12 images of the dataset sample to ")
    none = command("export", "sample", "--data", sample, "--to", tmp_path / "out", "--dry-run", "--label", "unicorn")
    assert none.code == 1
    assert none.stdout.startswith("Would export 0 images of the dataset sample to ")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (" --data d", " resume --data d"),
        (" --backend aws --stack s", "the command that began it, with its --run-id"),
    ],
)
def test_an_unfinished_run_is_told_with_what_finishes_it(
    options: str, wanted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Here for this data directory; `resume` is not for stacks."""
    report = ExportReport(dataset="dogs", format="folders", trouble=("run r is unfinished: 0 of its images are known",))
    show(report, "out", options, dry_run=True)
    assert capsys.readouterr().err.endswith(f"{wanted}\n")


@pytest.mark.slow
def test_lists_and_empty_exports_say_what_they_are(command: Command, sample: Path, tmp_path: Path) -> None:
    """A list has no images; an export for which no image is left was not a dry run."""
    listed = command("export", "sample", "--data", sample, "--list", tmp_path / "l.csv")
    assert listed.stdout.startswith("Listed 12 images (")
    assert "written now" not in listed.stdout
    none = command("export", "sample", "--data", sample, "--to", tmp_path / "o", "--label", "unicorn", "--json")
    assert (none.code, none.rows[0]["dry_run"], none.rows[0]["to"]) == (1, False, str(tmp_path / "o"))


@pytest.mark.slow
@pytest.mark.parametrize("place", [".", "buckets/dog-images/html/sample", "buckets/dog-images/l.csv"])
def test_no_export_is_among_the_files_of_the_data_directory(command: Command, sample: Path, place: str) -> None:
    """It would be taken for images, or replace metadata."""
    option = "--list" if place.endswith(".csv") else "--to"
    done = command("export", "sample", "--data", sample, option, sample / place)
    assert done.code == 2
    assert f"choose another place, such as {sample}/exports/sample" in done.stderr


@pytest.mark.slow
def test_an_export_goes_to_the_data_directory_by_default(command: Command, tmp_path: Path) -> None:
    """Or to the bucket; a doctor finds nothing wrong with either."""
    data = tmp_path / "data"
    command("ingest", "sample", "--run-id", "s", "--data", data, "--json")
    done = command("export", "sample", "--data", data, "--json")
    assert (done.code, done.rows[0]["to"]) == (0, str(data / "exports/sample"))
    assert len(list((data / "exports/sample/train").rglob("*.*g"))) > 5
    done = command("export", "sample", "--data", data, "--to", "s3://dog-images/exports/x", "--format", "csv")
    assert done.code == 0
    assert (data / "buckets/dog-images/exports/x/train.csv").is_file()
    checks = {row["check"]: row["status"] for row in command("doctor", "--data", data, "--json").rows}
    assert "error" not in {checks.get("data directory"), checks.get("database")}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dogs.csv", "dogs.jsonl", "dogs.parquet"])
def test_a_dataset_is_rebuilt_from_its_list(command: Command, tmp_path: Path, name: str) -> None:
    """Elsewhere every image is verified; of three that changed meanwhile, it is told what became of them."""
    bodies = {f"/{number}.jpg": jpeg(number) for number in range(6)}
    with image_host(bodies) as host:
        rows = [
            {"url": f"{host.origin}/{number}.jpg", "license": "CC0", "labels": ["hound", "afghan"], "score": number}
            for number in range(6)
        ]
        (tmp_path / "urls.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        here, there, later = (("--data", tmp_path / name) for name in ("here", "there", "later"))
        ingest = ("--dataset", "dogs", "--allow-origin", host.origin, "--json")
        assert command("ingest", tmp_path / "urls.jsonl", *ingest, *here).code == 0
        published = command("export", "dogs", "--list", tmp_path / name, "--json", *here)
        assert (published.code, published.rows[0]["licenses"]) == (0, {"CC0": 6})

        rebuilt = command("ingest", tmp_path / name, *ingest, *there)
        assert rebuilt.code == 0
        assert {row.get("verification", "verified") for row in rebuilt.rows[:-1]} == {"verified"}
        assert rebuilt.rows[-1]["verified"] == 6
        exported = command("export", "dogs", "--verified-only", "--to", tmp_path / "out", "--json", *there)
        assert (exported.code, exported.rows[0]["images"], exported.rows[0]["labels"]) == (0, 6, {"hound/afghan": 6})
        table = [json.loads(line) for line in (tmp_path / "out/train/metadata.jsonl").read_text().splitlines()]
        assert sorted(int(row["score"]) for row in table) == list(range(6))

        changed: dict[str, Any] = host.bodies  # type: ignore[assignment]
        changed["/0.jpg"] = jpeg(100)
        changed["/1.jpg"] = bodies["/1.jpg"] + b"\0"
        del changed["/2.jpg"]
        told = command("ingest", tmp_path / name, *ingest, *later)
        assert told.code == 1
        assert {result: told.rows[-1][result] for result in ("verified", "changed", "gone")} == {
            "verified": 3,
            "changed": 2,
            "gone": 1,
        }
        assert command("export", "dogs", "--to", tmp_path / "out2", "--json", *later).rows[0]["images"] == 3
