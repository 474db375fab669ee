"""Which items of a listing were named before, as far as a bounded memory knows."""

from collections.abc import Iterable

from pupline.tasks.items import SourceItem

_HALF = 100_000  # items; at most twice as many are remembered, some 15 MB


class SeenItems:
    """Remembers the latest 100,000 items at least, and 200,000 at most."""

    def __init__(self) -> None:
        self._newer: set[int] = set()
        self._older: set[int] = set()

    def add(self, items: Iterable[SourceItem]) -> int:
        """Remember `items`; how many of them were not named before."""
        fresh = 0
        for one in {int.from_bytes(item.identity[:8]) for item in items}:
            if one not in self._newer:
                fresh += one not in self._older
                self._newer.add(one)
        if len(self._newer) > _HALF:
            self._older, self._newer = self._newer, set()
        return fresh
