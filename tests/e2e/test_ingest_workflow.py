"""`pupline ingest --workflow` from outside: the state machine BulkIngest over a whole source, on this machine."""

import json
import os
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e.dog_api import jpeg
from tests.e2e.ingest_checks import (
    check_metadata,
    check_nothing_half_done,
    check_objects,
    check_outcomes,
    records_of,
    rows,
)
from tests.e2e.ingest_kennel import Kennel, kennel_of, serving
from tests.shared.installed import PUPLINE, pupline


def check(data: Path, kennel: Kennel, run: str) -> None:
    """Every image once, with its outcome, in bucket, audit and metadata; first alert and digest; nothing half-done."""
    records = records_of(data, run)
    assert {record["source_url"] for record in records.values()} == {kennel.url(path) for path in kennel.images}
    check_outcomes(kennel, {record["source_url"]: record for record in records.values()})
    check_objects(data, kennel, records)
    check_metadata(data, run, records, lines_in_order=False)  # a retried image's line is in its round's part
    check_nothing_half_done(data)


@pytest.mark.long
def test_the_state_machine_has_every_image_once(tmp_path: Path) -> None:
    """The same outcomes as without it; one execution; two alerts; a line of JSON for each image, then the summary."""
    kennel = kennel_of(120)
    # As on AWS, only an object of the same name is compared with: the placeholder under many names is kept many times.
    kennel.images = {path: body for path, body in kennel.images.items() if body != jpeg(-1)}
    with serving(kennel) as base_url:
        done = pupline(tmp_path, "ingest", base_url, "--workflow", "--dataset", "dogs", "--run-id", "w", "--json")
        assert done.returncode == 1, done.stderr
        check(tmp_path, kennel, "w")
    *results, summary = [json.loads(line) for line in done.stdout.splitlines()]
    assert {result["execution"] for result in results} == set(records_of(tmp_path, "w"))
    assert Counter(result["outcome"] for result in results) == Counter(summary["outcomes"])
    assert [row["status"] for row in rows(tmp_path, "executions")] == ["SUCCEEDED"]
    assert len(rows(tmp_path, "alerts")) == 2


def test_a_killed_state_machine_goes_on(tmp_path: Path) -> None:
    """SIGKILL in the middle, the same command with its --run-id: every image once, one execution."""
    kennel = Kennel({f"pug/n{number:04}.jpg": jpeg(number) for number in range(300)}, delay_seconds=0.02)
    with serving(kennel) as base_url:
        command = ("ingest", base_url, "--workflow", "--dataset", "dogs", "--run-id", "w")
        words = [PUPLINE, *command, "--data", str(tmp_path)]
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
            deadline = time.monotonic() + 60
            while kennel.total_sent < 60 and child.poll() is None and time.monotonic() < deadline:
                time.sleep(0.005)
            assert child.poll() is None
            os.kill(child.pid, signal.SIGKILL)
        done = pupline(tmp_path, *command)
        assert done.returncode == 0, done.stderr
        check(tmp_path, kennel, "w")
    assert [row["execution"] for row in rows(tmp_path, "executions")] == ["w"]
