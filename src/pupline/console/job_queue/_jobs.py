"""The jobs of a console: accepted for good, begun once each, and found again after a restart.

A job is accepted when its row is on the disk. Of the consoles of one directory, the one that holds `console/lock`
starts jobs and notes their ends; it is called the leader here. A job is begun by a supervisor, which creates a file
before it does, so that no job is begun twice whatever is killed in between.
"""

import fcntl
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pupline.console.job_queue._job import Job, JobOutput, JobRequest, command_line, run_of, status_of
from pupline.console.job_queue._process import JobProcess, Supervisor
from pupline.console.job_queue._schedule import Scheduler
from pupline.console.job_queue._store import ConsoleFile, JobRow, NewJob
from pupline.console.job_queue._supervisor import CANNOT_START
from pupline.errors import ConfigurationError, NoSuchName, PuplineError, local_trouble
from pupline.local import WAITING
from pupline.text import printable

KEPT = 200
"""Jobs that have ended and stay in the list."""

MAX_QUEUED = 1000
"""Jobs that may wait: more are refused."""

_AT_A_TIME = 8
_BUSY_SECONDS, _IDLE_SECONDS = 0.2, 1.0
_WITHOUT_BACKEND = frozenset({"sources", "cost", "validate"})
"""Commands that have no data directory."""


@dataclass(frozen=True, slots=True)
class JobSettings:
    """Where jobs are kept, and on what they act.

    directory: the data directory, or one for the state of a console over a stack. options: those that name the
    backend, for the command as it is shown. child_options: the same with absolute paths. has_lock: whether only one
    command at a time may work there, as on one machine. program: pupline; -P keeps the working directory off its path.
    """

    directory: Path
    options: tuple[str, ...]
    child_options: tuple[str, ...]
    has_lock: bool = True
    program: tuple[str, ...] = (sys.executable, "-P", "-m", "pupline")

    @classmethod
    def of_machine(cls, data_dir: Path, options: tuple[str, ...]) -> "JobSettings":
        """Those for a data directory. options: as a person would type them."""
        return cls(data_dir, options, (f"--data={data_dir.absolute()}",))

    @classmethod
    def of_stack(cls, state_dir: Path, options: tuple[str, ...]) -> "JobSettings":
        """Those for a stack, which needs no lock."""
        return cls(state_dir, options, options, has_lock=False)


