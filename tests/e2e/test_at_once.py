"""Commands that start at the same instant on one data directory: one works, the others say so, and none does harm.

AT_ONCE says how many orders of them are tried.
"""

import os
import random
import subprocess
from pathlib import Path

import pytest

from tests.e2e.ingest_checks import check_nothing_half_done, rows
from tests.shared.installed import PUPLINE, pupline

COUNT = 4
WORKING = {
    "run": ["run", "--source", "sample", "--count", str(COUNT), "--run-id", "once"],
    "ingest": ["ingest", "sample", "--count", str(COUNT), "--run-id", "bulk", "--dataset", "dogs", "--workers", "1"],
    "resume": ["resume"],
    "prune": ["prune", "--older-than", "1d"],
    "discard": ["discard", "gone", "--yes"],
    "repair": ["doctor", "--repair"],
}
READING = {"doctor": ["doctor"], "audit": ["audit"], "executions": ["executions"], "insights": ["insights"]}
IN_USE = "is in use by another pupline"
NOTHING_TO_DO = (
    "nothing was ever started there",
    "start something with: pupline run",
    "nothing to repair",
    "there is no run 'gone'",
)

pytestmark = [pytest.mark.long]


def at_once(data: Path, commands: dict[str, list[str]], **environment: str) -> dict[str, tuple[int, str]]:
    """Start all of them, and wait for all; by name, the exit status and stderr of each."""
    processes = {
        name: subprocess.Popen(
            [PUPLINE, *words, "--data", str(data)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**os.environ, **environment},
            text=True,
        )
        for name, words in commands.items()
    }
    return {name: (process.wait(), process.communicate()[1]) for name, process in processes.items()}


def shuffled(commands: dict[str, list[str]], seed: int) -> dict[str, list[str]]:
    """The same in another order."""
    names = list(commands)
    random.Random(seed).shuffle(names)
    return {name: commands[name] for name in names}


@pytest.mark.parametrize("seed", range(int(os.environ.get("AT_ONCE", "1"))))
def test_one_command_works_and_the_others_say_so(tmp_path: Path, seed: int) -> None:
    """On a new directory, then on a full one: a command that writes works, or ends with one line and exit code 2."""
    data = tmp_path / "data"
    elsewhere = ["ingest", "sample", "--count", str(COUNT), "--run-id", "elsewhere", "--dataset", "cats"]
    assert pupline(tmp_path / "other", *elsewhere).returncode == 0
    working = {**WORKING, "again": WORKING["run"], "merge": ["merge", str(tmp_path / "other")]}
    for attempt in range(2):
        ended = at_once(data, shuffled({**working, **READING}, 2 * seed + attempt))
        assert not [text for _, text in ended.values() if "Traceback" in text]
        for name, (status, text) in ended.items():
            if status == 2:
                assert any(words in text for words in (IN_USE, *NOTHING_TO_DO)), (name, text)
                assert len(text.splitlines()) == 1, text
            else:
                assert status in {0, 1}, (name, status, text)
    for name in ("run", "ingest"):  # what was refused, or never came to it
        assert pupline(data, *WORKING[name]).returncode == 0
    records = rows(data, "audit")
    assert len([one for one in records if one["execution"].startswith("once-")]) == COUNT
    assert len([one for one in records if one["execution"].startswith("bulk-")]) == COUNT
    check_nothing_half_done(data)
    assert pupline(data, "doctor").returncode == 0


def test_commands_that_may_wait_work_one_after_the_other(tmp_path: Path) -> None:
    """With PUPLINE_WAIT, as the console's jobs have it, all of them do their work."""
    commands = {f"run-{number}": [*WORKING["run"][:-1], f"run-{number}"] for number in range(3)}
    ended = at_once(tmp_path, {**commands, "ingest": WORKING["ingest"]}, PUPLINE_WAIT="1")
    assert {name: status for name, (status, _) in ended.items()} == dict.fromkeys(ended, 0)
    assert len(rows(tmp_path, "audit")) == 4 * COUNT
    check_nothing_half_done(tmp_path)
