"""The benchmarks: what they print can be trusted to be what was measured. The figures themselves are no test."""

import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from pupline.images import inspect

pytestmark = [pytest.mark.slow, pytest.mark.long]

ROOT = Path(__file__).parents[1]
NGINX = shutil.which("nginx", path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin")
needs_nginx = pytest.mark.skipif(not NGINX, reason="nginx is not installed")

MEASURE_A_GRANDCHILD = """
import sys
from pathlib import Path
from benchmarks.processes import run_measured

spin = "import time; held = bytes(range(256)) * 250_000\\nwhile time.process_time() < 0.5: pass"
child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {spin!r}], check=True); print('done')"
usage = run_measured([sys.executable, "-c", child], Path(sys.argv[1]))
print(usage.status, usage.cpu_seconds >= 0.5, usage.seconds > 0, usage.peak_bytes >= 64_000_000)
"""


def bench(*parts: str) -> subprocess.CompletedProcess[str]:
    """`python -m benchmarks` with these parts, to its end."""
    command = [sys.executable, "-m", "benchmarks", *parts]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def rows(done: subprocess.CompletedProcess[str]) -> list[list[str]]:
    """The table's cells, a list for each line that has any."""
    lines = [line for line in done.stdout.splitlines() if line.startswith("│")]
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]


@pytest.fixture
def tiny_origin() -> Iterator[str]:
    """The origin of a server of tiny pictures."""
    command = [sys.executable, "-m", "benchmarks.tiny_server"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.stdin.close()


def test_a_part_that_is_not_there_is_refused() -> None:
    """A misspelt part is one line that names the parts, and exit code 2."""
    done = bench("fiev")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == (
        "no such part: fiev; there are five, pipeline, waiting, states, map, fetch, help, cold, ingest, limits, "
        "dead, bytecodes, flat, console, million, quality\n"
    )


def test_one_part_gives_its_rows_and_names_the_machine() -> None:
    """`help` alone gives its row and no other, and below the table what it was measured on."""
    done = bench("help")
    assert done.returncode == 0, done.stderr
    assert "pupline --help" in done.stdout
    assert "cores" in done.stdout
    assert "CPython" in done.stdout
    assert "executions held" not in done.stdout


def test_a_measured_command_is_charged_for_its_descendants(tmp_path: Path) -> None:
    """CPU time and memory of a process that the command started are the command's; what it prints goes to the log."""
    log = tmp_path / "log"
    command = [sys.executable, "-c", MEASURE_A_GRANDCHILD, str(log)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "0 True True True\n"
    assert log.read_text() == "done\n"


def test_tiny_pictures_are_sound_and_all_different(tiny_origin: str) -> None:
    """Each number gives another GIF that passes the check, with its length declared; other paths are not found."""
    bodies = []
    for number in (0, 1, 99_999_999):
        with urllib.request.urlopen(f"{tiny_origin}/{number:08}.gif", timeout=10) as answer:  # noqa: S310 - our own
            bodies.append(answer.read())
            assert int(answer.headers["Content-Length"]) == len(bodies[-1])
    assert len(set(bodies)) == 3
    assert [inspect(body).problem for body in bodies] == [None] * 3
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"{tiny_origin}/robots.txt", timeout=10)  # noqa: S310 - our own


@needs_nginx
def test_the_comparison_gives_a_row_for_each_downloader() -> None:
    """Both fetch the same pictures, which are compared; a peer that is not installed has a row that says how to."""
    done = bench("--small", "ingest")
    assert done.returncode == 0, done.stderr
    assert "pupline ingest" in done.stdout
    assert "img2dataset" in done.stdout
    assert "40 JPEGs" in done.stdout


@needs_nginx
def test_the_limits_are_measured_one_by_one() -> None:
    """Fetching, looking, keeping and the disk alone have a rate each."""
    done = bench("--small", "limits")
    assert done.returncode == 0, done.stderr
    assert [row[2].endswith("/s") for row in rows(done)] == [True] * 4


@needs_nginx
def test_dead_links_are_compared_with_images() -> None:
    """An image, and a refusal with the connection kept and closed, have a row each, for each form of pupline."""
    done = bench("--small", "dead")
    assert done.returncode == 0, done.stderr
    figures = [row[2].endswith("us") for row in rows(done) if row[2]]
    assert figures in ([True] * 3, [True] * 6)


def test_the_work_of_the_interpreter_is_counted_and_repeats() -> None:
    """The figures of two runs are the same; a refusal is less work than an image."""
    done = [bench("--small", "bytecodes") for _ in range(2)]
    first, second = ([row[2] for row in rows(one) if "bytecodes" in row[2]] for one in done)
    assert first == second
    image, refusal = (int(figure.split()[0].replace(",", "")) for figure in first)
    assert 0 < refusal < image


def test_growth_is_measured_for_each_number_of_items() -> None:
    """Ten items and a hundred give a row each with the memory of all processes, once every object is in the bucket."""
    done = bench("--small", "flat")
    assert done.returncode == 0, done.stderr
    assert [row[2].endswith("MB") for row in rows(done) if row[0]] == [True] * 2
