"""`pupline stop` from another process, while an ingest runs."""

import subprocess
import time
from pathlib import Path

import pytest

from pupline.local import LocalBackend
from tests.shared.installed import PUPLINE
from tests.shared.tiny_web import Said, Site, serving

pytestmark = pytest.mark.slow


def slowly(_headers: object) -> Said:
    """Answers late, with something that is not an image."""
    time.sleep(0.05)
    return Said(b"<html>no dog</html>")


def test_a_running_ingest_is_ended_by_another_process(tmp_path: Path) -> None:
    """It ends as ABORTED, with its files and what was done; its process exits with 1, and says so."""

    data, path = tmp_path / "data", tmp_path / "dogs.txt"
    with serving(Site({f"/{number}.jpg": slowly for number in range(400)})) as site:
        path.write_text("".join(f"{site.origin}/{number}.jpg\n" for number in range(400)))
        options = ["--allow-origin", site.origin, "--concurrency", "1", "--run-id", "long", "--data", str(data)]
        with subprocess.Popen(
            [PUPLINE, "ingest", path, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as running:
            wait_for_items(data, running)
            stopped = subprocess.run(
                [PUPLINE, "stop", "long", "--cause", "the wrong list", "--data", data],
                capture_output=True,
                text=True,
                timeout=60,
                check=True,
            )
            out, _ = running.communicate(timeout=60)
    assert stopped.stdout == "long: will be stopped by the process that is running it\n"
    assert running.returncode == 1
    assert "of 400 listed" in out
    with LocalBackend.open(data, exclusive=False) as backend:
        row = backend.ingests.get("long")
        done = backend.ingests.counts(row.ingest_id).done
    assert (row.status, row.cause) == ("ABORTED", "the wrong list")
    assert 0 < done < 400
    assert (data / "buckets/dog-images/datasets/dogs/runs/long/summary.json").is_file()


def test_a_running_ingest_is_discarded_by_another_process(tmp_path: Path) -> None:
    """It ends first, in its own process; then nothing of it is left but its audit records."""
    data, path = tmp_path / "data", tmp_path / "dogs.txt"
    with serving(Site({f"/{number}.jpg": slowly for number in range(400)})) as site:
        path.write_text("".join(f"{site.origin}/{number}.jpg\n" for number in range(400)))
        options = ["--allow-origin", site.origin, "--concurrency", "1", "--run-id", "long", "--data", str(data)]
        with subprocess.Popen([PUPLINE, "ingest", path, *options], stdout=subprocess.DEVNULL, text=True) as running:
            wait_for_items(data, running)
            words = [PUPLINE, "discard", "long", "--yes", "--data", str(data)]
            done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
            assert running.wait(60) == 1
    assert (done.returncode, done.stdout[:17]) == (0, "Removed run long:"), done.stderr
    assert not (data / "buckets/dog-images/datasets").exists()


def wait_for_items(data: Path, running: "subprocess.Popen[str]") -> None:
    """Until some items are done."""
    for _ in range(600):
        assert running.poll() is None
        if (data / "pupline.sqlite").is_file():
            with LocalBackend.open(data, exclusive=False) as backend:
                row = backend.ingests.find("long")
                if row is not None and backend.ingests.counts(row.ingest_id).done:
                    return
        time.sleep(0.1)
    pytest.fail("nothing was done within a minute")
