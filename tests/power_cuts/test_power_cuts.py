"""Power cuts rebuilt from traces: what a disk may show after one, and what the next start makes of it.

Each command is recorded once, with the bytes of every write and every call that puts something on the disk. At many
instants the states are made that a disk may show after a power cut there (`crash_states`), and the same command is
started again on each. POWER_CUTS sets how many states for each command, POWER_SEED which.
"""

import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.e2e import ingest_checks, test_run
from tests.power_cuts.crash_states import MODES, CrashState, Mode
from tests.power_cuts.judging import problems_of
from tests.power_cuts.prepared import PreparedPupline
from tests.power_cuts.recording import Instant, Recording, record
from tests.power_cuts.strace_log import why_not_traceable
from tests.power_cuts.trials import Trial, bulk_ingest, discarding, merging, single_images, workflow_ingest

CUTS = int(os.environ.get("POWER_CUTS", "24"))
SEED = os.environ.get("POWER_SEED", "1")

pytestmark = [pytest.mark.long]


@pytest.mark.skipif(bool(why_not_traceable()), reason=str(why_not_traceable()))
@pytest.mark.parametrize(
    ("scenario", "kills", "cuts"),
    [
        (bulk_ingest, [], CUTS),
        (bulk_ingest, ["fsync:4", "linkat:20"], CUTS),
        (workflow_ingest, [], CUTS // 2),
        (merging, [], CUTS // 2),
        (discarding, [], CUTS // 2),
        (single_images, [], CUTS),
        (single_images, ["fsync:4"], CUTS),
    ],
)
def test_what_was_acknowledged_survives_a_power_cut_at_any_instant(
    scenario: Callable[[Path], AbstractContextManager[Trial]],
    kills: list[str],
    cuts: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing acknowledged is lost, nothing is recorded that is not there, and the next start finishes the rest.

    kills: what processes that were killed before had not put on the disk is lost with the rest.
    """
    with recorded(scenario, kills, tmp_path, monkeypatch) as (trial, pupline, recording):
        found = {}
        for instant, mode in chosen(recording, cuts):
            problems = cut(trial, pupline, instant, mode)
            if problems:
                found[instant.number, mode] = problems
    assert not found


@pytest.mark.skipif(bool(why_not_traceable()), reason=str(why_not_traceable()))
@pytest.mark.parametrize("scenario", [bulk_ingest, single_images])
def test_a_second_cut_while_the_first_is_recovered_from_loses_nothing(
    scenario: Callable[[Path], AbstractContextManager[Trial]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was acknowledged before the first cut and after it is there, and the third start finishes the rest."""
    with recorded(scenario, [], tmp_path, monkeypatch) as (trial, pupline, recording):
        found = {}
        for instant, mode in chosen(recording, CUTS // 12):
            disk = trial.data.parent
            shutil.rmtree(disk)
            CrashState(instant.disk, mode, f"{SEED}-{instant.number}-{mode}").write(disk)
            recovery = record(tmp_path, disk, trial.command, trial.status)
            for second, second_mode in chosen(recovery, CUTS // 8):
                trial.asked()
                both = replace(second, said=instant.said + second.said)
                if problems := cut(trial, pupline, both, second_mode):
                    found[instant.number, mode, second.number, second_mode] = problems
    assert not found


@contextmanager
def recorded(
    scenario: Callable[[Path], AbstractContextManager[Trial]],
    kills: list[str],
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[tuple[Trial, PreparedPupline, Recording]]:
    """The command of a scenario, recorded on an empty disk below the folder, and what starts it again."""
    disk = folder / "disk"
    disk.mkdir()
    with scenario(disk / "data") as trial, PreparedPupline(folder) as pupline:
        for module in (ingest_checks, test_run):
            monkeypatch.setattr(module, "pupline", pupline)
        recording = record(folder, disk, trial.command, trial.status, kills)
        trial.check()
        trial.asked()
        yield trial, pupline, recording


def chosen(recording: Recording, count: int) -> Iterator[tuple[Instant, Mode]]:
    """So many instants, in order, half of them before a sync or after an acknowledgement; each with a mode."""
    chance = random.Random(SEED)
    instants = [(one.number, one.is_apt) for one in recording.instants()]
    apt = [number for number, is_apt in instants if is_apt]
    numbers = chance.sample(apt, min(count // 2, len(apt)))
    rest = [number for number, _ in instants if number not in numbers]
    numbers += chance.sample(rest, min(count - len(numbers), len(rest)))
    modes = dict.fromkeys(numbers, 0) | {number: at for at, number in enumerate(numbers)}
    for one in recording.instants():
        if one.number in modes:
            yield one, MODES[modes[one.number] % len(MODES)]


def cut(trial: Trial, pupline: PreparedPupline, instant: Instant, mode: Mode) -> list[str]:
    """Cut the power at that instant, and start again; what is wrong then."""
    disk = trial.data.parent
    shutil.rmtree(disk)
    CrashState(instant.disk, mode, f"{SEED}-{instant.number}-{mode}").write(disk)
    if not trial.removes and (problems := problems_of(trial.data, instant.said, disk.with_name("scratch"))):
        return problems
    done = pupline(trial.data, *trial.words)
    if done.returncode not in {trial.status, trial.done} or "Traceback" in done.stderr:
        return [f"started again, it ended with {done.returncode}: {done.stderr[-2000:]}"]
    asked = trial.asked()
    again = [line["source_url"] for line in instant.said if asked[line.get("source_url", "").partition("breeds/")[2]]]
    try:
        trial.check()
    except AssertionError as err:
        return [f"{type(err).__name__}: {err}"]
    return [f"acknowledged, and fetched again: {again}"] if again else []
