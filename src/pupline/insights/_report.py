"""All figures of a backend: the records, the bulk runs, and what the quality pass found."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

from pupline.insights._figures import Insights, insights_of
from pupline.insights._selection import Selection
from pupline.tasks.figure_rows import FigureRecord
from pupline.tasks.layout import quality_summary_key
from pupline.tasks.ports import ObjectStore, Reader

_DATASETS = 50
"""Datasets whose quality is looked up: an object of the bucket for each."""


class FigureSource(Reader, Protocol):
    """Where the figures come from: any backend."""

    def bucket(self) -> ObjectStore:
        """The bucket, to read from."""


@dataclass(frozen=True, slots=True)
class Report:
    """The figures. quality: what the last quality pass found, by dataset; of those that had one."""

    figures: Insights
    quality: Mapping[str, Mapping[str, Any]]

    def as_dict(self) -> dict[str, Any]:
        """The object that `pupline insights --json` prints."""
        return {**self.figures.as_dict(), "quality": self.quality}


def report_of(
    source: FigureSource,
    selection: Selection,
    *,
    limit: int | None = None,
    look: Callable[[Iterable[FigureRecord]], Iterable[FigureRecord]] | None = None,
) -> Report:
    """The figures of the selected records. limit: runs at most. look: sees the records as they are counted."""
    chosen = (
        summary
        for summary in source.ingests(dataset=selection.dataset)
        if selection.has_run(str(summary["run"])) and selection.is_recent(summary.get("began_at"))
    )
    summaries = list(islice(chosen, limit))
    records: Iterable[FigureRecord] = _records(source, selection)
    figures = insights_of(look(records) if look else records, summaries)
    return Report(figures, _quality(source, sorted({str(summary["dataset"]) for summary in summaries})))


def _records(source: Reader, selection: Selection) -> Iterator[FigureRecord]:
    if selection.is_all:
        return source.figure_records()
    return (
        record
        for record in source.figure_records(run=selection.run, dataset=selection.dataset, since=selection.since)
        if selection.has_execution(record.execution) and selection.is_recent(record.upload_timestamp)
    )


def _quality(source: FigureSource, datasets: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for dataset in datasets[:_DATASETS]:
        try:
            summary = json.loads(source.bucket().read(quality_summary_key(dataset)))
        except (KeyError, ValueError):
            continue
        if isinstance(summary, dict):
            found[dataset] = summary
    return found
