"""The schedule starts a run at each interval: once, never over itself, whatever happens to console and clock."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pupline.console.job_queue import Jobs, JobSettings, Schedule
from pupline.errors import ConfigurationError

START = 1_800_000_000.0
HOUR = 3600.0


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        """Seconds since the epoch."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """It stands still until it is set."""
    return Clock()


@pytest.fixture
def jobs(tmp_path: Path, clock: Clock) -> Iterator[Jobs]:
    """The jobs of a console that begins none of them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Jobs, "_begin_queued", lambda _jobs: None)
        jobs = Jobs(JobSettings.of_machine(tmp_path, ()), clock)
        yield jobs
        jobs.close()


def end_all(jobs: Jobs, exit_code: int = 0) -> None:
    """Have every job end."""
    for job in jobs.list():
        jobs.file.end(job.id, "SUCCEEDED" if exit_code == 0 else "FAILED", exit_code, job.submitted_at)


def commands(jobs: Jobs) -> list[str]:
    """The commands that were started, oldest first."""
    return [job.command for job in reversed(jobs.list())]


def test_first_run_is_due_at_once_and_the_next_after_the_interval(jobs: Jobs, clock: Clock) -> None:
    """The command is that of a person, with a run ID of its own."""
    jobs.schedule.set(Schedule(HOUR, 3, "sample"))
    jobs.advance()
    assert commands(jobs) == ["pupline run --source=sample --count=3 --run-id=scheduled-20270115-080000"]
    end_all(jobs)
    for seconds, count in ((HOUR - 1, 1), (HOUR, 2), (2 * HOUR - 1, 2)):
        clock.now = START + seconds
        jobs.advance()
        assert len(jobs.list()) == count
    assert jobs.schedule.find() == Schedule(HOUR, 3, "sample", START + 2 * HOUR)


def test_survives_restarts_with_one_run_for_what_was_missed(jobs: Jobs, clock: Clock, tmp_path: Path) -> None:
    """Due times that passed while nothing ran lead to one run, which says how many there were; the grid stays."""
    jobs.schedule.set(Schedule(HOUR))
    jobs.advance()
    end_all(jobs)
    jobs.close()
    clock.now = START + 5.5 * HOUR
    later = Jobs(JobSettings.of_machine(tmp_path, ()), clock)
    later.schedule.set(Schedule(HOUR))
    for _ in range(3):
        later.advance()
        end_all(later)
    newest, _first = later.schedule.runs()
    assert (newest.due_at, newest.missed, newest.status) == (START + 5 * HOUR, 4, "SUCCEEDED")
    found = later.schedule.find()
    assert found is not None
    assert found.next_at == START + 6 * HOUR
    later.close()


def test_never_overlaps_itself(jobs: Jobs, clock: Clock) -> None:
    """Due times at which the run before still works are skipped, and noted as one entry."""
    jobs.schedule.set(Schedule(HOUR))
    for hours in range(4):
        clock.now = START + hours * HOUR
        jobs.advance()
    skipped, first = jobs.schedule.runs()
    assert (len(jobs.list()), first.status) == (1, "QUEUED")
    assert (skipped.is_skipped, skipped.due_at, skipped.last_due_at, skipped.missed) == (
        True,
        START + HOUR,
        START + 3 * HOUR,
        2,
    )
    end_all(jobs, 1)
    clock.now = START + 4 * HOUR
    jobs.advance()
    assert [run.status for run in jobs.schedule.runs()] == ["QUEUED", None, "FAILED"]


def test_paused_it_starts_nothing_and_catches_up_nothing(jobs: Jobs, clock: Clock) -> None:
    """Due times during a pause pass; the next run is at the next one of the grid."""
    jobs.schedule.set(Schedule(HOUR))
    jobs.schedule.pause()
    clock.now = START + 2.5 * HOUR
    jobs.advance()
    assert jobs.list() == []
    jobs.schedule.resume()
    jobs.advance()
    assert jobs.list() == []
    assert jobs.schedule.find() == Schedule(HOUR, next_at=START + 3 * HOUR)


def test_another_interval_replaces_it(jobs: Jobs, clock: Clock) -> None:
    """One interval after the last due time, not at once; the same interval again changes nothing."""
    jobs.schedule.set(Schedule(HOUR))
    jobs.advance()
    clock.now = START + 60
    assert jobs.schedule.set(Schedule(HOUR)).next_at == START + HOUR
    assert jobs.schedule.set(Schedule(HOUR / 2)).next_at == START + HOUR / 2
    assert jobs.schedule.set(Schedule(30.0)).next_at == START + 60
    jobs.schedule.remove()
    assert jobs.schedule.find() is None


def test_clock_that_is_set_back_never_postpones_it_by_more_than_an_interval(jobs: Jobs, clock: Clock) -> None:
    """A year was wrong: the next run is within an interval of the right time."""
    clock.now = START + 365 * 24 * HOUR
    jobs.schedule.set(Schedule(HOUR))
    jobs.advance()
    end_all(jobs)
    clock.now = START
    jobs.advance()
    found = jobs.schedule.find()
    assert found is not None
    assert found.next_at == START + HOUR


@settings(max_examples=12)
@given(st.lists(st.tuples(st.floats(0, 5 * HOUR), st.booleans()), max_size=12))
def test_each_due_time_is_accounted_for_once(steps: list[tuple[float, bool]]) -> None:
    """Whenever the console looks, runs, skipped and missed due times add up to all that have passed."""
    import tempfile

    clock = Clock()
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Jobs, "_begin_queued", lambda _jobs: None)
        jobs = Jobs(JobSettings.of_machine(Path(directory), ()), clock)
        jobs.schedule.set(Schedule(HOUR))
        for seconds, ends in steps:
            jobs.advance()
            if ends:
                end_all(jobs)
            clock.now += seconds
        jobs.advance()
        passed = int((clock.now - START) // HOUR) + 1
        assert sum(1 + run.missed for run in jobs.schedule.runs()) == passed
        assert sum(not job.is_over for job in jobs.list()) <= 1
        jobs.close()


@pytest.mark.parametrize(
    "wrong", [Schedule(0.5), Schedule(float("nan")), Schedule(1e9), Schedule(HOUR, 0), Schedule(HOUR, 1, "")]
)
def test_what_cannot_work_is_refused(jobs: Jobs, wrong: Schedule) -> None:
    """An interval, a count or a source that makes no sense leaves the schedule as it was."""
    jobs.schedule.set(Schedule(HOUR))
    with pytest.raises(ConfigurationError, match="schedule"):
        jobs.schedule.set(wrong)
    assert jobs.schedule.find() == replace(Schedule(HOUR), next_at=START)


def test_without_a_schedule_there_is_nothing_to_pause(jobs: Jobs) -> None:
    """The message says how to make one."""
    for act in (jobs.schedule.pause, jobs.schedule.resume, jobs.schedule.remove):
        with pytest.raises(ConfigurationError, match="pupline serve --every"):
            act()
