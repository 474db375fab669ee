"""Power cuts rebuilt from traces: what a disk may show after one, and what the next start makes of it.

Each command is recorded once, with the bytes of every write and every call that puts something on the disk. At many
instants the states are made that a disk may show after a power cut there (`crash_states`), and the same command is
started again on each. POWER_CUTS sets how many states for each command, POWER_SEED which.
"""

import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.e2e import ingest_checks, test_run
from tests.power_cuts.crash_states import MODES, CrashState, Mode
from tests.power_cuts.judging import problems_of
from tests.power_cuts.prepared import PreparedPupline
from tests.power_cuts.recording import Instant, Recording, record
from tests.power_cuts.strace_log import why_not_traceable
from tests.power_cuts.trials import Trial, bulk_ingest, single_images

CUTS = int(os.environ.get("POWER_CUTS", "24"))
SEED = os.environ.get("POWER_SEED", "1")

pytestmark = [pytest.mark.long]


@pytest.mark.skipif(bool(why_not_traceable()), reason=str(why_not_traceable()))
@pytest.mark.parametrize(
    ("scenario", "kills"),
    [(bulk_ingest, []), (bulk_ingest, ["fsync:4", "linkat:20"]), (single_images, []), (single_images, ["fsync:4"])],
)
def test_what_was_acknowledged_survives_a_power_cut_at_any_instant(
    scenario: Callable[[Path], AbstractContextManager[Trial]],
    kills: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing acknowledged is lost, nothing is recorded that is not there, and the next start finishes the rest.

    kills: what processes that were killed before had not put on the disk is lost with the rest.
    """
    disk = tmp_path / "disk"
    disk.mkdir()
    with scenario(disk / "data") as trial, PreparedPupline(tmp_path) as pupline:
        for module in (ingest_checks, test_run):
            monkeypatch.setattr(module, "pupline", pupline)
        recording = record(tmp_path, disk, trial.command, trial.status, kills)
        trial.check()
        trial.asked()
        found = {}
        for instant, mode in chosen(recording):
            problems = cut(trial, pupline, instant, mode)
            if problems:
                found[instant.number, mode] = problems
    assert not found


def chosen(recording: Recording) -> Iterator[tuple[Instant, Mode]]:
    """Some instants, in order, half of them before a sync or after an acknowledgement; each with a mode."""
    chance = random.Random(SEED)
    instants = [(one.number, one.is_apt) for one in recording.instants()]
    apt = [number for number, is_apt in instants if is_apt]
    numbers = chance.sample(apt, min(CUTS // 2, len(apt)))
    rest = [number for number, _ in instants if number not in numbers]
    numbers += chance.sample(rest, min(CUTS - len(numbers), len(rest)))
    modes = dict.fromkeys(numbers, 0) | {number: at for at, number in enumerate(numbers)}
    for one in recording.instants():
        if one.number in modes:
            yield one, MODES[modes[one.number] % len(MODES)]


def cut(trial: Trial, pupline: PreparedPupline, instant: Instant, mode: Mode) -> list[str]:
    """Cut the power at that instant, and start again; what is wrong then."""
    disk = trial.data.parent
    shutil.rmtree(disk)
    CrashState(instant.disk, mode, f"{SEED}-{instant.number}-{mode}").write(disk)
    if problems := problems_of(trial.data, instant.said, disk.with_name("scratch")):
        return problems
    done = pupline(trial.data, *trial.words)
    if done.returncode != trial.status or "Traceback" in done.stderr:
        return [f"started again, it ended with {done.returncode}: {done.stderr[-2000:]}"]
    asked = trial.asked()
    again = [line["source_url"] for line in instant.said if asked[line.get("source_url", "").partition("breeds/")[2]]]
    try:
        trial.check()
    except AssertionError as err:
        return [f"{type(err).__name__}: {err}"]
    return [f"acknowledged, and fetched again: {again}"] if again else []
