"""The pytest plugin that tries mutants: it collects the tests once, then forks a process for each mutant.

In the child, the mutant's code replaces that of the functions which are already loaded; what the child imports later,
and every process that it starts, reads the mutated file. So a mutant costs the time of its tests, not of Python's start
and of the collection. A mutant outside of functions cannot be put in place that way: its status is "fresh", and it is
tried with its file written before Python starts.
"""

import gc
import json
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, Literal

import pytest

QUEUE = "PUPLINE_MUTATION_QUEUE"
"""Names the file of trials; the plugin appends a line for each to the same name with `.jsonl`."""

_TRIAL = "PUPLINE_MUTATION_TRIAL"
"""Is set in all processes of a trial, which are killed at its end by this sign."""

_CANNOT_PATCH = 3
_MEMORY = 8 << 30

Status = Literal["caught", "hang", "survived", "not reached", "fresh"]


@dataclass(frozen=True)
class Outcome:
    """How one fork ended: the test that failed or hung, if any."""

    status: Status
    test: str = ""


class Trials:
    """Runs in place of the tests."""

    def __init__(self, queue: Path) -> None:
        self._queue = queue
        self._scratch = Path(tempfile.mkdtemp(prefix="mutation-"))
        self._log = self._scratch / "log"
        self._is_sound: dict[str, bool] = {}
        self._stamp = int(time.time())

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Try each mutant of the queue, and note the result at once: the run can be stopped at any time."""
        by_test = {item.nodeid: item for item in session.items}
        for trial in json.loads(self._queue.read_text()):
            started = time.monotonic()
            items = [by_test[test] for test in trial["tests"] if test in by_test]
            outcome = self._tried(session, trial, items)
            line = {
                "name": trial["name"],
                "status": outcome.status,
                "test": outcome.test,
                "tests": len(items),
                "seconds": round(time.monotonic() - started, 1),
            }
            with self._queue.with_suffix(".jsonl").open("a") as file:
                file.write(json.dumps(line) + "\n")
            print(f"{outcome.status:<12}{line['seconds']:>6} s  {trial['name']}", flush=True)
        shutil.rmtree(self._scratch, ignore_errors=True)
        return True

    def _tried(self, session: pytest.Session, trial: dict[str, Any], items: list[pytest.Item]) -> Outcome:
        """A failure counts if the test passes without the mutant; a hang must come again, too."""
        while items:
            outcome = self._fork(session, trial, items)
            if not outcome.test or trial.get("is_written"):
                return outcome
            (failed,) = [item for item in items if item.nodeid == outcome.test]
            if self._passes_without(session, failed) and (
                outcome.status == "caught" or self._fork(session, trial, [failed]).status == outcome.status
            ):
                return outcome
            items = [item for item in items if item is not failed]
        return Outcome("not reached")

    def _passes_without(self, session: pytest.Session, item: pytest.Item) -> bool:
        if item.nodeid not in self._is_sound:
            without = {"path": "", "limit": 60}
            self._is_sound[item.nodeid] = self._fork(session, without, [item]).status == "survived"
        return self._is_sound[item.nodeid]

    def _fork(self, session: pytest.Session, trial: dict[str, Any], items: list[pytest.Item]) -> Outcome:
        self._log.write_text("")
        path = Path(trial["path"]) if trial["path"] and not trial.get("is_written") else None
        original = path.read_bytes() if path else b""
        modified = path.stat().st_mtime if path else 0.0
        if path:
            path.write_text(trial["source"])
            self._stamp += 10  # Python's cache of byte code compares whole seconds and sizes
            os.utime(path, (self._stamp, self._stamp))
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            self._run(session, items, path, original)
        try:
            code = _waited(child, self._log, trial["limit"])
        finally:
            if path:
                path.write_bytes(original)
                os.utime(path, (modified, modified))
            _kill_all_of(str(child))
            for left in self._scratch.glob("pytest-*"):
                shutil.rmtree(left, ignore_errors=True)
        return self._outcome(code)

    def _outcome(self, code: int | None) -> Outcome:
        lines = [line.split(" ", 1) for line in self._log.read_text().splitlines()]
        failed = next((test for what, test in lines if what == "failed"), "")
        if failed:
            return Outcome("caught", failed)
        if code == _CANNOT_PATCH:
            return Outcome("fresh")
        if code == 0:
            return Outcome("survived")
        last = lines[-1][1] if lines else ""
        return Outcome("hang" if code is None else "caught", last)

    def _run(self, session: pytest.Session, items: list[pytest.Item], path: Path | None, original: bytes) -> None:
        """The child: run the tests until one fails, and end this process."""
        try:
            os.setsid()
            session.config.pluginmanager.unregister(name="terminalreporter")
            os.environ[_TRIAL] = str(os.getpid())
            os.environ["PYTEST_DEBUG_TEMPROOT"] = str(self._scratch)
            resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
            if path and not put_in_place(path, original.decode()):
                os._exit(_CANNOT_PATCH)
            session.items = items
            session.config.option.maxfail = 1
            session.config.pluginmanager.subset_hook_caller("pytest_runtestloop", [self])(session=session)
        except pytest.Session.Failed:
            os._exit(1)
        except BaseException:  # noqa: BLE001 -- a mutant may raise anything, and this process must end here
            os._exit(2)
        os._exit(0)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Note which test runs, for one that hangs or ends the process."""
        self._note("started", nodeid)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note the test that failed."""
        if report.failed:
            self._note("failed", report.nodeid)

    def _note(self, what: str, test: str) -> None:
        with self._log.open("a") as file:
            file.write(f"{what} {test}\n")


def _waited(child: int, log: Path, limit: float) -> int | None:
    """The child's exit code, or None if it had to be killed: one test ran for more than `limit` seconds."""
    noted, deadline = 0, time.monotonic() + limit
    while True:
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        if noted != (noted := log.stat().st_size):
            deadline = time.monotonic() + limit
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return None
        time.sleep(0.02)


