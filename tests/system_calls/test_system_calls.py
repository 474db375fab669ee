"""Commands while their system calls fail, or while they are killed at one: what was promised holds all the same.

SYSTEM_CALL_DENSITY=20 makes twenty times as many trials, and SYSTEM_CALL_SEED=2 others.
"""

import itertools
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.shared.needed_tools import needs
from tests.system_calls.faults import ERRORS, KILLED, WORKER_KILLED, Kind
from tests.system_calls.prepared_pupline import missing, prepared
from tests.system_calls.trials import LATER, Trials
from tests.system_calls.works import MAIN, OTHERS, READING
from tests.system_calls.worlds import Work, served

pytestmark = needs(missing())


def check(base: Path, work: Work, kinds: Sequence[Kind], count: int) -> None:
    """Do the work so many times, each time with one thing that goes wrong."""
    with served() as apis, prepared(base) as pupline:
        trials = Trials(pupline, apis, work)
        found = [
            problem
            for fault, clock in zip(trials.chosen(kinds, count), itertools.cycle(LATER), strict=False)
            for problem in trials.problems(fault, clock)
        ]
    assert not found, "\n".join(found)


@pytest.mark.slow
def test_a_few_disturbed_calls_of_a_run(tmp_path: Path) -> None:
    """A kill and two errors, on the way through a run."""
    check(tmp_path, MAIN[0], [KILLED, *ERRORS[:2]], 3)


@pytest.mark.long
@pytest.mark.parametrize("work", MAIN, ids=lambda work: work.name)
def test_killed_at_a_call(tmp_path: Path, work: Work) -> None:
    """Started again at once, after an hour, after a month, or with the clock put back, it ends as if never killed."""
    check(tmp_path, work, [KILLED], 16)


@pytest.mark.long
def test_a_worker_killed_at_a_call(tmp_path: Path) -> None:
    """The ingest goes on with another one, and lacks nothing."""
    check(tmp_path, MAIN[1], [WORKER_KILLED], 6)


@pytest.mark.long
@pytest.mark.parametrize("work", MAIN, ids=lambda work: work.name)
def test_a_call_that_fails(tmp_path: Path, work: Work) -> None:
    """One line and exit code 1 or 2, or no trace of it; nothing is lost, and the same command finishes."""
    check(tmp_path, work, ERRORS, 24)


@pytest.mark.long
@pytest.mark.parametrize("work", OTHERS, ids=lambda work: work.name)
def test_other_commands_that_write(tmp_path: Path, work: Work) -> None:
    """Killed, or with a call that fails: the same command does the rest."""
    check(tmp_path, work, [KILLED, *ERRORS], 8)


@pytest.mark.long
@pytest.mark.parametrize("work", READING, ids=lambda work: work.name)
def test_reading_commands(tmp_path: Path, work: Work) -> None:
    """They print all, or say in one line why they cannot; never a part of it with exit code 0."""
    check(tmp_path, work, ERRORS, 10)
