"""run, resume, subscribe, validate, doctor: what they print, and their exit codes."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pupline import __version__
from pupline.asl import DefinitionError, StateMachine
from pupline.bulk import IngestRequest
from pupline.cli._run import run
from pupline.images import MAX_PIXELS
from pupline.local import LocalBackend, NewIngest

pytestmark = pytest.mark.slow

Run = Callable[..., Any]

ROOT = Path(__file__).parents[2]
WORKFLOW = ROOT / "statemachine" / "dog_uploader_pipeline.asl.json"
FIELDS = [
    "execution", "status", "outcome", "reason", "image_name", "image_url", "file_type", "alert_triggered",
    "error", "cause",
]  # fmt: skip


def sample(command: Run, data: Path, *more: object) -> Any:
    """A run on the sample source."""
    return command("run", "--source", "sample", "--data", data, *more)


def test_run_json_is_the_records_in_short(command: Run, tmp_path: Path) -> None:
    """One object for each execution, with the documented fields, which say what the audit says."""
    done = sample(command, tmp_path, "--count", 4, "--run-id", "r", "--json")
    assert (done.code, done.stderr) == (0, "")
    assert all(list(row) == FIELDS for row in done.rows)
    records = {row["execution"]: row for row in command("audit", "--json", "--data", tmp_path).rows}
    assert {row["execution"] for row in done.rows} == set(records) == {f"r-0000{number}" for number in range(1, 5)}
    for row in done.rows:
        same = ("outcome", "reason", "image_name", "image_url", "file_type", "alert_triggered")
        assert {name: row[name] for name in same} == {name: records[row["execution"]][name] for name in same}


def test_a_repeated_run_tells_the_whole_of_it_and_starts_what_is_missing(command: Run, tmp_path: Path) -> None:
    """With --run-id the same command again does nothing twice."""
    first = sample(command, tmp_path, "--count", 2, "--run-id", "r", "--json").rows
    again = sample(command, tmp_path, "--count", 3, "--run-id", "r", "--json").rows
    assert sorted(again, key=by_execution)[:2] == sorted(first, key=by_execution)
    assert len(again) == len(command("audit", "--json", "--data", tmp_path).rows) == 3
    other = sample(command, tmp_path, "--count", 3, "--run-id", "r", "--timeout", 5)
    assert other.code == 2
    assert "timeout_seconds: 30.0, now 5.0" in other.stderr


def by_execution(row: dict[str, Any]) -> str:
    """By execution."""
    return str(row["execution"])


def test_run_for_people_ends_with_a_summary(command: Run, tmp_path: Path) -> None:
    """A table, counts, where the pictures are, and what to type next; progress only on a terminal."""
    done = sample(command, tmp_path / "a b", "--count", 2, "--run-id", "r")
    assert (done.code, done.stderr) == (0, "")
    for words in ("n02113186_1.jpg", "n02111889_4.png", "png_content", "2 images: 2 stored", "1 alert", "Look next:"):
        assert words in done.stdout
    assert f"Pictures: {tmp_path}/a b/buckets/dog-images/html" in done.stdout
    assert f"executions r-00001 --graph --data '{tmp_path}/a b'" in done.stdout


def test_pictures_are_where_the_data_directory_is_now(command: Run, tmp_path: Path) -> None:
    """The records hold the URLs of the directory in which they were made; people are shown the one in use."""
    sample(command, tmp_path / "old", "--count", 2, "--run-id", "r")
    (tmp_path / "old").rename(tmp_path / "new dir")
    folder = f"{tmp_path}/new dir/buckets/dog-images/html"
    assert f"Pictures: {folder}" in sample(command, tmp_path / "new dir", "--count", 2, "--run-id", "r").stdout
    assert f"kept under {folder}" in command("audit", "--data", tmp_path / "new dir").stdout


def test_a_long_run_shows_what_says_most(command: Run, tmp_path: Path) -> None:
    """Of more than 24 results those that alerted come first, and the title says so."""
    shown = sample(command, tmp_path, "--count", 30, "--run-id", "r").stdout
    assert "showing 24 of 30: alerts and failures first" in shown
    assert "30 images: " in shown


def test_a_failed_execution_is_exit_code_1(command: Run, tmp_path: Path) -> None:
    """The run ends well, and says that not all went well."""
    done = sample(command, tmp_path, "--breed", "unheard", "--json")
    assert done.code == 1
    [row] = done.rows
    assert (row["status"], row["outcome"], row["error"], row["image_name"]) == ("FAILED", "failed", "NotFound", None)
    [record] = command("audit", "--json", "--data", tmp_path).rows
    assert (record["reason"], record["source"], record["alert_triggered"]) == ("not_found", "sample", False)
    assert "not_found: http" in sample(command, tmp_path, "--breed", "unheard").stdout


@pytest.mark.parametrize(
    "words",
    [
        "--count 0", "--count many", "--concurrency 0", "--max-bytes 0", "--max-pixels 0", "--timeout 0",
        "--timeout 71", "--timeout nan",
        "--source smaple", "--source ftp://h/api", "--allow-origin http://h/path", "--breed Hound", "--run-id a/b",
        "--run-id -a", "--image-url nowhere", "--image-url http://h/a.jpg --breed pug", "--data ", "--unheard",
    ],
)  # fmt: skip
def test_what_cannot_work_is_exit_code_2_and_starts_nothing(command: Run, tmp_path: Path, words: str) -> None:
    """One clear message on stderr, nothing on stdout."""
    done = sample(command, tmp_path, *words.split(" "))
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr
    assert "Traceback" not in done.stderr
    if (tmp_path / "pupline.sqlite").exists():
        assert command("executions", "--json", "--data", tmp_path).rows == []


def test_pixels_per_image_are_limited_as_told(command: Run, tmp_path: Path) -> None:
    """What a run was started with stays its limit, and the same run id with another one is refused."""
    done = sample(command, tmp_path, "--run-id", "r", "--max-pixels", 10, "--json")
    assert [(row["outcome"], row["reason"]) for row in done.rows] == [("quarantined", "too_many_pixels")]
    assert "max_pixels" in sample(command, tmp_path, "--run-id", "r").stderr


def test_the_default_limit_of_pixels_is_that_of_the_check() -> None:
    """Help names it without importing the room of images."""
    [found] = [option.default for option in run.params if option.name == "max_pixels"]
    assert found == MAX_PIXELS


def test_resume_with_nothing_to_do(command: Run, tmp_path: Path) -> None:
    """Says so; where nothing was ever started it is a mistake."""
    sample(command, tmp_path)
    done = command("resume", "--data", tmp_path)
    assert (done.code, done.stdout, done.stderr) == (0, "", "No execution was left unfinished.\n")
    assert command("resume", "--json", "--data", tmp_path).stdout == ""
    assert command("resume", "--data", tmp_path / "none").code == 2


def test_resume_finishes_bulk_ingests_too(command: Run, tmp_path: Path) -> None:
    """It says which; one that cannot be finished is named with its end, and does not keep others from it."""
    sample(command, tmp_path)
    with LocalBackend.open(tmp_path, exclusive=True) as backend:
        for run_id, source in [("k1", "sample"), ("k2", "/none/such.txt"), ("k3", "sample")]:
            settings = IngestRequest(source=source, dataset="few", run_id=run_id, count=2).as_json()
            backend.ingests.open(NewIngest(run_id=run_id, dataset="few", source=source, settings=settings))
        backend.ingests.end(3, "FAILED")
    found = {row["check"]: row for row in command("doctor", "--source", "sample", "--data", tmp_path, "--json").rows}
    assert (found["ingests"]["status"], found["ingests"]["detail"]) == ("warning", "2 bulk ingests are unfinished")
    done = command("resume", "--data", tmp_path)
    assert done.code == 2
    assert "To finish: ingest k1 of few, nothing listed yet." in done.stderr
    assert "k2: list /none/such.txt: it cannot be read: No such file or directory; it had listed" in done.stderr
    rows = command("runs", "--dataset", "few", "--json", "--data", tmp_path).rows
    assert {row["run"]: row["status"] for row in rows} == {"k1": "SUCCEEDED", "k3": "FAILED"}
    assert command("resume", "--data", tmp_path).code == 0
    assert command("resume", "--run", "k3", "--data", tmp_path).code == 0


# ---- subscribe


def test_subscriptions_are_made_listed_and_removed(command: Run, tmp_path: Path) -> None:
    """Secrets in URLs are not shown; the same subscription twice is one."""
    data = ("--data", tmp_path / "data")
    hook = "http://127.0.0.1:9/hook?token=secret"
    assert command("subscribe", "webhook", hook, *data).stdout == "Subscription 1: webhook http://127.0.0.1:9/***\n"
    assert command("subscribe", "webhook", hook, "--json", *data).rows == [
        {"subscription": 1, "protocol": "webhook", "endpoint": "http://127.0.0.1:9/***"}
    ]
    command("subscribe", "console", *data)
    assert [row["protocol"] for row in command("subscribe", "--list", "--json", *data).rows] == ["webhook", "console"]
    assert "http://127.0.0.1:9/***" in command("subscribe", "--list", *data).stdout
    assert command("subscribe", "--remove", 1, *data).stdout.startswith("Removed subscription 1: webhook")
    assert [row["subscription"] for row in command("subscribe", "--list", "--json", *data).rows] == [2]


@pytest.mark.parametrize(
    "words", ["", "console --list", "pigeon home", "webhook ftp://h/x", "file /none/x", "email nobody", "--remove 7"]
)
def test_a_wrong_subscription_is_exit_code_2(command: Run, tmp_path: Path, words: str) -> None:
    """With what would be right."""
    done = command("subscribe", *words.split(), "--data", tmp_path)
    assert (done.code, done.stdout) == (2, "")


def test_listing_subscriptions_makes_nothing(command: Run, tmp_path: Path) -> None:
    """Looking into a directory that is not there leaves it so."""
    done = command("subscribe", "--list", "--data", tmp_path / "none")
    assert (done.code, list(tmp_path.iterdir())) == (2, [])


# ---- validate


def test_the_workflow_is_valid(command: Run) -> None:
    """The file that this project runs."""
    done = command("validate", WORKFLOW)
    assert (done.code, done.stderr) == (0, "")
    assert "valid, STANDARD, 19 states" in done.stdout
    assert command("validate", WORKFLOW, "--json").rows == [{"file": str(WORKFLOW), "valid": True, "problems": []}]


@pytest.mark.parametrize(
    ("definition", "place", "words"),
    [
        ("", "", "JSON object"),
        ("{", "", "INVALID_JSON"),
        ("[]", "", "JSON object"),
        ("{}", "$", "[States, StartAt]"),
        ('{"StartAt":"A","States":{}}', "$.States", "empty"),
        ('{"StartAt":"B","States":{"A":{"Type":"Succeed"}}}', "$.StartAt", "Missing 'Next' target: B"),
        ('{"StartAt":"A","States":{"A":{"Type":"Pass","Next":"Z"}}}', "$.States.A.Next", "Missing 'Next' target: Z"),
        ('{"StartAt":"A","States":{"A":{"Type":"Succeed"},"B":{"Type":"Succeed"}}}', "$.States.B", "not reachable"),
        ('{"StartAt":"A","States":{"A":{"Type":"Tsk","End":true}}}', "$.States.A.Type", "Task, Wait, Pass"),
        ('{"StartAt":"A","States":{"A":{"Type":"Pass","End":true,"Next":"A"}}}', "$.States.A", "mutually exclusive"),
        (
            '{"StartAt":"A","States":{"A":{"Type":"Pass","InputPath":"$[","End":true}}}',
            "$.States.A.InputPath",
            "JSONPath",
        ),
    ],
)
def test_a_broken_definition_is_told_with_its_place(
    command: Run, tmp_path: Path, definition: str, place: str, words: str
) -> None:
    """Exit code 2, each problem with its JSON path, the same for people and for programs."""
    file = tmp_path / "machine.json"
    file.write_text(definition)
    done = command("validate", file)
    assert done.code == 2
    assert done.stdout.startswith(f"{file}:1:")
    assert f"error: {place}" in done.stdout
    assert words in done.stdout
    assert "problem" in done.stderr
    [told] = command("validate", file, "--json").rows
    assert told["valid"] is False
    assert any(problem["path"] == place and words in problem["message"] for problem in told["problems"])


def test_what_is_no_definition_at_all(command: Run, tmp_path: Path) -> None:
    """A missing file, a folder without definitions, bytes that are no text."""
    (tmp_path / "bytes").write_bytes(b"\x89\xfe\x00")
    (tmp_path / "half").write_bytes(b"\xff\xfe\x00")
    wrong = {
        "none.json": "No such file",
        ".": "no state machine definition",
        "bytes": "is not UTF-8 text",
        "half": "is not UTF-16-LE text",
    }
    for file, words in wrong.items():
        done = command("validate", tmp_path / file)
        assert (done.code, done.stdout) == (2, "")
        assert words in done.stderr


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_definition_may_be_saved_by_any_editor(command: Run, tmp_path: Path, encoding: str) -> None:
    """A byte order mark is not part of the JSON; the same holds for what options read from files."""
    file, given = tmp_path / "machine.json", tmp_path / "input.json"
    file.write_text(json.dumps({"StartAt": "é", "States": {"é": {"Type": "Pass", "End": True}}}), encoding=encoding)
    given.write_text('{"a": 1}', encoding=encoding)
    assert command("validate", file).code == 0
    assert '"a": 1' in command("test-state", file, "é", "--input", f"@{given}").stdout


def test_a_byte_order_mark_in_a_text_is_told_in_our_words() -> None:
    """Of a definition given as a text; CreateStateMachine takes none either."""
    with pytest.raises(DefinitionError, match=r"begins with a byte order mark \(U\+FEFF\)"):
        StateMachine.parse('\ufeff{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}')


def test_names_in_a_definition_cannot_steer_the_terminal(command: Run, tmp_path: Path) -> None:
    """A state's name is text from outside."""
    file = tmp_path / "machine.json"
    file.write_text(json.dumps({"StartAt": "\x1b[31m\u202e", "States": {"A": {"Type": "Succeed"}}}))
    shown = command("validate", file).stdout
    assert "\x1b" not in shown
    assert "\\x1b[31m\\u202e" in shown


