"""`pupline insights`: the whole audit in figures and bars."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from pupline.cli._backend import backend_options
from pupline.cli._command import Command
from pupline.cli._first_steps import first_run
from pupline.cli._insights_view import show
from pupline.cli._options import json_option
from pupline.cli._output import print_json
from pupline.cli._quality_view import show_summaries
from pupline.cli._selection import Selection, selection_options
from pupline.insights import insights_of
from pupline.tasks.layout import quality_summary_key

if TYPE_CHECKING:
    from pupline.backends import Backend
    from pupline.tasks.figure_rows import FigureRecord
    from pupline.tasks.ports import Reader


_DATASETS = 50
"""Datasets whose quality is looked up: an object of the bucket for each."""


@click.command(cls=Command)
@backend_options
@selection_options
@json_option
def insights(backend: "Backend", selection: Selection, as_json: bool) -> int:
    """Image types and alert frequency first, then reasons, breeds, duplicates and bytes.

    \b
    For bulk ingests: how much of each source is here, placeholders (the same bytes
    from many URLs), why images are missing, with an example each, and speed; what
    pupline quality found.
    """
    summaries = [
        summary
        for summary in backend.ingests(dataset=selection.dataset)
        if selection.has_run(str(summary["run"])) and selection.is_recent(summary.get("began_at"))
    ]
    figures = insights_of(_records(backend, selection), summaries)
    quality = _quality(backend, sorted({str(summary["dataset"]) for summary in summaries}))
    if as_json:
        print_json({**figures.as_dict(), "quality": quality})
    elif not figures.records:
        click.echo(_nothing(backend, selection))
    else:
        show(figures)
        show_summaries(quality)
    return 0


def _quality(backend: "Backend", datasets: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """What the last quality pass found, by dataset; of those that had one."""
    found: dict[str, Mapping[str, Any]] = {}
    for dataset in datasets[:_DATASETS]:
        try:
            summary = json.loads(backend.bucket().read(quality_summary_key(dataset)))
        except (KeyError, ValueError):
            continue
        if isinstance(summary, dict):
            found[dataset] = summary
    return found


def _records(source: "Reader", selection: Selection) -> Iterable["FigureRecord"]:
    if selection.is_all:
        return source.figure_records()
    return (
        record
        for record in source.figure_records(run=selection.run, dataset=selection.dataset, since=selection.since)
        if selection.has_execution(record.execution) and selection.is_recent(record.upload_timestamp)
    )


def _nothing(backend: "Backend", selection: Selection) -> str:
    if selection.is_all:
        return f"The audit is empty. Start with: {first_run(backend)}"
    return f"No records match; pupline insights{backend.options} shows all records"
