"""The reading commands: every option, every field of --json, and words for people."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from pupline.cli._output import rows_shown
from pupline.tasks.records import AuditRecord
from pupline.text import UNSAFE

Run = Callable[..., Any]

READING = ["executions", "audit", "alerts", "insights"]


@pytest.mark.parametrize("words", [*READING, "executions friendly-00002", "subscribe --list", "doctor --source sample"])
def test_json_is_alone_on_stdout(command: Run, kennel: Path, words: str) -> None:
    """With --json every line of stdout is one JSON object, and stderr is empty."""
    done = command(*words.split(), "--json", "--data", kennel)
    assert (done.code, done.stderr) == (0, "")
    assert done.rows
    assert all(isinstance(row, dict) for row in done.rows)


@pytest.mark.parametrize("words", [*READING, "executions friendly-00002", "executions friendly-00002 --graph"])
def test_nothing_that_a_terminal_obeys_is_printed(command: Run, kennel: Path, words: str) -> None:
    """Not on a pipe either, where no colours are."""
    done = command(*words.split(), "--data", kennel)
    assert set(UNSAFE.findall(done.stdout)) <= {"\n"}


@pytest.mark.parametrize("name", READING)
def test_without_a_data_directory_there_is_one_line(command: Run, tmp_path: Path, name: str) -> None:
    """What is missing and what to do; nothing is made by looking."""
    done = command(name, "--data", tmp_path / "none")
    assert (done.code, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert "pupline run" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", READING)
def test_an_empty_data_directory_says_how_to_start(command: Run, tmp_path: Path, name: str) -> None:
    """For people a next step; for programs no line, but the one object of insights."""
    command("subscribe", "console", "--data", tmp_path)
    assert "pupline run --source sample" in command(name, "--data", tmp_path).stdout or name == "audit"
    assert len(command(name, "--json", "--data", tmp_path).rows) == (1 if name == "insights" else 0)


def test_child_executions_belong_to_an_execution(command: Run, kennel: Path) -> None:
    """The options that show them need its name; an execution without Map Runs has none."""
    for option in (["--children"], ["--child", "x"]):
        done = command("executions", *option, "--data", kennel)
        assert (done.code, "is about one execution" in done.stderr) == (2, True)
    assert "no such child executions" in command("executions", "friendly-00002", "--children", "--data", kennel).stdout
    done = command("executions", "friendly-00002", "--child", "x", "--data", kennel)
    assert (done.code, done.stderr) == (2, UNKNOWN_CHILD)


UNKNOWN_CHILD = (
    "pupline: the execution 'friendly-00002' has no child execution 'x'; list them with: "
    "pupline executions friendly-00002 --children\n"
)


# ---- audit


def test_audit_json_has_every_field_of_the_record(command: Run, kennel: Path) -> None:
    """All fields, absent ones as null, oldest first, one record for each execution."""
    rows = command("audit", "--json", "--data", kennel).rows
    assert all(list(row) == [field.name for field in fields(AuditRecord)] for row in rows)
    assert sorted(row["execution"] for row in rows) == [
        f"{run}-{number:05}" for run in ("friendly", "hostile") for number in range(1, 13)
    ]
    assert [row["upload_timestamp"] for row in rows] == sorted(row["upload_timestamp"] for row in rows)
    [png] = [row for row in rows if row["execution"] == "friendly-00002"]
    assert (png["file_type"], png["alert_triggered"], png["alert_sent"], png["name_extension"]) == (
        "png",
        True,
        True,
        "png",
    )
    assert png["image_url"].startswith("file:///")


@pytest.mark.parametrize(
    ("options", "holds"),
    [
        (["--outcome", "quarantined"], lambda row: row["outcome"] == "quarantined"),
        (["--type", "gif"], lambda row: row["file_type"] == "gif"),
        (["--breed", "corgi"], lambda row: row["breed"] == "corgi/cardigan"),
        (["--breed", "husky", "--type", "png"], lambda row: row["breed"] == "husky" and row["file_type"] == "png"),
        (["--execution", "hostile"], lambda row: row["execution"].startswith("hostile-")),
        (["--execution", "hostile-00003"], lambda row: row["execution"] == "hostile-00003"),
        (["--alerts"], lambda row: row["alert_triggered"]),
        (["--alerts", "--type", "png"], lambda row: row["alert_triggered"] and row["file_type"] == "png"),
    ],
)
def test_audit_filters(command: Run, kennel: Path, options: list[str], holds: Callable[[Any], bool]) -> None:
    """Each filter keeps exactly the records for which it holds, and several hold together; those of a run by number."""
    everything = command("audit", "--json", "--data", kennel).rows
    wanted = [row for row in everything if holds(row)]
    if "--execution" in options:
        wanted.sort(key=lambda row: str(row["execution"]))
    assert 0 < len(wanted) < len(everything)
    assert command("audit", "--json", *options, "--data", kennel).rows == wanted


def test_audit_limit_is_the_newest(command: Run, kennel: Path) -> None:
    """--limit takes from the end, and the table says of how many."""
    everything = command("audit", "--json", "--data", kennel).rows
    assert command("audit", "--json", "--limit", 3, "--data", kennel).rows == everything[-3:]
    assert "the newest 3 of 24 records" in command("audit", "--limit", 3, "--data", kennel).stdout


def test_audit_for_people_names_images_outcomes_and_reasons(command: Run, kennel: Path) -> None:
    """One row for each record, and where the images are."""
    shown = command("audit", "--data", kennel).stdout
    for words in (
        "friendly-00002",
        "quarantined",
        "not_an_image; alert:",
        "png_content",
        "blocked_address",
        "24 records",
    ):
        assert words in shown
    assert f"kept under {kennel}/buckets/dog-images/html" in shown
    assert "No records match" in command("audit", "--type", "tiff", "--data", kennel).stdout


def test_a_mistyped_run_is_an_error_with_suggestions(command: Run, kennel: Path) -> None:
    """On every command that takes one; a run whose rows do not match is told from it."""
    for words in (["executions"], ["redrive", "--failed"], ["audit"], ["alerts"], ["insights"], ["runs"], ["resume"]):
        done = command(*words, "--run", "frendly", "--data", kennel)
        assert (done.code, done.stdout) == (2, ""), words
        assert "there is no run 'frendly'" in done.stderr
        assert "did you mean 'friendly'?" in done.stderr
    for words in (["executions"], ["audit"], ["alerts"], ["insights"], ["runs"], ["datasets"], ["discard"]):
        done = command(*words, "--dataset", "nope", "--data", kennel)
        assert (done.code, done.stdout) == (2, ""), words
        assert "there is no dataset 'nope'; there is none yet" in done.stderr
    kept = ("--data", kennel)
    assert command("executions", "--run", "friendly", "--status", "TIMED_OUT", *kept).stdout == (
        "No executions of the run 'friendly' with the status TIMED_OUT.\n"
    )
    assert (
        "no execution of the run 'friendly' failed" in command("redrive", "--failed", "--run", "friendly", *kept).stderr
    )
    audited = command("audit", "--execution", "nope", *kept)
    assert (audited.code, audited.stdout) == (2, "")
    assert "there is no run or execution 'nope'" in audited.stderr
    assert "No records match." in command("audit", "--execution", "friendly", "--type", "tiff", *kept).stdout


def test_since_and_until_select_a_span(command: Run, kennel: Path) -> None:
    """Records, alerts and figures from the one time on and before the other."""
    rows = command("audit", "--json", "--data", kennel).rows
    times = sorted(row["upload_timestamp"] for row in rows)
    first, end = times[4], times[-4]
    span = ["--since", first, "--until", end]
    wanted = [row for row in rows if first <= row["upload_timestamp"] < end]
    assert command("audit", "--json", *span, "--data", kennel).rows == wanted
    assert command("insights", "--json", *span, "--data", kennel).rows[0]["records"] == len(wanted) < len(rows)
    assert command("alerts", "--json", "--until", "2000-01-01", "--data", kennel).rows == []


def test_audit_as_parquet(command: Run, kennel: Path, tmp_path: Path) -> None:
    """The same records as --json, in a file that is whole or not there."""
    parquet = pytest.importorskip("pyarrow.parquet")
    file = tmp_path / "records.parquet"
    done = command("audit", "--type", "png", "--parquet", file, "--data", kennel)
    rows = command("audit", "--type", "png", "--json", "--data", kennel).rows
    assert (done.code, done.stdout, done.stderr) == (0, "", f"{len(rows)} records in {file}\n")
    assert parquet.read_table(file).column("execution").to_pylist() == [row["execution"] for row in rows]
    assert [path.name for path in tmp_path.iterdir()] == ["records.parquet"]
    missing = command("audit", "--parquet", tmp_path / "no" / "records.parquet", "--data", kennel)
    assert (missing.code, "cannot be written: No such file" in missing.stderr) == (2, True)
    assert command("audit", "--parquet", file, "--csv", "--data", kennel).code == 2


# ---- alerts


def test_alerts_json(command: Run, kennel: Path) -> None:
    """The documented fields; one alert for each record that alerted; the delivery to the file is told."""
    rows = command("alerts", "--json", "--data", kennel).rows
    documented = {"topic", "subject", "message", "image_name", "execution", "published_at", "deliveries"}
    assert all(documented <= set(row) for row in rows)
    records = command("audit", "--alerts", "--json", "--data", kennel).rows
    assert Counter(row["execution"] for row in rows) == Counter(record["execution"] for record in records)
    [png] = [row for row in rows if row["execution"] == "friendly-00002"]
    assert png["message"] == "A PNG file was detected and processed: n02111889_4.png"
    [delivery] = png["deliveries"]
    assert (delivery["protocol"], delivery["status"], delivery["attempts"]) == ("file", "delivered", 1)
    lines = [json.loads(line) for line in (kennel.parent / "alerts.jsonl").read_text().splitlines()]
    assert Counter(line["MessageId"] for line in lines) == Counter(row["message_id"] for row in rows)
    assert command("alerts", "--json", "--limit", 2, "--data", kennel).rows == rows[-2:]


def test_alerts_for_people(command: Run, kennel: Path) -> None:
    """What, for which execution, and what became of it."""
    shown = command("alerts", "--data", kennel).stdout
    for words in (
        "A PNG file was detected",
        "file delivered",
        "friendly-00002",
        "quarantined instead of stored",
        "8 alerts",
    ):
        assert words in shown


def test_alerts_retry(command: Run, tmp_path: Path) -> None:
    """What waits is delivered at once, and what was given up is tried once more; the exit code says whether all are."""
    data, file = ("--data", tmp_path / "data"), tmp_path / "box" / "alerts.jsonl"
    file.parent.mkdir()
    command("subscribe", "file", file, *data)
    file.parent.rmdir()
    command("run", "--source", "sample", "--count", 2, "--run-id", "r", *data)
    [alert] = command("alerts", "--json", *data).rows
    assert [one["status"] for one in alert["deliveries"]] == ["pending"]
    failed = command("alerts", "--retry", *data)
    assert (failed.code, "1 delivery: 0 delivered, 1 waiting, 0 given up" in failed.stdout) == (1, True)
    file.parent.mkdir()
    done = command("alerts", "--retry", "--alert", alert["message_id"], "--json", *data)
    assert (done.code, done.rows) == (0, [{"delivered": 1, "waiting": 0, "given_up": 0}])
    assert json.loads(file.read_text())["MessageId"] == alert["message_id"]
    assert "nothing to retry" in command("alerts", "--retry", *data).stdout
    for words in (["--retry", "--limit", 1], ["--alert", "x"], ["--retry", "--alert", "x"]):
        assert command("alerts", *words, *data).code == 2


# ---- executions


def test_executions_json(command: Run, kennel: Path) -> None:
    """Newest first, with times, status, run, and for a failed one error and cause."""
    rows = command("executions", "--json", "--data", kennel).rows
    assert len(rows) == 24
    assert all(list(row) == ["execution", "status", "run", "start_time", "stop_time", "error", "cause"] for row in rows)
    assert [row["run"] for row in rows] == ["hostile"] * 12 + ["friendly"] * 12
    assert {row["error"] for row in rows if row["status"] == "FAILED"} == {"NotFound", "BlockedAddress", "TooLarge"}
    assert command("executions", "--json", "--limit", 5, "--data", kennel).rows == rows[:5]


@pytest.mark.parametrize(
    ("options", "count"),
    [(["--status", "FAILED"], 3), (["--status", "failed"], 3), (["--run", "friendly"], 12), (["--run", "none"], 0)],
)
def test_executions_filters(command: Run, kennel: Path, options: list[str], count: int) -> None:
    """By status in any case, and by run."""
    assert len(command("executions", "--json", *options, "--data", kennel).rows) == count


def test_one_execution_json(command: Run, kennel: Path) -> None:
    """The row, input, output and the history in the shape of GetExecutionHistory."""
    [story] = command("executions", "friendly-00002", "--json", "--data", kennel).rows
    assert (story["execution"], story["status"], story["input"]) == ("friendly-00002", "SUCCEEDED", {})
    assert story["output"]["image"]["file_type"] == "png"
    events = story["history"]
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    assert (events[0]["type"], events[-1]["type"]) == ("ExecutionStarted", "ExecutionSucceeded")
    entered = [event["stateEnteredEventDetails"]["name"] for event in events if event["type"].endswith("StateEntered")]
    assert entered == [
        "FetchAndUploadDogImage", "CheckIfPNG", "PNGContentAlert", "AlertPNG", "PublishPNGAlert",
        "LogToDynamoDB", "SuccessState",
    ]  # fmt: skip


def test_one_execution_as_a_table_and_as_a_drawing(command: Run, kennel: Path) -> None:
    """The table has a line for each event; the drawing a box for each state, and the ways not taken."""
    [story] = command("executions", "hostile-00007", "--json", "--data", kennel).rows
    shown = command("executions", "hostile-00007", "--data", kennel).stdout
    assert len(shown.splitlines()) == len(story["history"]) + 4  # name and status, head, rule; the error below
    assert shown.splitlines()[-1].startswith("NotFound: http://sample.pupline.invalid/")
    drawn = command("executions", "hostile-00007", "--graph", "--data", kennel).stdout
    boxes = [line.split("│")[1].strip() for line in drawn.splitlines() if line.startswith("│")]
    assert boxes == ["FetchAndUploadDogImage", "ImageFailed", "LogFailureToDynamoDB", "FailState"]
    assert "1 failed: NotFound" in drawn
    assert "not taken: CheckIfPNG, CheckRetryAfter, ImageRefused" in drawn


def test_executions_for_people(command: Run, kennel: Path) -> None:
    """Status, start and error of each."""
    shown = command("executions", "--status", "FAILED", "--data", kennel).stdout
    assert "TooLarge" in shown
    assert "3 executions. One with its history" in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("executions nobody", "no execution 'nobody'"),
        ("executions --graph", "--graph is about one execution"),
        ("executions friendly-00001 --graph --json", "give one of them"),
        ("executions --status DONE", "succeeded"),
        ("audit --outcome lost", "quarantined"),
        ("audit --limit 0", "--limit"),
        ("audit --stack mine", "--backend aws"),
        ("alerts --backend aws", "--stack"),
    ],
)
def test_wrong_words_are_exit_code_2(command: Run, kennel: Path, words: str, said: str) -> None:
    """With what would be right, on stderr."""
    done = command(*words.split(), "--data", kennel)
    assert (done.code, done.stdout) == (2, "")
    assert said in done.stderr


# ---- insights


def test_insights(command: Run, kennel: Path) -> None:
    """The figures are those of the records; people see image types and the alert frequency first."""
    [figures] = command("insights", "--json", "--data", kennel).rows
    records = command("audit", "--json", "--data", kennel).rows
    assert figures["records"] == len(records) == 24
    assert figures["alerts"] == sum(record["alert_triggered"] for record in records)
    assert figures["file_types"] == Counter(record["file_type"] for record in records if record["file_type"])
    assert figures["outcomes"] == Counter(record["outcome"] for record in records)
    shown = command("insights", "--data", kennel).stdout
    titles = ["Image types", "Alert frequency", "Why", "Outcomes", "Reasons", "Breeds", "Sources", "duplicates saved"]
    places = [shown.index(title) for title in titles]
    assert places == sorted(places)


def test_validate_finds_a_key_that_stands_twice(tmp_path: Path, command: Callable[..., Any]) -> None:
    """JSON would keep the last of two states with one name, and say nothing."""
    path = tmp_path / "twice.json"
    path.write_text('{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}, "A": {"Type": "Succeed"}}}')
    done = command("validate", path)
    assert done.code == 2
    assert "'A' occurs 2 times" in done.stdout


# ---- how much of a list is shown


@pytest.mark.parametrize("name", ["executions", "audit", "alerts"])
def test_a_list_that_was_cut_says_so(command: Run, kennel: Path, name: str) -> None:
    """And one that was not cut does not."""
    cut = command(name, "--limit", 2, "--data", kennel).stdout
    assert "newest 2 " in cut
    assert "for more: --limit N, or --json" in cut
    assert "for more" not in command(name, "--data", kennel).stdout


@pytest.mark.parametrize(("on_a_terminal", "most"), [(True, 50), (False, 10_000)])
def test_a_pipe_gets_more_than_a_terminal(monkeypatch: pytest.MonkeyPatch, on_a_terminal: bool, most: int) -> None:
    """`pupline executions | grep` looks through all of them; a terminal would only scroll."""
    monkeypatch.setattr("sys.stdout", mock.Mock(isatty=lambda: on_a_terminal))
    assert rows_shown(None) == most
    assert rows_shown(7) == 7