# ---- doctor, help, version


def test_doctor(command: Run, kennel: Path, tmp_path: Path) -> None:
    """Every check, with a status; before the first run all is well, and nothing is made by looking."""
    rows = command("doctor", "--source", "sample", "--json", "--data", kennel).rows
    names = [
        "version",
        "extras",
        "workflow",
        "data directory",
        "disk space",
        "database",
        "recovery",
        "ingests",
        "source",
        "subscriptions",
    ]
    assert [row["check"] for row in rows] == names
    assert all(list(row) == ["check", "status", "detail", "next"] for row in rows)
    assert "24 audit records, 0 unfinished" in rows[5]["detail"]
    shown = command("doctor", "--source", "sample", "--data", tmp_path / "none")
    assert shown.code == 0
    assert "✔ version: pupline" in shown.stdout
    assert list(tmp_path.iterdir()) == []


def test_doctor_finds_what_is_wrong(command: Run, tmp_path: Path) -> None:
    """A damaged database is an error and exit code 1; an unreachable source a warning."""
    (tmp_path / "pupline.sqlite").write_bytes(b"garbage" * 1000)
    done = command("doctor", "--source", "http://127.0.0.1:1/api", "--json", "--data", tmp_path)
    statuses = {row["check"]: row["status"] for row in done.rows}
    assert done.code == 1
    assert (statuses["database"], statuses["source"], statuses["version"]) == ("error", "warning", "ok")


