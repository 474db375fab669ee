"""An ingest that is interrupted, loses a worker, its reader or its disk: what it says, and that nothing is lost."""

import json
import os
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE

import pytest

from tests.e2e.dog_api import jpeg, png
from tests.e2e.ingest_checks import check_ingest, check_nothing_half_done, records_of
from tests.e2e.ingest_kennel import Kennel, serving
from tests.shared.installed import PUPLINE, pupline


def kennel(count: int) -> Kennel:
    """`count` sound images, served slowly enough to be met on the way."""
    return Kennel({f"pug/n{number:04}.jpg": jpeg(number) for number in range(count)}, delay_seconds=0.01)


def wait(until: Callable[[], object]) -> None:
    """Until it is so; a minute at most."""
    deadline = time.monotonic() + 60
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.005)


@contextmanager
def under_way(data: Path, served: Kennel | None, *command: object) -> Iterator[subprocess.Popen[str]]:
    """An ingest that has had 50 images of a kennel."""
    words = [PUPLINE, "ingest", *map(str, command), "--data", str(data)]
    with subprocess.Popen(words, stdout=PIPE, stderr=PIPE, text=True, start_new_session=True) as child:
        wait(lambda: served is None or served.total_sent >= 50 or child.poll() is not None)
        try:
            yield child
        finally:
            if child.poll() is None:
                child.kill()


def children_of(pid: int) -> list[int]:
    """The processes that a process started and that are still there."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(word) for word in listed.read_text().split()] if listed.exists() else []


@pytest.mark.parametrize("asked", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_ingest_says_how_to_go_on_and_does(tmp_path: Path, asked: signal.Signals) -> None:
    """Exit code 130; `resume` knows the source and does the rest; each image is fetched once in all."""
    served = kennel(400)
    with serving(served) as base_url:
        with under_way(tmp_path, served, base_url, "--dataset", "dogs", "--run-id", "r") as child:
            # A terminal sends Ctrl-C to the workers too; who sends SIGTERM knows one process.
            (os.killpg if asked == signal.SIGINT else os.kill)(child.pid, asked)
            _, errors = child.communicate(timeout=60)
        assert child.returncode == 130, errors
        assert "pupline resume --run r" in errors
        assert "Traceback" not in errors
        done = pupline(tmp_path, "resume", "--run", "r")
        assert done.returncode == 0, done.stderr
        check_ingest(tmp_path, served, "r")
    assert max(served.sent.values()) == 1


def test_a_second_ctrl_c_does_not_wait(tmp_path: Path) -> None:
    """Not even for a server that says nothing: exit code 130 at once, and no process is left."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        base_url = f"http://127.0.0.1:{silent.getsockname()[1]}/api"
        with under_way(tmp_path, None, base_url, "--timeout", 60) as child:
            silent.settimeout(60)
            connection, _ = silent.accept()
            workers = children_of(child.pid)
            os.killpg(child.pid, signal.SIGINT)
            assert child.stderr is not None
            said = next(line for line in child.stderr if line.strip())
            assert "Ctrl-C again" in said
            os.killpg(child.pid, signal.SIGINT)
            _, errors = child.communicate(timeout=40)
            connection.close()
        assert (child.returncode, "Traceback" in errors) == (130, False), errors
        wait(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


def test_workers_die_with_their_coordinator(tmp_path: Path) -> None:
    """SIGKILL leaves no process behind that goes on fetching."""
    served = kennel(400)
    with serving(served) as base_url:
        with under_way(tmp_path, served, base_url, "--workers", "2") as child:
            workers = children_of(child.pid)
            assert len(workers) >= 2
            child.kill()
        wait(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))


def test_a_worker_that_is_killed_is_replaced(tmp_path: Path) -> None:
    """Its images are had by another one: the run ends as if nothing had happened."""
    served = kennel(300)
    with serving(served) as base_url:
        with under_way(tmp_path, served, base_url, "--workers", "2", "--run-id", "r", "--dataset", "dogs") as child:
            os.kill(children_of(child.pid)[0], signal.SIGKILL)
            _, errors = child.communicate(timeout=60)
        assert child.returncode == 0, errors
        check_ingest(tmp_path, served, "r")


def test_a_full_disk_is_said_and_nothing_is_acknowledged(tmp_path: Path) -> None:
    """One line, no traceback; with room again the same command has every image once."""
    served = Kennel({f"pug/n{number}.png": png(number, 1_500_000) for number in range(6)})
    data = tmp_path / "data"
    command = [PUPLINE, "ingest", "--dataset", "dogs", "--run-id", "r", "--data", str(data)]
    with serving(served) as base_url:
        done = subprocess.run(
            [*command, base_url],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, resource.RLIM_INFINITY)),
        )
        assert done.returncode == 1, done.stdout
        assert "Traceback" not in done.stderr
        assert done.stderr.endswith("What is done is kept; the same command continues\n")
        assert len(done.stderr.splitlines()) == 1
        done = subprocess.run([*command, base_url], capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        check_ingest(data, served, "r")


def test_a_reader_that_goes_away_stops_the_run_and_loses_nothing(tmp_path: Path) -> None:
    """`pupline ingest --json | head -1`: exit code 130, and the same command goes on."""
    served = kennel(400)
    with serving(served) as base_url:
        command = (base_url, "--dataset", "dogs", "--run-id", "r", "--json")
        with under_way(tmp_path, served, *command) as child:
            assert child.stdout is not None
            assert json.loads(child.stdout.readline())["execution"].startswith("r-")
            child.stdout.close()
            assert child.stderr is not None
            errors = child.stderr.read()
            assert child.wait(60) == 130, errors
        assert "the same command" in errors
        assert "Traceback" not in errors
        done = pupline(tmp_path, "ingest", *command)
        assert done.returncode == 0, done.stderr
        check_ingest(tmp_path, served, "r")


def test_a_second_ingest_of_the_same_directory_is_refused(tmp_path: Path) -> None:
    """One process at a time: the other one says so and exits with 2; the first is not disturbed."""
    served = kennel(400)
    served.delay_seconds = 0.3  # for 400 images, 32 at a time, that is longer than the second one takes
    with serving(served) as base_url:
        with under_way(tmp_path, served, base_url, "--run-id", "r") as child:
            second = pupline(tmp_path, "ingest", base_url)
            assert (second.returncode, len(second.stderr.splitlines())) == (2, 1)
            assert "in use" in second.stderr
            _, errors = child.communicate(timeout=60)
        assert child.returncode == 0, errors
    assert len(records_of(tmp_path, "r")) == 400
    check_nothing_half_done(tmp_path)
