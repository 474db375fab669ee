"""The progress of long work, on stderr: one live line on a terminal, a plain line every few seconds elsewhere.

A line is made of parts; where a terminal is narrow the less important ones are left out. When an image is done it is
only counted: the live line reads the counts four times a second.
"""

import sys
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

from pupline.cli._output import OUTCOME_STYLES, console, message, size
from pupline.text import plural, printable

if TYPE_CHECKING:
    from rich.live import Live
    from rich.text import Text


_LINE_EVERY_SECONDS = 5.0
_DRAWN_PER_SECOND = 4
_RATE_OVER_SECONDS = 10.0
_BAR_WIDTH = 16
_GAP = "  "


class Rates:
    """Images and bytes a second over the last ten seconds. The time comes in, in seconds."""

    def __init__(self, now: float) -> None:
        self._seen = deque([(now, 0, 0)])

    def add(self, now: float, images: int, size_bytes: int) -> None:
        """So many images and bytes have come by now, in all."""
        self._seen.append((now, images, size_bytes))
        while len(self._seen) > 2 and self._seen[1][0] <= now - _RATE_OVER_SECONDS:
            self._seen.popleft()

    def per_second(self) -> tuple[float, float]:
        """Images and bytes a second; 0 before there is anything to compare with."""
        (began, images, size_bytes), (now, images_now, bytes_now) = self._seen[0], self._seen[-1]
        span = now - began
        return ((images_now - images) / span, (bytes_now - size_bytes) / span) if span > 0 else (0.0, 0.0)


class Progress:
    """Counts what is done, by outcome, and shows it inside its `with` block."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._outcomes: Counter[str] = Counter()
        self._bytes = 0
        self._alerts = 0
        self._failed_attempts = 0
        self._clock = clock
        self._before: Counter[str] = Counter()
        self._listed = 0
        self._total: int | None = None
        self._written: int | None = None
        self._rates = Rates(clock())
        self._pauses: dict[str, tuple[float, str]] = {}
        self._live: Live | None = None
        self._next_line = clock() + _LINE_EVERY_SECONDS

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._live = _live(self)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def resume(self, before: Mapping[str, int], alerts: int = 0) -> None:
        """More images of the run that earlier processes finished, by outcome. They do not count in the rate."""
        self._before.update(before)
        self._alerts += alerts

    def listed(self, items: int, total: int | None, *, complete: bool) -> None:
        """Images that are known so far; total: how many there will be, where that is known."""
        self._listed = items
        self._total = items if complete else total
        self._print_line_when_due()

    def add(self, outcomes: Mapping[str, int], size_bytes: int = 0, alerts: int = 0) -> None:
        """Images that are done now, by outcome."""
        self._outcomes.update(outcomes)
        self._bytes += size_bytes
        self._alerts += alerts
        self._print_line_when_due()

    def attempt_failed(self) -> None:
        """One attempt of a task failed; the workflow decides what follows."""
        self._failed_attempts += 1
        self._print_line_when_due()

    def metadata_written(self, items: int) -> None:
        """All images have ended, and so many of them are in the metadata by now."""
        self._written = items
        self._print_line_when_due()

    def paused(self, host: str, seconds: float, why: str) -> None:
        """A host gets no requests for a while. Without a live line, a plain one says so when that starts."""
        now = self._clock()
        ends, _ = self._pauses.get(host, (now, ""))
        self._pauses[host] = (now + seconds, why)
        if self._live is None and ends <= now and seconds >= 1:
            message(f"{printable(host)}: paused for {duration(seconds)}: {printable(why)}")

    @property
    def done(self) -> int:
        """How many of the run's images are done."""
        return self._before.total() + self._outcomes.total()

    def line(self) -> str:
        """The progress in one plain line."""
        return ", ".join(part.text for part in self._parts())

    def render(self, width: int) -> "Text":
        """The progress in one line of `width` columns at most, with a bar where there is room for one."""
        from rich.text import Text

        parts = _fitting(self._parts(), width)
        shown = Text(_GAP).join(Text(part.text, style=part.style) for part in parts)
        if self._total and width - shown.cell_len >= _BAR_WIDTH + len(_GAP):
            shown = Text.assemble(_bar(self.done / self._total), _GAP, shown)
        return shown

    def _print_line_when_due(self) -> None:
        if self._live is None and self._clock() >= self._next_line:
            self._next_line = self._clock() + _LINE_EVERY_SECONDS
            message(self.line())

    def _parts(self) -> "list[Part]":
        """The parts of the line, in reading order."""
        parts = [Part(self._of_total(), rank=0)]
        parts += self._speed() if self._written is None else [Part(f"metadata of {self._written:,}", rank=1)]
        for name, style in OUTCOME_STYLES.items():
            count = self._before[name] + self._outcomes[name]
            parts.append(Part(f"{count:,} {name}" if count else "", rank=4 if name == "stored" else 3, style=style))
        parts.append(Part(f"{self._alerts:,} alerted" if self._alerts else "", rank=3, style="bold"))
        parts.append(Part(plural(self._failed_attempts, "failed attempt") if self._failed_attempts else "", rank=4))
        return [part for part in [*parts, *self._paused()] if part.text]

    def _speed(self) -> "list[Part]":
        self._rates.add(self._clock(), self._outcomes.total(), self._bytes)
        images, size_bytes = self._rates.per_second()
        return [
            Part(f"{images:,.0f}/s" if images >= 10 else f"{images:.1f}/s", rank=1, style="bold"),
            Part(self._left(images), rank=2),
            Part(f"{size(round(size_bytes))}/s", rank=5),
        ]

    def _of_total(self) -> str:
        if self._total is not None:
            return f"{self.done:,} of {self._total:,}"
        return f"{self.done:,} done, {self._listed:,} listed so far"

    def _left(self, images_per_second: float) -> str:
        if self._total is None or images_per_second <= 0:
            return ""
        return f"{duration((self._total - self.done) / images_per_second)} left"

    def _paused(self) -> "Iterator[Part]":
        now = self._clock()
        for host, (ends, _) in self._pauses.items():
            if ends - now >= 1:
                name = printable(host.rpartition("://")[2], 40)
                yield Part(f"{name} paused {duration(ends - now)}", rank=2, style="yellow")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the line. rank: of the parts that do not fit, the highest goes first."""

    text: str
    rank: int
    style: str = ""


def _fitting(parts: "list[Part]", width: int) -> "list[Part]":
    """The parts that fit in `width` columns, in their order; the first rank stays whatever happens."""
    kept = list(parts)
    while sum(len(part.text) + len(_GAP) for part in kept) - len(_GAP) > width and len(kept) > 1:
        kept.remove(max(reversed(kept), key=lambda part: part.rank))
    return kept


def _bar(share: float) -> "Text":
    from rich.text import Text

    full = min(round(share * _BAR_WIDTH), _BAR_WIDTH)
    return Text.assemble(("━" * full, "green"), ("━" * (_BAR_WIDTH - full), "bright_black"))


def duration(seconds: float) -> str:
    """For people: `7 s`, `3:05`, `2:00:09`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


def _live(progress: Progress) -> "Live":
    from rich.live import Live

    out = console(stderr=True)
    return Live(
        console=out,
        get_renderable=lambda: progress.render(out.width - 1),
        refresh_per_second=_DRAWN_PER_SECOND,
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
