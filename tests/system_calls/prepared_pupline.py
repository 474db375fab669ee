"""pupline's commands in a process that has loaded everything before, whose calls go wrong as asked."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

from tests.system_calls.plan import Call, Fault, PlanFile

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SECONDS = 120.0
"""A command that takes longer hangs."""

_PROGRESS = re.compile(r"[\d,]+ (of|done)\b")
"""How the lines begin that tell of progress."""


def missing() -> str | None:
    """What this machine lacks for these tests, or None."""
    if sys.platform != "linux":
        return "calls are intercepted on Linux alone"
    return None if shutil.which("cc") else "no C compiler; install gcc and libc6-dev"


@cache
def library() -> Path:
    """`faults.c`, compiled."""
    source, built = HERE / "faults.c", ROOT / "build" / "system_calls" / "faults.so"
    if not built.exists() or built.stat().st_mtime < source.stat().st_mtime:
        built.parent.mkdir(parents=True, exist_ok=True)
        new = built.with_suffix(f".{os.getpid()}")
        options = ("-shared", "-fPIC", "-O1", "-U_FORTIFY_SOURCE", "-Wall", "-Wextra", "-Werror")
        subprocess.run(["cc", *options, "-o", new, source, "-ldl"], check=True)
        new.replace(built)
    return built


def preloaded(plan: Path, place: Path) -> dict[str, str]:
    """The environment of a process whose calls below `place` follow the plan."""
    return os.environ | {
        "LD_PRELOAD": str(library()),
        "SYSTEM_CALL_PLAN": str(plan),
        "SYSTEM_CALL_ROOT": str(place),
    }


@dataclass(frozen=True)
class Ended:
    """How a command ended. returncode: None where it hung. struck: the first call that went wrong, if one did."""

    returncode: int | None
    stdout: str
    stderr: str
    struck: Call | None = None

    @property
    def messages(self) -> list[str]:
        """The lines of stderr, but those that tell of progress."""
        return [line for line in self.stderr.splitlines() if not _PROGRESS.match(line)]

    def __str__(self) -> str:
        return f"code {self.returncode}, struck at {self.struck}, said:\n{self.stderr[-2000:]}"


class PreparedPupline:
    """Commands on the data directory `<base>/world/data`, one after the other.

    What lies in `<base>/world` counts as touched, so a command may be given other places there, too.
    """

    def __init__(self, base: Path) -> None:
        self.base = base
        self.world = base / "world"
        self.data = self.world / "data"
        self.world.mkdir(parents=True)
        self.plan = PlanFile(base / "plan")
        self._clock = base / "clock"
        self.set_clock(0)
        self._process: subprocess.Popen[str] | None = None

    def set_clock(self, seconds: float) -> None:
        """From now on the time of day is so many seconds later than the true one."""
        self._clock.write_text(str(seconds))

    def start(self, modules: Sequence[str] = ("pupline.cli",)) -> None:
        """Load the modules, in a new process."""
        self.close()
        (self.base / "modules").write_text("\n".join(modules))
        places = (ROOT, ROOT / "tests" / "shared" / "shifted_clock")
        environment = preloaded(self.plan.path, self.world) | {
            "SHIFTED_CLOCK": str(self._clock),
            "PYTHONPATH": ":".join(filter(None, (os.environ.get("PYTHONPATH"), *map(str, places)))),
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.system_calls.prepared_process", self.base / "modules"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
            cwd="/",
        )
        assert self._out.readline() == "ready\n"

    def load_what_it_loads(self, *words: object) -> Ended:
        """Do the command, undisturbed, and start again with all that it has loaded. How it ended."""
        self.start()
        ended = self(*words, loaded=self.base / "loaded")
        self.start((self.base / "loaded").read_text().split())
        return ended

    def close(self) -> None:
        """End the process."""
        if self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait(30)
            self._out.close()
            self._process = None

    @property
    def _out(self) -> IO[str]:
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout

    def __call__(self, *words: object, fault: Fault | None = None, loaded: Path | None = None) -> Ended:
        """One command to its end. loaded: where the names of the modules shall be written that it has loaded."""
        assert self._process is not None
        assert self._process.stdin is not None
        out, err = self.base / "out", self.base / "err"
        asked = {
            "words": [*map(str, words), "--data", str(self.data)],
            "out": str(out),
            "err": str(err),
            "fault": fault and [fault.action, fault.error, fault.targets, fault.at, fault.until],
            "loaded": loaded and str(loaded),
            "seconds": SECONDS,
        }
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        code = json.loads(self._out.readline())
        struck = self.plan.struck if fault else None
        return Ended(code, out.read_text(errors="replace"), err.read_text(errors="replace"), struck)

    def on(self, data: Path, *words: object) -> Ended:
        """One command, undisturbed, as `tests.shared.installed.pupline`."""
        assert data == self.data
        return self(*words)


@contextmanager
def prepared(base: Path) -> Iterator[PreparedPupline]:
    """One that is ended afterwards."""
    pupline = PreparedPupline(base)
    try:
        yield pupline
    finally:
        pupline.close()
