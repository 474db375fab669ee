"""Trouble of this machine, from outside: one line, nothing recorded as failed, and the next command does the rest."""

import resource
import subprocess
from pathlib import Path

import pytest

from tests.shared.installed import PUPLINE

pytestmark = pytest.mark.long


def pupline(
    data: Path, *arguments: str, descriptors: int | None = None, megabytes: int | None = None
) -> subprocess.CompletedProcess[str]:
    """One command on the data directory, which may open so many files, and have so much memory."""

    def limit() -> None:
        if descriptors:
            resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))
        if megabytes:
            resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))

    command = [PUPLINE, *arguments, "--data", str(data)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, preexec_fn=limit)


def told_lines(stderr: str) -> int:
    """How many lines stderr has, besides those that tell of an ingest's progress; a traceback has more than one."""
    return sum(" done, " not in line for line in stderr.splitlines())


WORK = {
    "run": ("run", "--source", "sample", "--count", "6", "--run-id", "r"),
    "ingest": ("ingest", "sample", "--count", "6", "--run-id", "r"),
    "workflow": ("ingest", "sample", "--count", "6", "--run-id", "r", "--workflow"),
}


@pytest.mark.parametrize(("work", "descriptors"), [("run", 10), ("ingest", 10), ("workflow", 16)])
def test_few_descriptors_end_the_run_and_no_image(tmp_path: Path, work: str, descriptors: int) -> None:
    """`ulimit -n`: one line, a code other than 0, no record of a failure; with more of them all is done."""
    done = pupline(tmp_path, *WORK[work], descriptors=descriptors)
    assert done.returncode in {1, 2}, done.stderr
    assert told_lines(done.stderr) == 1, done.stderr
    assert "ulimit -n" in done.stderr or "worker process cannot be started" in done.stderr
    again = pupline(tmp_path, *WORK[work])
    assert again.returncode == 0, again.stderr
    told = pupline(tmp_path, "audit", "--json").stdout
    assert (told.count("\n"), '"failed"' in told) == (6, False)


@pytest.mark.parametrize("work", WORK)
def test_a_bucket_that_cannot_be_used_ends_the_run_and_no_image(tmp_path: Path, work: str) -> None:
    """A file where the images' directory belongs: one line, nothing recorded; moved away, all is done."""
    place = tmp_path / "buckets" / "dog-images" / ("datasets" if work == "workflow" else "html")
    place.parent.mkdir(parents=True)
    place.write_text("in the way")
    done = pupline(tmp_path, *WORK[work])
    assert done.returncode == 1, done.stderr
    assert told_lines(done.stderr) == 1, done.stderr
    assert f"'{place.name}'" in done.stderr
    assert "move it away" in done.stderr
    place.unlink()
    again = pupline(tmp_path, *WORK[work])
    assert again.returncode == 0, again.stderr
    told = pupline(tmp_path, "audit", "--json").stdout
    assert (told.count("\n"), '"failed"' in told) == (6, False)


@pytest.mark.parametrize("work", WORK)
@pytest.mark.parametrize("megabytes", [90, 160])
def test_little_memory_is_one_line(tmp_path: Path, work: str, megabytes: int) -> None:
    """`ulimit -v`: neither a traceback, nor of a worker, nor an image that failed; what fits is done."""
    done = pupline(tmp_path, *WORK[work], megabytes=megabytes)
    assert done.returncode in {0, 1, 2}, done.stderr
    if done.returncode:
        assert told_lines(done.stderr) == 1, done.stderr
        assert "memory" in done.stderr
    again = pupline(tmp_path, *WORK[work])
    assert again.returncode == 0, again.stderr
    told = pupline(tmp_path, "audit", "--json").stdout
    assert (told.count("\n"), '"failed"' in told) == (6, False)
