"""The schedule: a run of images at each interval, as EventBridge Scheduler starts them on AWS.

- Due times lie on a grid of intervals in UTC since the schedule was made: neither daylight saving nor a late start
  moves them.
- A due time that passed while no console ran leads to one run at the next start, however many there were.
- A due time at which the run before still works, or waits, is skipped and noted: a schedule never overlaps itself.
- While it is paused, due times pass without a run and without a note.
- A clock that is set back never makes the next run later than one interval from now.

The run and the next due time are written in one transaction with the job, so a killed console starts no run twice.
"""

import math
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from pupline.console.job_queue._job import JobRequest, JobStatus
from pupline.console.job_queue._store import ConsoleFile, NewJob, has_tables, insert_job
from pupline.errors import ConfigurationError, NoSuchName
from pupline.text import plain_number

MIN_SECONDS, MAX_SECONDS = 1.0, 366 * 86_400.0
MAX_IMAGES = 1_000_000
KEPT_RUNS = 100
DEFAULT_SOURCE = "dog-ceo"


@dataclass(frozen=True, slots=True)
class Schedule:
    """What is started at each interval. every: seconds. count, source: of `pupline run`. next_at: epoch seconds."""

    every: float
    count: int = 1
    source: str = DEFAULT_SOURCE
    next_at: float = 0.0
    is_paused: bool = False

    def checked(self) -> "Schedule":
        """This schedule. Raises: ConfigurationError where it cannot work."""
        if not (math.isfinite(self.every) and MIN_SECONDS <= self.every <= MAX_SECONDS):
            raise ConfigurationError(
                f"a schedule every {plain_number(self.every)} s: write from one second to 366 days, such as 1h"
            )
        if not 1 <= self.count <= MAX_IMAGES:
            raise ConfigurationError(f"a schedule of {self.count:,} images: write from 1 to {MAX_IMAGES:,}")
        if not self.source:
            raise ConfigurationError("the source of a schedule is empty; write one, such as dog-ceo")
        return self

    def request(self, run: str | None = None) -> JobRequest:
        """The command of a run."""
        named = () if run is None else (f"--run-id={run}",)
        arguments = ("run", f"--source={self.source}", f"--count={self.count}", *named)
        return JobRequest(arguments, f"Scheduled: {self.count:,} from {self.source}")


@dataclass(frozen=True, slots=True)
class ScheduledRun:
    """What a due time led to. run, job: None where it was skipped, because the run before was not over.

    missed: due times before it that passed while no console ran; of skipped ones, further due times until
    `last_due_at`. status, exit_code: of the job, None where it is no longer kept.
    """

    due_at: float
    last_due_at: float
    run: str | None
    job: int | None
    missed: int
    status: JobStatus | None
    exit_code: int | None

    @property
    def is_skipped(self) -> bool:
        """Whether nothing was started."""
        return self.run is None


