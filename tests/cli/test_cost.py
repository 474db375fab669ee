"""`pupline cost`: how numbers are written, what the options change, what people and programs are told."""

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pupline.cli._numbers import large_count
from pupline.tasks.bulk_limits import MAX_IMAGES_PER_RUN
from pupline.workflow_files import read_definition, workflow_path

Run = Callable[..., Any]

EARLIER = {
    "design",
    "title",
    "note",
    "images",
    "batch",
    "total_usd",
    "items",
    "records_counted",
    "prices_as_of",
    "region",
}
"""The fields that each design had from the beginning."""


def by_design(command: Run, *words: object) -> dict[str, dict[str, Any]]:
    """The bills of `cost --json` by design."""
    done = command("cost", "--json", *words)
    assert (done.code, done.stderr) == (0, "")
    return {row["design"]: row for row in done.rows}


@pytest.mark.parametrize("option", ["--alerts", "--rate-limited", "--start-rate", "--host-rate"])
@pytest.mark.parametrize("written", ["nan", "-1", "1e18", "10%"])
def test_what_is_out_of_range_is_refused(command: Run, option: str, written: str) -> None:
    """NaN too, which is neither below nor above any range."""
    done = command("cost", f"{option}={written}")
    assert (done.code, done.stdout) == (2, "")
    assert f"Invalid value for '{option}'" in done.stderr


def number_of(text: str) -> int:
    """The number that an option has with this text."""
    command = click.Command("cost", params=[click.Option(["--images"])])
    return large_count(click.Context(command), command.params[0], text)


@pytest.mark.parametrize("written", ["1e9", "1_000_000_000", "1,000,000,000", "1G", "1b", "1000M", "1.0e9"])
def test_a_billion_is_written_in_many_ways(written: str) -> None:
    """All of them are the same number."""
    assert number_of(written) == 10**9


@pytest.mark.parametrize("written", ["0", "-5", "1.5", "1e-3", "many", "", "1e13", "NaN", "1e99", "٣", "1 000"])
def test_what_is_no_number_of_images_is_refused(command: Run, written: str) -> None:
    """With one line that names the option."""
    done = command("cost", f"--images={written}")
    assert (done.code, done.stdout) == (2, "")
    assert "--images" in done.stderr
    assert "Traceback" not in done.stderr


@settings(max_examples=50)
@given(st.text(max_size=40))
def test_any_text_is_a_number_or_refused(text: str) -> None:
    """No text makes the reader of numbers raise anything else."""
    with contextlib.suppress(click.BadParameter):
        assert 1 <= number_of(text) <= 10**12


def test_programs_keep_their_fields(command: Run) -> None:
    """What was there stays; parts come to the total, percentages to a hundred."""
    for row in by_design(command).values():
        assert row.keys() >= EARLIER
        assert sum(item["usd"] for item in row["items"]) == pytest.approx(row["total_usd"], abs=0.006)
        assert sum(one["usd"] for one in row["services"]) == pytest.approx(row["total_usd"], abs=0.006)
        assert sum(one["percent"] for one in row["services"]) == pytest.approx(100, abs=0.01)
        extra = sum(item["usd"] for item in row["tracing_and_events"])
        assert row["total_with_tracing_and_events_usd"] == pytest.approx(row["total_usd"] + extra, abs=0.011)


@pytest.mark.slow
def test_a_billion_images_are_planned(command: Run) -> None:
    """Hours, runs and dollars of BulkIngest, and what limits it; the single flow is said not to be meant for it."""
    bulk = by_design(command, "--images", "1e9")["bulk"]
    runs = 10**9 // MAX_IMAGES_PER_RUN
    assert (bulk["runs"], bulk["batches"], bulk["bulk_concurrency"]) == (runs, 10_000_000, 4)
    assert bulk["limited_by"] == "the number of batches at the same time"
    assert bulk["hours"] == pytest.approx(4_872, rel=0.01)
    said = command("cost", "--images", "1e9").stdout
    assert f"BulkIngest: {runs} runs, 10,000,000 batches, 4 batches at the same time" in said
    assert f"4,872 hours (203 days), ${bulk['total_usd']:,.2f}. The limit is the number of" in " ".join(said.split())
    assert [other["bulk_concurrency"] for other in bulk["alternatives"]] == [240, 1_000]
    assert "With --bulk-concurrency 240" in said
    assert "One execution per image is not meant for 1,000,000,000 images" in said
    assert "not meant for" not in command("cost").stdout


