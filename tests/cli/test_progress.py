"""The progress line: what it says, and what it leaves out where there is no room."""

import errno
import re
from dataclasses import dataclass
from typing import Any, cast

import pytest

from pupline.cli._count_line import CountLine
from pupline.cli._ingest_summary import OUTCOME_OF
from pupline.cli._progress import Progress, Rates, duration
from pupline.cli._streams import OutputLost
from pupline.errors import Reason, TaskFailure


@dataclass
class Clock:
    """Time that only the test moves."""

    now: float = 100.0

    def __call__(self) -> float:
        """The time."""
        return self.now


def progress_of(clock: Clock) -> Progress:
    """2 s of work: 30 stored, 1 failed, of 131 that are listed; 18 stored and 2 failed before."""
    progress = Progress(clock)
    progress.resume({"stored": 18, "failed": 2})
    progress.listed(131, None, complete=True)
    clock.now += 2
    progress.add({"stored": 30}, 30 * 50_000)
    progress.add({"failed": 1})
    return progress


def test_the_line_says_all_of_it() -> None:
    """Done of total, rate, time left, bytes, outcomes."""
    assert progress_of(Clock()).line() == "51 of 131, 16/s, 5 s left, 750.0 kB/s, 48 stored, 3 failed"


def test_what_was_done_before_counts_as_done_and_not_as_speed() -> None:
    """A resumed run begins where the other one stopped, with the outcomes that it had."""
    progress = Progress(Clock())
    progress.resume({"stored": 18, "failed": 2})
    assert progress.line() == "20 done, 0 listed so far, 0.0/s, 0 B/s, 18 stored, 2 failed"


def test_the_line_goes_on_while_the_metadata_is_written() -> None:
    """A million rows take a while: how many there are, and no speed or time left, which are of the images."""
    progress = progress_of(Clock())
    progress.metadata_written(40)
    assert progress.line() == "51 of 131, metadata of 40, 48 stored, 3 failed"


@pytest.mark.parametrize("width", range(12, 130))
def test_the_line_fits_its_terminal(width: int) -> None:
    """From 12 columns on nothing is cut in the middle; done of total and failures stay longest."""
    shown = progress_of(Clock()).render(width)
    assert shown.cell_len <= width
    parts = [part for part in re.split(" {2,}", shown.plain) if "━" not in part]
    assert parts[0] == "51 of 131"
    assert set(parts) <= {"51 of 131", "16/s", "5 s left", "750.0 kB/s", "48 stored", "3 failed"}
    if width >= 80:
        assert len(parts) == 6
    if "48 stored" in parts:
        assert "3 failed" in parts


def test_a_bar_stands_where_there_is_room() -> None:
    """As full as the share that is done."""
    assert progress_of(Clock()).render(120).plain.startswith("━" * 16)
    assert "━" not in progress_of(Clock()).render(50).plain


def test_a_paused_host_is_told_once_where_there_is_no_live_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Its name made printable; not again while the pause lasts; gone from the line when it is over."""
    clock = Clock()
    progress = Progress(clock)
    for _ in range(3):
        progress.paused("h\x1b[31m:80", 30, "429, Retry-After: 30")
    assert capsys.readouterr().err == "h\\x1b[31m:80: paused for 30 s: 429, Retry-After: 30\n"
    assert "h\\x1b[31m:80 paused 30 s" in progress.line()
    clock.now += 31
    assert "paused" not in progress.line()


def test_a_plain_line_comes_every_five_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    """Not more often, however much is done."""
    clock = Clock()
    progress = Progress(clock)
    for _ in range(100):
        clock.now += 0.11
        progress.add({"stored": 1}, 1 * 50_000)
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_the_rate_is_that_of_the_last_ten_seconds() -> None:
    """What was fast a minute ago does not make the end look near."""
    rates = Rates(0.0)
    assert rates.per_second() == (0.0, 0.0)
    for second in range(1, 61):
        rates.add(float(second), 100 * min(second, 30), 0)
    assert rates.per_second() == (0.0, 0.0)
    rates.add(61.0, 3100, 1000)
    images, size_bytes = rates.per_second()
    assert images == pytest.approx(100 / 10)
    assert size_bytes == pytest.approx(1000 / 10)


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.4, "0 s"), (59, "59 s"), (60, "1:00"), (185, "3:05"), (7209, "2:00:09"), (90_000, "25:00:00")],
)
def test_durations(seconds: float, shown: str) -> None:
    """Seconds, minutes, hours."""
    assert duration(seconds) == shown


def test_every_reason_goes_with_its_outcome() -> None:
    """The table of the summary agrees with the errors that end an item."""

    def subclasses(cls: type[TaskFailure]) -> set[type[TaskFailure]]:
        return {cls}.union(*map(subclasses, cls.__subclasses__()))

    expected = {cls.reason: cls.outcome for cls in subclasses(TaskFailure) if "reason" in vars(cls)}
    assert {reason: OUTCOME_OF.get(reason, "failed") for reason in expected} == expected
    assert set(OUTCOME_OF) <= set(cast(Any, Reason).__args__)


def test_a_count_is_shown_now_and_then(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """A plain line every five seconds where there is no terminal, and nothing for work that ends at once."""
    now = [0.0]
    with CountLine(lambda: now[0]) as progress:
        for seconds, done in ((1, 10), (5, 1000), (6, 1200), (11, 2000)):
            now[0] = seconds
            progress("images", done, 5000 if done < 2000 else None)
    assert capsys.readouterr().err == "1,000 of 5,000 images\n2,000 images\n"
    monkeypatch.setattr("pupline.cli._count_line.message", _lose)
    now[0] = 20
    progress("images", 3000, None)


def _lose(_text: str) -> None:
    raise OutputLost(OSError(errno.EPIPE, "Broken pipe"))
