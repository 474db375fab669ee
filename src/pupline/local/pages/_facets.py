"""Facets from the counts of a field's values."""

from collections import Counter
from collections.abc import Mapping

from pupline.tasks.pages import FACET_LIMIT, Facet

Runs = Mapping[str | None, str | None]
"""What precedes the index in names of executions, and the run that it would belong to."""

Datasets = Mapping[str, str | None]
"""The dataset of each run that exists, None for one of single images."""


def by_run(counts: Counter[str | None], runs: Runs, datasets: Datasets) -> Counter[str | None]:
    """The counts by run; None: no run. counts: by what precedes the index in names of executions."""
    found: Counter[str | None] = Counter()
    for prefix, count in counts.items():
        run = runs[prefix]
        found[run if run in datasets else None] += count
    return found


def by_dataset(counts: Counter[str | None], runs: Runs, datasets: Datasets) -> Counter[str | None]:
    """The same by the dataset of the run; None: no dataset."""
    found: Counter[str | None] = Counter()
    for prefix, count in counts.items():
        found[datasets.get(runs[prefix] or "")] += count
    return found


def facets_of(counts: Counter[str | None], *, is_by_day: bool = False) -> list[Facet]:
    """The values, most frequent first; days newest first."""
    found = [Facet(value, count) for value, count in counts.items()]
    if is_by_day:
        found.sort(key=lambda facet: facet.value or "", reverse=True)
    else:
        found.sort(key=lambda facet: (-facet.count, facet.value is None, facet.value or ""))
    return found[:FACET_LIMIT]
