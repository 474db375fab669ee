"""Answers by ranges of attempts."""

from bisect import bisect_right
from collections.abc import Iterable
from typing import Any


class Attempts:
    """Answers by attempt, as a list has them, but from (first, last, answer): a range takes no more room than one.

    A single attempt counts before a range that holds it; of equal ones the last. Raises: ValueError for ranges that
    overlap, and for an attempt that is missing before the last one.
    """

    __slots__ = ("_length", "_ranges", "_singles", "_starts")

    def __init__(self, spans: Iterable[tuple[int, int, Any]]) -> None:
        found = sorted(spans, key=lambda span: span[:2])
        self._singles = {first: answer for first, last, answer in found if first == last}
        self._ranges = [span for span in found if span[0] < span[1]]
        self._starts = [first for first, _, _ in self._ranges]
        for before, after in zip(self._ranges, self._ranges[1:], strict=False):
            if after[0] <= before[1]:
                raise ValueError(f"the ranges {before[0]}-{before[1]} and {after[0]}-{after[1]} overlap")
        length = 0
        for first, last, _ in found:
            if first > length:
                raise ValueError(f"attempt {length} is missing, although attempt {first} is there")
            length = max(length, last + 1)
        self._length = length

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, attempt: int) -> Any:
        if attempt in self._singles:
            return self._singles[attempt]
        at = bisect_right(self._starts, attempt) - 1
        if at >= 0 and attempt <= self._ranges[at][1]:
            return self._ranges[at][2]
        raise IndexError(attempt)