class Jobs:
    """The jobs of one console. `start` it, and `close` it at the end, which leaves running jobs as they are."""

    def __init__(self, settings: JobSettings, now: Callable[[], float] = time.time) -> None:
        self.file = ConsoleFile(settings.directory)
        self._settings = settings
        self._now = now
        self._directory = settings.directory / "console"
        self._leading = -1
        self._supervisors: list[Supervisor] = []
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._round = threading.Lock()
        self.schedule = Scheduler(self.file, partial(self.prepared, schedule=True), now, self._wake.set)
        self.trouble: str | None = None

    def submit(self, request: JobRequest) -> Job:
        """Accept the command: it is begun as soon as it can be, also by a later console.

        Raises: ConfigurationError with too many that wait; LocalTrouble.
        """
        if len(self.file.jobs(statuses=("QUEUED",), limit=MAX_QUEUED)) >= MAX_QUEUED:
            raise ConfigurationError(f"{MAX_QUEUED:,} jobs are waiting already; wait for some, or stop them")
        number = self.file.insert(self.prepared(request), self._now())
        self._wake.set()
        return self.find(number)

    def prepared(self, request: JobRequest, *, schedule: bool = False) -> NewJob:
        """The job for a request, with the options of this console's backend."""
        return NewJob(
            request,
            self._with(request, self._settings.options),
            self._with(request, self._settings.child_options),
            str(Path.cwd()),
            takes_lock=request.takes_lock and self._settings.has_lock,
            schedule=schedule,
        )

    def command(self, request: JobRequest) -> str:
        """The command that does the same, as a person would type it."""
        return command_line(self._with(request, self._settings.options))

    def list(self) -> "list[Job]":
        """All jobs, newest first: those that wait or run, and the last ones that have ended."""
        rows = self.file.jobs()
        return [self._job(row, rows) for row in rows]

    def find(self, number: int) -> Job:
        """The job with this ID. Raises: ConfigurationError when there is none."""
        row = self.file.job(number)
        if row is None:
            raise NoSuchName(f"there is no job {number}; the last {KEPT} that have ended are kept")
        return self._job(row, self.file.jobs(statuses=("RUNNING",)))

    def output(self, number: int) -> JobOutput:
        """What the job has written so far. Raises: OSError."""
        return self._process(number).output()

    def stop(self, number: int) -> Job:
        """Ask the job to stop: the first time as Ctrl-C does, again as a second Ctrl-C, and then with SIGKILL.

        One that waits never begins. One that has ended stays as it is.
        """
        self.find(number)
        self.file.ask_to_stop(number, self._now())
        self._wake.set()
        return self.find(number)

    def cursor(self) -> str:
        """A text that differs whenever a job, its output or the schedule has changed."""
        running = self.file.jobs(statuses=("RUNNING",))
        return f"{self.file.change()}-{sum(self._process(row.id).size() for row in running)}"

    def start(self) -> None:
        """Begin to work through the jobs, in a thread of its own."""
        self._thread = threading.Thread(target=self._work, name="pupline-jobs", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread. Jobs that run go on, and the next console finds them."""
        self._closing = True
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        if self._leading >= 0:
            os.close(self._leading)
            self._leading = -1

    def _work(self) -> None:
        while not self._closing:
            self._wake.clear()
            try:
                is_busy = self.advance()
                self.trouble = None
            except (PuplineError, OSError) as err:  # a full disk, say: the jobs stay, and it is tried again
                is_busy = False
                known = local_trouble(err)
                self._tell(known.message if known else str(err))
            self._wake.wait(_BUSY_SECONDS if is_busy else _IDLE_SECONDS)

    def _tell(self, trouble: str) -> None:
        if trouble != self.trouble:
            sys.stderr.write(f"pupline: {printable(trouble, 500)}\n")
        self.trouble = trouble

    def advance(self) -> bool:
        """One round: note what has ended, send the signals that were asked for, begin what can be begun.

        Whether jobs wait or run. Does nothing where another console is the leader. Raises: LocalTrouble; OSError.
        """
        with self._round:
            if not self._lead():
                return False
            self.schedule.look()
            for row in reversed(self.file.jobs(statuses=("RUNNING",))):
                self._look_at(row)
            self._begin_queued()
            self._supervisors = [one for one in self._supervisors if one.poll() is None]
            for number in self.file.forget_all_but(KEPT):
                self._process(number).remove()
            return bool(self.file.jobs(statuses=("QUEUED", "RUNNING"), limit=1))

    def _lead(self) -> bool:
        """Whether this console is the leader, and from now on where there was none."""
        if self._leading >= 0:
            return True
        if not self.file.path.exists():  # nothing was ever asked of it
            return False
        self._directory.mkdir(exist_ok=True)
        descriptor = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._leading = descriptor
        self._remove_forgotten()
        return True

    def _remove_forgotten(self) -> None:
        """Remove the files of jobs that a console was forgetting when it was killed."""
        kept, folder = {str(row.id) for row in self.file.jobs()}, self._directory / "jobs"
        for found in list(folder.iterdir()) if folder.is_dir() else []:
            if found.name not in kept:
                JobProcess(found).remove()

    def _begin_queued(self) -> None:
        running = self.file.jobs(statuses=("RUNNING",))
        is_locked, free = any(row.takes_lock for row in running), _AT_A_TIME - len(running)
        for row in reversed(self.file.jobs(statuses=("QUEUED",))):
            if free <= 0:
                return
            if row.takes_lock and is_locked:
                continue
            self._process(row.id).prepare(row.input)
            if self.file.begin(row.id):
                self._start(row)
                free -= 1
                is_locked = is_locked or row.takes_lock

    def _start(self, row: JobRow) -> None:
        try:
            program = (*self._settings.program, *row.child_arguments)
            supervisor = self._process(row.id).start(program, row.directory, wait=row.takes_lock)
        except OSError as err:
            known = local_trouble(err)
            self._process(row.id).note(f"pupline: it cannot be started: {known.message if known else err}\n")
            self.file.end(row.id, "FAILED", CANNOT_START, self._now())
            return
        if supervisor is not None:
            self._supervisors.append(supervisor)

    def _look_at(self, row: JobRow) -> None:
        """Note what became of a running job. One that never began, because its console was killed, begins now."""
        process = self._process(row.id)
        state = process.state()
        if state.started_at is not None and row.started_at is None:
            self.file.set_started(row.id, state.started_at)
        if state.exit_code is not None:
            self.file.end(row.id, status_of(state.exit_code), state.exit_code, state.ended_at or self._now())
        elif not state.is_alive and state.has_begun:
            self.file.end(row.id, "FAILED", None, self._now())
        elif not state.is_alive:
            self._start(row)
        elif row.stops > row.signals and state.process is not None:
            self.file.count_signal(row.id)
            process.signal(signal.SIGINT if row.signals < 2 else signal.SIGKILL)

    def _job(self, row: JobRow, others: Sequence[JobRow]) -> Job:
        process = None
        if row.status == "RUNNING":
            with suppress(OSError):  # its directory is being made
                process = self._process(row.id).state().process
        return Job(
            id=row.id,
            title=row.title,
            command=command_line(row.arguments),
            input=row.input,
            status=row.status,
            is_read_only=row.is_read_only,
            schedule=row.schedule,
            submitted_at=row.submitted_at,
            started_at=row.started_at,
            ended_at=row.ended_at,
            exit_code=row.exit_code,
            stops=row.stops,
            process=process,
            waits_for=self._waits_for(row, others),
            run=run_of(row.arguments),
            is_ingest=row.arguments[0] == "ingest",
        )

    def _waits_for(self, row: JobRow, others: Sequence[JobRow]) -> str | None:
        if row.status == "QUEUED":
            holder = next((one for one in others if one.status == "RUNNING" and one.takes_lock), None)
            if row.takes_lock and holder is not None:
                return f"job {holder.id}: {holder.title}"
            return "its turn"
        if row.status == "RUNNING" and row.takes_lock:
            with suppress(OSError):
                before, waiting, _ = self._process(row.id).last_line().partition(WAITING)
                return before.removeprefix("pupline: ") if waiting else None
        return None

    def _with(self, request: JobRequest, options: tuple[str, ...]) -> tuple[str, ...]:
        first, *rest = request.arguments
        return (first, *(() if first in _WITHOUT_BACKEND else options), *rest)

    def _process(self, number: int) -> JobProcess:
        return JobProcess(self._directory / "jobs" / str(number))
