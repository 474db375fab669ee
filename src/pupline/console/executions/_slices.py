"""Pages of what is in memory anyway: the visits of a history, the children of Map Runs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Slice(Generic[T]):
    """Some items in order. total: of all items. begin: the place of the first one here, from 0.

    next, previous: for `after` and `before`; None where there is nothing more.
    """

    items: Sequence[T]
    total: int
    begin: int
    next: str | None
    previous: str | None


def slice_of(items: Sequence[T], limit: int, after: int | None = None, before: int | None = None) -> Slice[T]:
    """At most `limit` items: those that follow the first `after`, or that end with the first `before`."""
    begin = min(after or 0, len(items)) if before is None else max(min(before, len(items)) - limit, 0)
    end = min(begin + limit, len(items)) if before is None else min(before, len(items))
    following = str(end) if end < len(items) else None
    return Slice(items[begin:end], len(items), begin, following, str(begin) if begin else None)
