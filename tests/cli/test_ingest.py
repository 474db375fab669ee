"""`pupline ingest` on the sample sources: what it prints for people and for programs, and its exit codes."""

import gzip
import json
import os
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.shared.tiny_web import Said, Site, serving

pytestmark = pytest.mark.slow

Run = Callable[..., Any]
GIF = b"GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02\x4c\x01\0;"

FIELDS = [
    "execution", "status", "outcome", "reason", "image_name", "image_url", "file_type", "alert_triggered",
    "error", "cause", "source_url", "sha256",
]  # fmt: skip


def ingest(command: Run, data: Path, *words: object) -> Any:
    """An ingest under one data directory."""
    return command("ingest", *words, "--data", data)


def test_json_is_a_line_for_each_image_and_then_the_summary(command: Run, tmp_path: Path) -> None:
    """The documented fields, which say what the audit says; the last line is the object of summary.json."""
    done = ingest(command, tmp_path, "sample", "--run-id", "r", "--json")
    assert (done.code, done.stderr) == (0, "")
    *results, summary = done.rows
    assert all(list(row) == FIELDS for row in results)
    records = {row["execution"]: row for row in command("audit", "--json", "--data", tmp_path).rows}
    assert set(records) == {f"r-{index:08}" for index in range(12)}
    for row in results:
        same = FIELDS[2:]
        assert {name: row[name] for name in same} == {name: records[row["execution"]][name] for name in same}
    assert (summary["run"], summary["dataset"], summary["status"]) == ("r", "sample", "SUCCEEDED")
    assert summary["outcomes"] == dict(Counter(row["outcome"] for row in results))
    written = tmp_path / "buckets" / "dog-images" / "datasets" / "sample" / "runs" / "r" / "summary.json"
    assert written.exists()
    assert "execution" not in summary


def test_people_see_outcomes_reasons_examples_and_what_to_do_next(command: Run, tmp_path: Path) -> None:
    """Every failure's reason has an example with its cause; the commands to type next are right for this directory."""
    done = ingest(command, tmp_path / "a b", "sample-hostile", "--run-id", "h")
    assert done.code == 1, done.stderr
    for words in (
        "Run h: ", "quarantined", "not_an_image", "damaged_image", "blocked_address", "not_found", "for example",
        "greyhound/gone.jpg", f"Pictures: {tmp_path}/a b/buckets/dog-images/html/sample-hostile", "Look next:",
        f"ingest --retry-failed h --data '{tmp_path}/a b'",
    ):  # fmt: skip
        assert words in done.stdout


@pytest.mark.parametrize("how", [(), ("--workflow",)])
@pytest.mark.parametrize(("body", "code"), [(b"<!DOCTYPE html><html></html>", 1), (GIF, 0)], ids=["html", "gif"])
def test_a_run_is_all_good_only_where_every_image_is_there(
    command: Run, tmp_path: Path, how: tuple[str, ...], body: bytes, code: int
) -> None:
    """An image that was fetched and quarantined is not in the dataset, which the exit code and the summary say."""
    listing = tmp_path / "list.txt"
    with serving(Site({f"/{number}.gif": Said(body) for number in range(2)})) as site:
        listing.write_text(f"{site.origin}/0.gif\n{site.origin}/1.gif\n")
        done = ingest(command, tmp_path / "d", listing, "--allow-origin", site.origin, *how)
    assert done.code == code, done.stderr
    assert ("Not in the dataset: 2 of 2 images" in done.stdout) == (code == 1)
    assert "By the hashes" not in done.stdout  # the list has none


@pytest.mark.slow
def test_a_retry_needs_no_source(command: Run, tmp_path: Path) -> None:
    """The run knows it; only the failed image is asked for, and its record says what came of it."""
    ingest(command, tmp_path, "sample-hostile", "--run-id", "h")
    done = ingest(command, tmp_path, "--retry-failed", "h", "--run-id", "again", "--json")
    assert done.code == 1, done.stderr
    *results, summary = done.rows
    assert [(row["reason"], row["execution"]) for row in results] == [("not_found", "again-00000000")]
    assert (summary["retry_of"], summary["dataset"]) == ("h", "sample-hostile")


