"""The time axis: seconds to x, with the gaps in which nothing happens compressed."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

GAP_WIDTH = 30.0
_LEAST_GAP, _LEAST_SECONDS = 0.25, 1.0
"""Gaps are drawn as they are that are shorter than this, or than this part of the time in which something happens."""

_STEPS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600,
          7200, 10800, 21600, 43200, 86400, 172800, 604800, 2592000, 31536000)  # fmt: skip
_MOST_GAPS = 8


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the axis: times [start, end] at x [left, right]."""

    start: float
    end: float
    left: float
    right: float
    is_gap: bool


class TimeScale:
    """Times from `start` to `end` on `width`.

    busy: (start, end) of what takes time. Between them are the gaps; the longest ones are compressed to one width each,
    so that a Wait of a day does not make everything else a dot.
    """

    def __init__(self, start: float, end: float, width: float, busy: Iterable[tuple[float, float]]) -> None:
        self.start, self.end, self.width = start, max(end, start + 0.001), width
        self.pieces = self._pieces(_gaps(self.start, self.end, busy))
        self._starts = [piece.start for piece in self.pieces]

    def _pieces(self, gaps: Sequence[tuple[float, float]]) -> list[Piece]:
        shown = self.end - self.start - sum(end - start for start, end in gaps)
        rate = (self.width - GAP_WIDTH * len(gaps)) / shown if shown > 0 else 0.0
        pieces: list[Piece] = []
        time, x = self.start, 0.0
        for start, end in [*gaps, (self.end, self.end)]:
            if start > time:
                pieces.append(Piece(time, start, x, x + (start - time) * rate, is_gap=False))
                x = pieces[-1].right
            if end > start:
                pieces.append(Piece(start, end, x, x + GAP_WIDTH, is_gap=True))
                x += GAP_WIDTH
            time = end
        return pieces

    def x(self, time: float) -> float:
        """The place of a time; times outside are at the ends."""
        piece = self.pieces[max(bisect_right(self._starts, time) - 1, 0)]
        part = (time - piece.start) / (piece.end - piece.start)
        return piece.left + (piece.right - piece.left) * min(max(part, 0.0), 1.0)

    def ticks(self, least: float) -> Iterator[tuple[float, float]]:
        """(x, seconds since the start) of round times, at least so far apart; none inside a gap."""
        widest = max((piece for piece in self.pieces if not piece.is_gap), key=lambda one: one.right - one.left)
        rate = (widest.right - widest.left) / (widest.end - widest.start)
        step = next((step for step in _STEPS if step * rate >= least), _STEPS[-1])
        last = -least
        for piece in self.pieces:
            if piece.is_gap:
                continue
            first = int((piece.start - self.start) / step + 0.999_999)
            for number in range(first, first + int(self.width / least) + 2):
                x = self.x(self.start + number * step)
                if self.start + number * step > piece.end:
                    break
                if x - last >= least:
                    yield x, number * step
                    last = x


def _gaps(start: float, end: float, busy: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    """The gaps worth to be compressed, in order."""
    found: list[tuple[float, float]] = []
    until, active = start, 0.0
    for first, last in sorted(busy):
        first, last = max(first, start), min(last, end)
        if last < first:
            continue
        if first > until:
            found.append((until, first))
        active += max(last - max(first, until), 0.0)
        until = max(until, last)
    if end > until:
        found.append((until, end))
    if active <= 0:
        return []
    long = [gap for gap in found if gap[1] - gap[0] > max(active * _LEAST_GAP, _LEAST_SECONDS)]
    return sorted(sorted(long, key=lambda gap: gap[0] - gap[1])[:_MOST_GAPS])
