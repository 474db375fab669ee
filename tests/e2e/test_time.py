"""A killed run goes on after an hour, after a month, with the clock put forward or back: it ends as if undisturbed.

The commands run in processes of their own, whose clock is off by what a file says (`shifted_clock`): it is set between
a SIGKILL and the next start, and while that one works.
"""

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import pytest

from pupline.backends.machine._doctor import examine
from pupline.local import LocalBackend
from tests.e2e.dog_api import DogApi, serving
from tests.shared.batch_world import jpeg
from tests.shared.functions_fakes import picture
from tests.shared.image_host import image_host
from tests.shared.installed import PUPLINE

pytestmark = pytest.mark.long

SHIFTED = Path(__file__).parents[1] / "shared" / "shifted_clock"
COUNT = 16
HOUR, MONTH = 3600, 30 * 86_400
FOREVER = 60
IMAGES = {f"/breeds/pug/n{n:03}.jpg": jpeg(n) if n % 4 else picture("PNG") + bytes([n]) for n in range(COUNT)}


@dataclass
class Host:
    """A server of IMAGES, and what a command needs to fetch them all. heard: called at each request for an image."""

    words: list[str]
    heard: Callable[[int], None] = lambda _: None
    asked: Counter[str] = field(default_factory=Counter)


@contextmanager
def api() -> Iterator[Host]:
    """For `run`: an API of random images, each of which fails once, so that there is a back-off."""
    host = Host([])

    class Hooked(DogApi):
        def answer(self, path: str) -> tuple[int, bytes]:
            host.asked[path] += 1
            host.heard(host.asked.total())
            return super().answer(path)

    with serving(Hooked({f"/images{path}": body for path, body in IMAGES.items()}, failures=1)) as base_url:
        host.words = ["run", "--count", str(COUNT), "--concurrency", "4", "--run-id", "r", "--source", base_url]
        yield host


@contextmanager
def listed(folder: Path, *options: str) -> Iterator[Host]:
    """For `ingest`: a list of the images."""
    with image_host(IMAGES) as running:
        path = folder / "urls.txt"
        path.write_text("".join(f"{running.origin}{name}\n" for name in IMAGES))
        words = ["ingest", str(path), "--dataset", "dogs", "--run-id", "r", "--allow-origin", running.origin, *options]
        host = Host(words)
        running.heard = lambda number: host.heard(number)
        yield host


@dataclass
class Machine:
    """A machine whose clock can be set, with one data directory."""

    folder: Path

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    def set_clock(self, shift: float) -> None:
        """Have the clock be off by so many seconds, at once and for all processes."""
        fresh = self.folder / "clock.new"
        fresh.write_text(str(shift))
        fresh.replace(self.folder / "clock")

    def start(self, words: list[str]) -> "subprocess.Popen[str]":
        """A command, begun."""
        environment = {**os.environ, "PYTHONPATH": str(SHIFTED), "SHIFTED_CLOCK": str(self.folder / "clock")}
        command = [PUPLINE, *words, "--data", str(self.data)]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True
        )


def kill(child: "subprocess.Popen[str]") -> None:
    """SIGKILL to a command and to all that it has started."""
    os.killpg(child.pid, signal.SIGKILL)
    child.communicate(timeout=FOREVER)


COMMANDS: dict[str, Callable[[Path], AbstractContextManager[Host]]] = {
    "run": lambda _folder: api(),
    "ingest": lambda folder: listed(folder, "--workers", "1", "--concurrency", "4"),
    "ingest --workflow": lambda folder: listed(folder, "--workflow", "--concurrency", "4"),
}


@pytest.mark.parametrize(("gap", "jump"), [(HOUR, -2 * HOUR), (MONTH, 0), (-HOUR, 5 * HOUR)])
@pytest.mark.parametrize("command", COMMANDS)
def test_killed_and_resumed_it_ends_as_if_undisturbed(tmp_path: Path, command: str, gap: int, jump: int) -> None:
    """SIGKILL at the ninth image, the clock set by `gap`, and by `jump` while the same command goes on: one of each."""
    machine = Machine(tmp_path)
    machine.set_clock(0)
    with COMMANDS[command](tmp_path) as host:
        first = machine.start(host.words)
        reached: list[int] = []
        host.heard = lambda number: reached.append(number) if number == 9 else None
        deadline = time.monotonic() + FOREVER
        while not reached and first.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        assert first.poll() is None
        kill(first)
        machine.set_clock(gap)
        at = host.asked.total() + 3 if command == "run" else 12
        host.heard = lambda number: machine.set_clock(gap + jump) if number >= at else None
        out, errors = machine.start([*host.words, "--json"]).communicate(timeout=FOREVER)
    assert "Traceback" not in errors
    _check(machine.data, command, errors + out)


def _check(data: Path, command: str, told: str) -> None:
    """Each image stored as it was served, with one record; an alert for each PNG, or for all; nothing left over."""
    with LocalBackend.open(data, exclusive=False) as backend:
        records = list(backend.audit.records())
        alerts = len(list(backend.topic.alerts()))
        statuses = {row.status for row in backend.journal.executions()}
    assert Counter(record.outcome for record in records).keys() <= {"stored", "duplicate"}, told
    assert len({record.execution for record in records}) == len(records) == COUNT
    html = data / "buckets" / "dog-images" / "html"
    files = Counter(sha256(path.read_bytes()).hexdigest() for path in html.rglob("*") if path.is_file())
    assert set(files) <= {sha256(body).hexdigest() for body in IMAGES.values()}
    assert set(files.values()) == {1}
    assert {record.sha256 for record in records} == set(files)
    assert statuses <= {"SUCCEEDED"}
    assert list((data / "tmp").iterdir()) == []
    alerted = [record for record in records if record.alert_triggered]
    assert alerted == [record for record in records if record.file_type == "png"]
    assert alerts == (len(alerted) if command == "run" else 2)


def test_killed_while_it_lists_it_begins_again(tmp_path: Path) -> None:
    """SIGKILL while `ingest --workflow` lists: what it leaves in `tmp` is a folder, which the next start removes."""
    machine = Machine(tmp_path)
    machine.set_clock(0)
    with image_host({}) as api:
        child = machine.start(["ingest", f"{api.origin}/api", "--workflow", "--dataset", "dogs", "--run-id", "r"])
        api.heard = lambda _: os.killpg(child.pid, signal.SIGKILL)
        child.communicate(timeout=FOREVER)
    assert child.returncode == -signal.SIGKILL
    (left,) = (machine.data / "tmp").iterdir()
    assert left.name.startswith("manifest-")
    assert {check.name: check.detail for check in examine(machine.data, "sample")}["recovery"] == (
        "the next start will remove 1 entry of tmp (0 bytes)"
    )
    with listed(tmp_path, "--workflow") as host:
        done = machine.start([*host.words[:4], "--run-id", "other", *host.words[6:]])
        _, errors = done.communicate(timeout=FOREVER)
    assert done.returncode == 0, errors
    _check(machine.data, "ingest --workflow", errors)
