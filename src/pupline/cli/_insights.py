"""`pupline insights`: the whole audit in figures and bars."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from pupline.cli._backend import backend_options
from pupline.cli._command import Command
from pupline.cli._insights_view import show
from pupline.cli._options import json_option
from pupline.cli._output import print_json
from pupline.errors import ConfigurationError
from pupline.insights import insights_of, run_of
from pupline.text import printable

if TYPE_CHECKING:
    from pupline.backends import Backend
    from pupline.tasks.ports import Reader
    from pupline.tasks.records import AuditRecord

Summaries = list[Mapping[str, Any]]


@click.command(cls=Command)
@click.option("--dataset", metavar="NAME", help="Only what bulk runs brought into this dataset.")
@click.option("--run", metavar="ID", help="Only this run, of single images or in bulk.")
@backend_options
@json_option
def insights(dataset: str | None, run: str | None, backend: "Backend", as_json: bool) -> int:
    """Image types and alert frequency first, then reasons, breeds, duplicates and bytes.

    \b
    For bulk ingests: how much of each source is here, placeholders (the same bytes
    from many URLs), why images are missing, with an example each, and speed.
    """
    summaries = _chosen(backend, dataset, run)
    figures = insights_of(_records(backend, summaries, dataset, run), summaries)
    if as_json:
        print_json(figures.as_dict())
    elif not figures.records:
        click.echo(_nothing(dataset, run))
    else:
        show(figures)
    return 0


def _chosen(source: "Reader", dataset: str | None, run: str | None) -> Summaries:
    """The summaries of the wanted bulk ingests. Raises: ConfigurationError for an unknown dataset."""
    found = list(source.ingests(dataset=dataset))
    if dataset is not None and not found:
        there = sorted({printable(str(summary["dataset"])) for summary in source.ingests()})
        hint = f"there are: {', '.join(there[:20])}" if there else "fetch one with: pupline ingest SOURCE"
        raise ConfigurationError(f"there is no dataset '{printable(dataset)}'; {hint}")
    return found if run is None else [summary for summary in found if summary["run"] == run]


def _records(source: "Reader", summaries: Summaries, dataset: str | None, run: str | None) -> Iterable["AuditRecord"]:
    if run is None and dataset is None:
        return source.records()
    runs = {str(summary["run"]) for summary in summaries} if dataset is not None else {str(run)}
    return (record for record in source.records() if run_of(record.execution) in runs)


def _nothing(dataset: str | None, run: str | None) -> str:
    if dataset is None and run is None:
        return "The audit is empty. Start with: pupline run --source sample --count 12"
    options = " ".join(f"--{name} {printable(value)}" for name, value in (("dataset", dataset), ("run", run)) if value)
    return f"The audit has no records of {options}; without it, pupline insights shows all records"