def test_help_and_version(command: Run) -> None:
    """Every command of the list has help; exit codes and examples stand in the first page."""
    first = command("--help").stdout
    assert "Exit codes:" in first
    assert "130" in first
    listed = first.split("Fetch images:")[1].split("Exit codes:")[0]
    names = [line.split()[0] for line in listed.splitlines() if re.match("  [a-z]", line)]
    assert {"run", "resume", "executions", "audit", "alerts", "subscribe", "insights", "validate", "doctor"} <= set(
        names
    )
    for name in names:
        assert command(name, "--help").stdout.startswith(f"Usage: pupline {name}")
    assert command("--version").stdout == f"pupline, version {__version__}\n"


def test_the_data_directory_comes_from_the_environment(
    command: Run, kennel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PUPLINE_DATA stands for --data."""
    monkeypatch.setenv("PUPLINE_DATA", str(kennel))
    assert len(command("audit", "--json").rows) == 24


def test_help_needs_no_heavy_import() -> None:
    """`pupline --help` answers at once because it loads neither rich nor a database, nor an HTTP server."""
    code = "import sys, pupline.cli\nsys.argv[1:] = ['--help']\npupline.cli._invoke()\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert not loaded & {
        "rich",
        "sqlite3",
        "apprise",
        "jsonata",
        "boto3",
        "http.server",
        "pupline.local",
        "pupline.asl",
    }
