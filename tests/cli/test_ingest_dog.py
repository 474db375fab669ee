"""The script outside the workflow: what it says, and its exit codes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SCRIPT = Path(__file__).parents[2] / "ingest_dog.py"


def ingest(data: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """One call of the script."""
    return subprocess.run(
        [sys.executable, str(SCRIPT), "--source", "sample", "--data", str(data), *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_images_are_uploaded_once(tmp_path: Path) -> None:
    """A line for each image, with what it is; the second time all are duplicates."""
    first, again = ingest(tmp_path, "--count", "3"), ingest(tmp_path, "--count", "3")
    assert (first.returncode, first.stderr, again.returncode) == (0, "", 0)
    assert [line.split(":")[0] for line in first.stdout.splitlines()] == ["stored"] * 3
    assert [line.split(":")[0] for line in again.stdout.splitlines()] == ["duplicate"] * 3
    assert "PNG!" in first.stdout
    assert len(list((tmp_path / "buckets" / "dog-images" / "html").iterdir())) == 3


def test_the_data_directory_comes_from_the_environment_too(tmp_path: Path) -> None:
    """PUPLINE_DATA stands for --data, as in every command."""
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--source", "sample"],
        env={**os.environ, "PUPLINE_DATA": str(tmp_path / "kennel")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in tmp_path.iterdir()] == ["kennel"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--breed", "unheard"], 1, "failed: NotFound"),
        (["--count", "0"], 2, "at least one"),
        (["--source", "smaple"], 2, "did you mean sample"),
        (["--breed", "../x"], 2, "hound/afghan"),
    ],
)
def test_failures_and_mistakes(tmp_path: Path, words: list[str], code: int, said: str) -> None:
    """1 when an image failed, 2 when the options cannot work, said on stderr without a traceback."""
    done = ingest(tmp_path, *words)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_goes_is_no_error(tmp_path: Path) -> None:
    """`| head` has what it wanted."""
    command = f"'{sys.executable}' '{SCRIPT}' --source sample --count 3 --data '{tmp_path}'; echo $? >&2"
    done = subprocess.run(
        ["bash", "-c", f"({command}) | true"], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stderr == "0\n"