class Scheduler:
    """The schedule of one console. prepared: makes the job of a request. changed: called after each change."""

    def __init__(
        self,
        file: ConsoleFile,
        prepared: Callable[[JobRequest], NewJob],
        now: Callable[[], float],
        changed: Callable[[], None],
    ) -> None:
        self._file = file
        self._prepared = prepared
        self._now = now
        self._changed = changed

    def find(self) -> Schedule | None:
        """The schedule, if there is one. Raises: LocalTrouble."""
        with self._file.reading() as connection:
            return _schedule(connection) if has_tables(connection) else None

    def runs(self, limit: int = KEPT_RUNS) -> list[ScheduledRun]:
        """What the latest due times led to, newest first. Raises: LocalTrouble."""
        with self._file.reading() as connection:
            if not has_tables(connection):
                return []
            rows = connection.execute(
                "SELECT r.due_at, r.last_due_at, r.run, r.job, r.missed, j.status, j.exit_code"
                " FROM schedule_runs AS r LEFT JOIN jobs AS j ON j.id = r.job ORDER BY r.id DESC LIMIT ?",
                (limit,),
            )
            return [ScheduledRun(*row) for row in rows]

    def set(self, wanted: Schedule) -> Schedule:
        """Make or replace the schedule; an unchanged one keeps its due times. Raises: ConfigurationError; LocalTrouble.

        A new one is due at once. One that replaces another is due one of its intervals after the last due time.
        """
        wanted.checked()
        now = self._now()
        with self._file.writing() as connection:
            old = _schedule(connection)
            if old is not None and (old.every, old.count, old.source) == (wanted.every, wanted.count, wanted.source):
                return old
            next_at = now if old is None else min(max(now, old.next_at - old.every + wanted.every), now + wanted.every)
            is_paused = old is not None and old.is_paused
            connection.execute(
                "INSERT OR REPLACE INTO schedule (one, every, count, source, next_at, is_paused)"
                " VALUES (1, ?, ?, ?, ?, ?)",
                (wanted.every, wanted.count, wanted.source, next_at, is_paused),
            )
        self._changed()
        return Schedule(wanted.every, wanted.count, wanted.source, next_at, is_paused)

    def pause(self) -> None:
        """Start nothing until `resume`. Raises: NoSuchName without a schedule; LocalTrouble."""
        with self._file.writing() as connection:
            _existing(connection)
            connection.execute("UPDATE schedule SET is_paused = 1")

    def resume(self) -> None:
        """Go on at the next due time; those that passed meanwhile are left out. Raises: as `pause`."""
        now = self._now()
        with self._file.writing() as connection:
            found = _existing(connection)
            next_at = found.next_at
            if found.is_paused and next_at <= now:
                next_at += (math.floor((now - next_at) / found.every) + 1) * found.every
            connection.execute("UPDATE schedule SET is_paused = 0, next_at = ?", (next_at,))
        self._changed()

    def remove(self) -> None:
        """Remove the schedule; what it started stays. Raises: as `pause`."""
        with self._file.writing() as connection:
            _existing(connection)
            connection.execute("DELETE FROM schedule")

    def look(self) -> None:
        """Start the run that is due, if one is. For the leading console. Raises: LocalTrouble."""
        found, now = self.find(), self._now()
        if found is None or found.is_paused:
            return
        if found.next_at > now + found.every:  # the clock was set back
            with self._file.writing() as connection:
                connection.execute("UPDATE schedule SET next_at = ?", (now + found.every,))
        elif found.next_at <= now:
            with self._file.writing() as connection:
                self._start(connection, found, now)

    def _start(self, connection: sqlite3.Connection, found: Schedule, now: float) -> None:
        missed = math.floor((now - found.next_at) / found.every)
        due_at = found.next_at + missed * found.every
        if _schedule(connection) != found:  # another thread was first
            return
        connection.execute("UPDATE schedule SET next_at = ?", (due_at + found.every,))
        working = connection.execute(
            "SELECT 1 FROM jobs WHERE schedule = 1 AND status IN ('QUEUED', 'RUNNING')"
        ).fetchone()
        if working:
            _note_skipped(connection, found.next_at, due_at, missed)
            return
        run = datetime.fromtimestamp(due_at, UTC).strftime("scheduled-%Y%m%d-%H%M%S")
        job = insert_job(connection, self._prepared(found.request(run)), now)
        connection.execute(
            "INSERT INTO schedule_runs (due_at, last_due_at, run, job, missed) VALUES (?, ?, ?, ?, ?)",
            (due_at, due_at, run, job, missed),
        )
        connection.execute(
            "DELETE FROM schedule_runs WHERE id <= (SELECT id FROM schedule_runs ORDER BY id DESC LIMIT 1 OFFSET ?)",
            (KEPT_RUNS,),
        )


def _note_skipped(connection: sqlite3.Connection, due_at: float, last_due_at: float, missed: int) -> None:
    """Note a skipped due time; one after another are one entry."""
    last = connection.execute("SELECT id, run FROM schedule_runs ORDER BY id DESC LIMIT 1").fetchone()
    if last is not None and last["run"] is None:
        connection.execute(
            "UPDATE schedule_runs SET last_due_at = ?, missed = missed + ? WHERE id = ?",
            (last_due_at, missed + 1, last["id"]),
        )
        return
    connection.execute(
        "INSERT INTO schedule_runs (due_at, last_due_at, missed) VALUES (?, ?, ?)", (due_at, last_due_at, missed)
    )


def _schedule(connection: sqlite3.Connection) -> Schedule | None:
    row = connection.execute("SELECT every, count, source, next_at, is_paused FROM schedule").fetchone()
    if row is None:
        return None
    every, count, source, next_at, is_paused = row
    return Schedule(every, count, source, next_at, bool(is_paused))


def _existing(connection: sqlite3.Connection) -> Schedule:
    found = _schedule(connection)
    if found is None:
        raise NoSuchName("there is no schedule; make one with: pupline serve --every 1h")
    return found