def _kill_all_of(trial: str) -> None:
    """Kill what the processes of a trial left behind: a hang may have started servers."""
    sign = f"{_TRIAL}={trial}".encode()
    for environment in Path("/proc").glob("[0-9]*/environ"):
        try:
            if sign in environment.read_bytes().split(b"\0"):
                os.kill(int(environment.parent.name), signal.SIGKILL)
        except OSError:  # it has ended meanwhile, or belongs to another user
            continue


def put_in_place(path: Path, original: str) -> bool:
    """Give the loaded functions of a module the code that its file has now; False if that does not reach the change."""
    before = dict(_codes(compile(original, str(path), "exec", dont_inherit=True)))
    after = dict(_codes(compile(path.read_text(), str(path), "exec", dont_inherit=True)))
    changed = {key: code for key, code in after.items() if before.get(key) != code}
    replaced = 0
    for function in [one for one in gc.get_objects() if isinstance(one, FunctionType)]:
        code = function.__code__
        mutated = changed.get((code.co_qualname, code.co_firstlineno))
        if mutated is not None and Path(code.co_filename) == path:
            try:
                function.__code__ = mutated
            except ValueError:  # it needs other variables of the function around it
                return False
            replaced += 1
    is_loaded = any(getattr(module, "__file__", None) == str(path) for module in list(sys.modules.values()))
    return replaced > 0 or not is_loaded


def _codes(code: CodeType) -> Iterator[tuple[tuple[str, int], CodeType]]:
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield (constant.co_qualname, constant.co_firstlineno), constant
            yield from _codes(constant)


def pytest_configure(config: pytest.Config) -> None:
    """Try the mutants of the file that the environment names."""
    config.pluginmanager.register(Trials(Path(os.environ[QUEUE])))