def test_options_change_what_they_name(command: Run) -> None:
    """Alerts, waiting for servers, hosts, rates and reserved concurrency."""
    plain = by_design(command, "--images", "1000")
    alerting = by_design(command, "--images", "1000", "--alerts", "10", "--rate-limited", "20")
    assert alerting["stack"]["total_usd"] > plain["stack"]["total_usd"]
    slow = by_design(command, "--images", "1M", "--host-rate", "10")["bulk"]
    assert (slow["limited_by"], slow["images_per_second"]) == ("what the hosts allow", 10)
    narrow = by_design(command, "--images", "300", "--start-rate", "100", "--fetch-concurrency", "5")["stack"]
    assert narrow["throttled_attempts_per_image"] > 1
    assert narrow["fetch_concurrency"] == 5


@pytest.mark.parametrize("option", ["--alerts", "--rate-limited"])
def test_a_share_is_a_percentage(command: Run, option: str) -> None:
    """More than a hundred is refused, alone or together."""
    assert command("cost", option, "101").code == 2
    done = command("cost", "--alerts", "60", "--rate-limited", "60")
    assert (done.code, done.stdout) == (2, "")
    assert "more than 100 percent" in done.stderr


def test_a_batch_that_cannot_end_is_said(command: Run) -> None:
    """So many workers of so slow hosts would wait longer than a batch has."""
    done = command("cost", "--host-rate", "1", "--bulk-concurrency", "10")
    assert done.code == 0
    assert "would take 1,000 s, but has 200 s" in done.stderr


def test_an_audit_is_counted(command: Run, kennel: Any) -> None:
    """Shares from the records; an option given beside it wins."""
    counted = by_design(command, "--from-audit", "--data", kennel)["stack"]
    assert counted["records_counted"] == 24
    assert {"sns_publish", "sns_email"} <= {item["item"] for item in counted["items"]}
    quiet = by_design(command, "--from-audit", "--data", kennel, "--alerts", "0")["stack"]
    assert "sns_publish" not in {item["item"] for item in quiet["items"]}


def test_people_see_the_designs_side_by_side(command: Run) -> None:
    """A row for each service, a column for each design, totals with a dollar sign."""
    lines = command("cost").stdout.splitlines()
    names = next(line for line in lines if line.startswith("dollars"))
    assert [name for name in ("Standard", "Express", "BulkIngest", "floor") if name in names]
    (total,) = [line for line in lines if line.startswith("total")]
    assert total.split()[1:4] == ["$116.23", "$18.69", "$6.55"]
    assert any(line.startswith("Step Functions") for line in lines)


def test_a_workflow_that_cannot_be_express_has_no_such_bill(
    command: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as one that waits for a callback: it is said, and the other designs are priced."""
    definition = read_definition(workflow_path())
    waiting = {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken"}
    body = {"QueueUrl": "q", "MessageBody": {"token.$": "$$.Task.Token"}}
    definition["States"]["Ask"] = {**waiting, "Parameters": body, "ResultPath": None, "Next": "LogToDynamoDB"}
    definition["States"]["CheckIfPNG"]["Default"] = "Ask"
    (tmp_path / "mine.asl.json").write_text(json.dumps(definition))
    monkeypatch.setenv("PUPLINE_WORKFLOW", str(tmp_path / "mine.asl.json"))
    done = command("cost", "--json")
    assert [row["design"] for row in done.rows] == ["stack", "standard", "bulk", "map", "floor"]
    assert "cannot be Express" in done.stderr