def test_a_dry_run_shows_addresses_and_their_number(command: Run, tmp_path: Path) -> None:
    """On stdout only what would be fetched; the data directory is not made."""
    done = ingest(command, tmp_path / "data", "sample", "--dry-run", "--count", 3)
    assert done.code == 0
    assert len(done.stdout.splitlines()) == 3
    assert all(line.startswith("http://sample.pupline.invalid/images/breeds/") for line in done.stdout.splitlines())
    assert "3" in done.stderr
    everything = ingest(command, tmp_path / "data", "sample", "--dry-run", "--json")
    assert len({row["url"] for row in everything.rows}) == 12
    assert "15 URLs (12 distinct) of sample" in everything.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["executions"], ["redrive"], ["stop"]])
@pytest.mark.parametrize("name", ["in1", "in1-00000001"])
def test_images_of_a_bulk_ingest_have_no_execution(command: Run, tmp_path: Path, words: list[str], name: str) -> None:
    """Commands that take an execution say so, and where the images' records are; `stop` takes a run, too."""
    ingest(command, tmp_path, "sample", "--count", 1, "--run-id", "in1")
    done = command(*words, name, "--data", tmp_path)
    if (words, name) == (["stop"], "in1"):
        assert (done.code, done.stdout) == (0, "in1: has already ended (SUCCEEDED)\n")
        return
    assert (done.code, done.stdout) == (2, "")
    assert "images of a bulk ingest have no execution; see: pupline audit --run in1 --data" in done.stderr


@pytest.mark.slow
def test_what_is_left_out_is_counted(command: Run, tmp_path: Path) -> None:
    """With --incremental nothing is asked for again, and the summary says how often; the afghan is named twice."""
    ingest(command, tmp_path, "sample")
    done = ingest(command, tmp_path, "sample", "--incremental")
    assert done.code == 0, done.stderr
    assert "URLs left out, because the dataset has them: 15, repeats included." in done.stdout


def places(shown: str) -> list[str]:
    """The lines that say what lies where."""
    return [line for line in shown.splitlines() if line.startswith(("Pictures:", "Metadata:", "This run:"))]


@pytest.mark.slow
@pytest.mark.parametrize("through", [[], ["--workflow"]])
def test_a_finished_run_has_nothing_left_to_do(command: Run, tmp_path: Path, through: list[str]) -> None:
    """The same command with its --run-id says so, and shows again what came of it."""
    first = ingest(command, tmp_path, "sample", "--run-id", "r", *through)
    again = ingest(command, tmp_path, "sample", "--run-id", "r", *through)
    assert (again.code, again.stderr) == (first.code, "Run r of sample is finished: there is nothing to do.\n")
    assert "Run r: 12 images" in again.stdout
    assert places(again.stdout) == places(first.stdout) != []
    written = tmp_path / "buckets" / "dog-images" / "datasets" / "sample" / "runs" / "r" / "summary.json"
    as_json = ingest(command, tmp_path, "sample", "--run-id", "r", *through, "--json")
    assert as_json.rows[-1] == json.loads(written.read_text())


