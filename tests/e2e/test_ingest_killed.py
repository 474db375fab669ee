"""A whole ingest, killed again and again, from outside. SOAK_IMAGES says how many images: `make soak` takes 10,000."""

import json
import os
import random
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.ingest_checks import check_ingest, check_nothing_half_done
from tests.e2e.ingest_kennel import Kennel, kennel_of, serving
from tests.shared.installed import PUPLINE, pupline

IMAGES = int(os.environ.get("SOAK_IMAGES", "300"))
KILLS = 5
UNDER_WAY = 2000
"""Images fetched and not yet committed that a kill may cost, at most: some groups of 512."""
SEED = int(os.environ.get("SOAK_SEED", "5"))


@pytest.mark.long
def test_an_ingest_killed_five_times_has_every_image_once(tmp_path: Path) -> None:
    """SIGKILL at random instants, the same command again: bucket, audit, metadata and alerts are as if undisturbed.

    A sixth kill comes when all images are there and the metadata is being written.

    Then the source is mended, and `--retry-failed` asks for what failed, and for nothing else.
    """
    kennel, data = kennel_of(IMAGES), tmp_path / "data"
    with serving(kennel) as base_url:
        command = ["ingest", base_url, "--dataset", "dogs", "--run-id", "soak"]
        killed = [PUPLINE, *command, "--data", str(data)]
        kills = _kill_again_and_again(kennel, killed, tmp_path / "errors.txt")
        with _started(killed, tmp_path / "errors.txt") as child:
            _wait(lambda: (data / "buckets" / "dog-images" / "datasets" / "dogs").exists() or child.poll() is not None)
            child.kill()
        done = pupline(data, *command, "--json")
        assert done.returncode == 1, done.stderr
        assert kills == KILLS, "the ingest was over before it could be killed"
        assert "Traceback" not in (tmp_path / "errors.txt").read_text() + done.stderr
        outcomes = check_ingest(data, kennel, "soak")
        summary = json.loads(done.stdout.splitlines()[-1])
        assert (summary["run"], summary["status"], Counter(summary["outcomes"])) == ("soak", "SUCCEEDED", outcomes)
        again = sum(count - 1 for count in kennel.sent.values())
        assert again <= KILLS * UNDER_WAY
        _check_retry(kennel, data)


def _kill_again_and_again(kennel: Kennel, command: list[str], log: Path) -> int:
    """Kill the ingest at instants that are spread over it, by turns alone and with its workers; how often it could."""
    chance = random.Random(SEED)
    for kill, images in enumerate(sorted(chance.randrange(IMAGES * 9 // 10) for _ in range(KILLS))):
        child = _started(command, log)
        _wait(lambda at=images, of=child: kennel.total_sent >= at or of.poll() is not None)
        time.sleep(chance.uniform(0.0, 0.1))
        if child.poll() is not None:
            return kill
        (os.killpg if kill % 2 else os.kill)(child.pid, signal.SIGKILL)
        child.wait()
    return KILLS


def _started(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as errors:
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors, start_new_session=True)


def _wait(until: Any) -> None:
    deadline = time.monotonic() + 120
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def _check_retry(kennel: Kennel, data: Path) -> None:
    """Only what failed is asked for, each once; it succeeds, and the whole is there."""
    failed = {path for path, flaw in kennel.flaws.items() if flaw in {"gone", "refused", "short"}}
    kennel.mend()
    kennel.forget()
    done = pupline(data, "ingest", "--retry-failed", "soak", "--run-id", "again", "--json")
    assert done.returncode == 0, done.stderr
    assert kennel.asked == Counter(failed)
    results = [json.loads(line) for line in done.stdout.splitlines()]
    assert {result["source_url"] for result in results[:-1]} == {kennel.url(path) for path in failed}
    assert results[-1]["retry_of"] == "soak"
    check_nothing_half_done(data)
