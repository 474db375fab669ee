"""`pupline insights`: the whole audit in figures and bars."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import click

from pupline.cli._backend import backend_options
from pupline.cli._command import Command
from pupline.cli._insights_view import show
from pupline.cli._options import json_option
from pupline.cli._output import print_json
from pupline.cli._selection import Selection, selection_options
from pupline.insights import insights_of

if TYPE_CHECKING:
    from pupline.backends import Backend
    from pupline.tasks.ports import Reader
    from pupline.tasks.records import AuditRecord


@click.command(cls=Command)
@backend_options
@selection_options
@json_option
def insights(backend: "Backend", selection: Selection, as_json: bool) -> int:
    """Image types and alert frequency first, then reasons, breeds, duplicates and bytes.

    \b
    For bulk ingests: how much of each source is here, placeholders (the same bytes
    from many URLs), why images are missing, with an example each, and speed.
    """
    summaries = [
        summary
        for summary in backend.ingests(dataset=selection.dataset)
        if selection.has_run(str(summary["run"])) and selection.is_recent(summary.get("began_at"))
    ]
    figures = insights_of(_records(backend, selection), summaries)
    if as_json:
        print_json(figures.as_dict())
    elif not figures.records:
        click.echo(_nothing(selection))
    else:
        show(figures)
    return 0


def _records(source: "Reader", selection: Selection) -> Iterable["AuditRecord"]:
    if selection.is_all:
        return source.records()
    return (
        record
        for record in source.records(run=selection.run)
        if selection.has_execution(record.execution) and selection.is_recent(record.upload_timestamp)
    )


def _nothing(selection: Selection) -> str:
    if selection.is_all:
        return "The audit is empty. Start with: pupline run --source sample --count 12"
    return "No records match; pupline insights shows all records"