@pytest.mark.slow
@pytest.mark.parametrize("through", [[], ["--workflow"]])
def test_a_list_that_cannot_be_read_leaves_no_run(command: Run, tmp_path: Path, through: list[str]) -> None:
    """Exit code 2 and one line; there is nothing to go on with, and its --run-id is free for the list put right."""
    broken = tmp_path / "dogs.txt.gz"
    broken.write_bytes(gzip.compress(b"https://a.invalid/1.jpg\n" * 9999)[:15])
    done = ingest(command, tmp_path / "data", broken, "--run-id", "r", *through)
    assert (done.code, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "dogs.txt.gz: it cannot be read" in done.stderr
    resumed = ingest(command, tmp_path / "data", "--resume")
    assert (resumed.code, "no ingest is unfinished here" in resumed.stderr) == (2, True)
    assert ingest(command, tmp_path / "data", "sample", "--run-id", "r", *through).code == 0


@pytest.mark.slow
@pytest.mark.parametrize("through", [[], ["--workflow"]])
def test_a_piped_list_is_kept_with_the_run(command: Run, tmp_path: Path, through: list[str]) -> None:
    """The same command goes on, or finds that it is done; with another list it is another command."""

    def piped(text: str, *words: object) -> Any:
        ours, theirs = os.pipe()
        with os.fdopen(theirs, "w") as out:
            out.write(text)
        return ingest(command, tmp_path, f"/dev/fd/{ours}", "--run-id", "r", *through, *words)

    done = piped("https://a.invalid/x y.jpg\nhttp://127.0.0.1:1/1.png\n", "--json")
    assert (done.code, done.rows[-1]["reasons"]) == (1, {"invalid_url": 1, "blocked_address": 1})
    assert "1 of 2 rows name no URL that can be fetched" in done.stderr
    again = piped("https://a.invalid/x y.jpg\nhttp://127.0.0.1:1/1.png\n", "--json")
    assert again.rows[-1] == done.rows[-1]
    other = piped("https://a.invalid/3.jpg\n")
    assert (other.code, "with another source" in other.stderr) == (2, True)
    shown = ingest(command, tmp_path, "--run-id", "r", "--dry-run", f"/dev/fd/{os.open(os.devnull, os.O_RDONLY)}")
    assert (shown.code, "names no image: it is empty" in shown.stderr) == (0, True)


@pytest.mark.slow
@pytest.mark.parametrize("through", [[], ["--workflow"]])
def test_a_list_in_a_bucket_is_one_that_pupline_stored(command: Run, tmp_path: Path, through: list[str]) -> None:
    """An earlier run's files are; of what somebody else put there it says what to do instead."""
    with serving(Site({})) as site:  # a 404 is final: no retry, no waiting
        (tmp_path / "gone.txt").write_text(f"{site.origin}/1.jpg\n")
        allowed = ("--allow-origin", site.origin)
        ingest(command, tmp_path, tmp_path / "gone.txt", "--dataset", "gone", "--run-id", "h", *allowed)
        failures = "s3://dog-images/datasets/gone/runs/h/failures.jsonl"
        done = ingest(command, tmp_path, failures, "--dataset", "again", "--json", *allowed, *through)
    assert done.code == 1, done.stderr
    assert done.rows[-1]["done"] > 0
    (tmp_path / "buckets" / "dog-images" / "urls.txt").write_text("https://a.invalid/1.jpg\n")
    refused = ingest(command, tmp_path, "s3://dog-images/urls.txt", *through)
    assert (refused.code, refused.stdout) == (2, "")
    assert "pupline has stored no such object" in refused.stderr
    assert "named as a file" in refused.stderr


def test_a_dry_run_of_a_list_shows_what_its_columns_become(command: Run, tmp_path: Path) -> None:
    """For people below the addresses and on stderr; with --json in the last line."""
    file = tmp_path / "dogs.csv"
    file.write_text(f"URL,TEXT,{'n' * 200},similarity,x,x\nhttps://a.org/1.jpg,A dog,7,0.3,1,2\n")
    done = ingest(command, tmp_path, file, "--dry-run")
    assert (done.code, done.stdout) == (0, "https://a.org/1.jpg\n")
    for line in ("  url <- URL", "  caption <- TEXT", "  extra <- similarity", "  dropped <- x (several"):
        assert line in done.stderr
    for words in (("ingest", file, "--dry-run", "--json", "--data", tmp_path), ("sources", "test", file, "--json")):
        item, last = command(*words).rows
        assert item == {"url": "https://a.org/1.jpg", "caption": "A dog", "extra": {"similarity": "0.3"}}
        uses = {use["name"]: use for use in last["columns"]}
        assert {name: uses[name]["becomes"] for name in ("URL", "TEXT")} == {"URL": "url", "TEXT": "caption"}
        assert uses["n" * 200]["why"] == "a name of more than 128 characters"
        assert uses["x"]["why"] == "several columns have this name"


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_a_dry_run_that_shows_all_says_so(command: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    """Not that they are the first: a list of twenty has no others."""
    file = tmp_path / "dogs.txt"
    file.write_text("".join(f"https://a.org/{n}.jpg\n" for n in range(20)))
    assert "20 URLs of dogs.txt" in ingest(command, tmp_path, file, "--dry-run", *words).stderr.splitlines()[-1]
    assert not any("first" in line for line in ingest(command, tmp_path, file, "--dry-run", *words).stderr.splitlines())


@pytest.mark.parametrize("words", [("ingest", "--dry-run"), ("sources", "test")])
def test_a_list_that_names_nothing_usable_is_a_failure(command: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    """Before anything is fetched, as it is when it is fetched; one good row is enough."""
    rows = [{"coco_url": f"https://a.org/{n}.jpg", "flickr_url": f"https://b.org/{n}.jpg"} for n in range(3)]
    file = tmp_path / "coco.json"
    file.write_text(json.dumps(rows))
    done = command(*words, file)
    assert done.code == 1
    assert "name one as FILE#COLUMN" in done.stderr
    assert done.stderr.endswith("None of the 3 rows shown names a URL that can be fetched.\n")
    assert command(*words, f"{file}#coco_url").code == 0
    file.write_text(json.dumps([*rows, "https://a.org/4.jpg"]))
    assert command(*words, file).code == 0


@pytest.mark.parametrize("workflow", [False, True], ids=["bulk", "workflow"])
def test_a_list_with_hashes_is_verified(command: Run, tmp_path: Path, *, workflow: bool) -> None:
    """What changed or is gone makes the exit code 1, and is counted at the end, in the summary and in insights."""
    file = tmp_path / "dogs.csv"
    with serving(Site({"/1": Said(GIF), "/2.php": Said(GIF + b"!"), "/3.gif": Said(status=404)})) as site:
        digest = sha256(GIF).hexdigest()
        rows = [f"{site.origin}/{name},{digest},{'n' * 9000}" for name in ("1", "2.php", "3.gif")]
        file.write_text("\n".join(["url,sha256,long", *rows]))
        options = ("--allow-origin", site.origin, "--run-id", "r", *(["--workflow"] if workflow else []))
        done = ingest(command, tmp_path / "data", file, *options)
    assert done.code == 1
    assert "By the hashes in the list: 1 verified, 1 changed, 1 gone." in done.stdout
    assert "Not kept of the list's columns: long (values of more than 8,192 characters)." in done.stdout
    bucket = tmp_path / "data" / "buckets" / "dog-images"
    assert [path.name for path in (bucket / "html" / "dogs").iterdir()] == ["1.gif"]
    assert [path.name for path in (bucket / "quarantine" / "dogs").iterdir()] == ["2.gif"]
    summary = json.loads((bucket / "datasets" / "dogs" / "runs" / "r" / "summary.json").read_bytes())
    assert summary["columns_dropped"] == {"long": "values of more than 8,192 characters"}
    (run,) = command("insights", "--json", "--data", tmp_path / "data").rows[0]["ingests"]
    assert [run[result] for result in ("verified", "changed", "gone")] == [1, 1, 1]


@pytest.mark.parametrize("said", [Said(status=503, headers={"Retry-After": "120"}), Said(status=403)])
def test_what_stops_a_dry_run_is_told_in_words(command: Run, tmp_path: Path, said: Said) -> None:
    """Not as the JSON that a failure's text is for a workflow."""
    with serving(Site({"/api/breeds/list/all": said})) as site:
        done = ingest(command, tmp_path, f"{site.origin}/api", "--dry-run")
        assert (done.code, done.stdout) == (1, "")
        last = done.stderr.splitlines()[-1]
        assert last.startswith(f"pupline: {site.origin}/api/breeds/list/all: the server answered {said.status}")


@pytest.mark.parametrize("words", ["", "--count 5", "--dataset x"])
def test_without_a_source_it_says_what_one_is(command: Run, tmp_path: Path, words: str) -> None:
    """Exit code 2, and the command that lists the presets."""
    done = ingest(command, tmp_path, *words.split())
    assert (done.code, done.stdout) == (2, "")
    assert "pupline sources" in done.stderr


def test_help_has_examples_and_exit_codes(command: Run) -> None:
    """Enough to begin with, without any other page."""
    shown = command("ingest", "--help").stdout
    for words in ("Examples:", "Exit codes:", "  3    stopped by --tolerate", "pupline ingest --retry-failed"):
        assert words in shown
