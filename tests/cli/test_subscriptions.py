"""Alerts that arrive: what keeps a subscription from receiving them is said at once, and in the end."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Command


@pytest.fixture(autouse=True)
def no_mail_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the developer's machine has."""
    for name in ("PUPLINE_SMTP_URL", "PUPLINE_SMTP_PASSWORD", "PUPLINE_SMTP_FROM", "PUPLINE_WORKFLOW"):
        monkeypatch.delenv(name, raising=False)


def test_mail_without_a_server_is_said_at_once(tmp_path: Path, command: Command) -> None:
    """By subscribe, its list, and doctor, each with the variable to set; the subscription is made."""
    data = ("--data", tmp_path / "data")
    made = command("subscribe", "email", "me@example.com", *data)
    assert made.code == 0
    assert made.stdout == "Subscription 1: email me@example.com\n"
    assert "PUPLINE_SMTP_URL is not set" in made.stderr
    assert made.stderr.count("\n") == 1
    listed = command("subscribe", "--list", "--json", *data)
    assert "PUPLINE_SMTP_URL" in listed.rows[0]["problem"]
    checks = {row["check"]: row for row in command("doctor", "--source", "sample", "--json", *data).rows}
    assert checks["subscriptions"]["status"] == "ok"
    assert checks["subscription 1"]["status"] == "warning"
    assert checks["subscription 1"]["next"].startswith("export PUPLINE_SMTP_URL=")


def test_a_subscription_can_be_tried(tmp_path: Path, command: Command) -> None:
    """With a message that is no alert: to one as it is made, or to all; exit code 1 when one did not arrive."""
    data = ("--data", tmp_path / "data")
    assert command("subscribe", "console", *data).code == 0
    assert command("subscribe", "--test", *data).code == 0
    file = tmp_path / "alerts.jsonl"
    done = command("subscribe", "file", file, "--test", *data)
    assert (done.code, done.stdout.splitlines()[1]) == (0, f"Test message sent to file {file}")
    assert json.loads(file.read_text())["Subject"] == "Test message of pupline"
    assert command("subscribe", "webhook", "http://127.0.0.1:9/secret-path", *data).code == 0
    done = command("subscribe", "--test", "--json", *data)
    assert done.code == 1
    assert [row["test"] for row in done.rows] == ["sent", "sent", "failed"]
    assert "Connection refused" in done.rows[2]["error"]
    assert "secret-path" not in done.stdout + done.stderr
    assert command("alerts", "--json", *data).rows == []


@pytest.mark.parametrize("words", [("--test", "--list"), ("--test", "--remove", "1"), ()])
def test_only_one_thing_at_a_time(words: tuple[str, ...], tmp_path: Path, command: Command) -> None:
    """Anything else is bad usage."""
    assert command("subscribe", *words, "--data", tmp_path / "data").code == 2


def test_there_has_to_be_something_to_try(tmp_path: Path, command: Command) -> None:
    """One line with the command to make a subscription."""
    assert command("subscribe", "console", "--data", tmp_path / "data").code == 0
    assert command("subscribe", "--remove", "1", "--data", tmp_path / "data").code == 0
    done = command("subscribe", "--test", "--data", tmp_path / "data")
    assert (done.code, "pupline subscribe PROTOCOL ENDPOINT --test" in done.stderr) == (2, True)


@pytest.mark.slow
def test_why_a_delivery_waits_and_how_to_end_that(tmp_path: Path, command: Command) -> None:
    """The end of a run names the commands; alerts says why; resume tries again, and delivers."""
    data = ("--data", tmp_path / "data")
    folder = tmp_path / "there"
    folder.mkdir()
    assert command("subscribe", "file", folder / "alerts.jsonl", *data).code == 0
    assert command("subscribe", "file", tmp_path / "other.jsonl", *data).code == 0
    folder.rmdir()
    done = command("run", "--source", "sample", "--count", "4", *data)
    assert f"pupline alerts --data {tmp_path / 'data'} says why" in " ".join(done.stdout.split())
    assert f"pupline resume --data {tmp_path / 'data'} tries again" in " ".join(done.stdout.split())
    assert len((tmp_path / "other.jsonl").read_text().splitlines()) == 2
    waiting = command("alerts", *data)
    assert "Waiting: 2 alerts to file" in waiting.stdout
    assert "No such file or directory" in waiting.stdout
    assert "next attempt at 20" in waiting.stdout
    deliveries = [one for row in command("alerts", "--json", *data).rows for one in row["deliveries"]]
    assert {one["status"] for one in deliveries} == {"pending", "delivered"}
    assert all((one["next_attempt_at"] is not None) == (one["status"] == "pending") for one in deliveries)
    folder.mkdir()
    resumed = command("resume", *data)
    assert resumed.code == 0
    assert "2 alert deliveries waited; none is left" in resumed.stderr
    assert len((folder / "alerts.jsonl").read_text().splitlines()) == 2
    assert "Waiting" not in command("alerts", *data).stdout


@pytest.mark.slow
def test_what_was_removed_waits_no_longer(tmp_path: Path, command: Command) -> None:
    """Its deliveries are given up, and counted as that."""
    data = ("--data", tmp_path / "data")
    assert command("subscribe", "webhook", "http://127.0.0.1:9/secret-path", *data).code == 0
    assert command("ingest", "sample", *data).code == 0
    assert command("subscribe", "--remove", "1", *data).code == 0
    shown = command("alerts", *data).stdout
    assert "Given up: 2 alerts to webhook http://127.0.0.1:9/***" in shown
    assert "Waiting" not in shown
    assert "secret-path" not in shown
