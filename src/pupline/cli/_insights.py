"""`pupline insights`: the whole audit in figures and bars."""

from typing import TYPE_CHECKING

import click

from pupline.cli._backend import backend_options
from pupline.cli._command import Command
from pupline.cli._first_steps import first_run
from pupline.cli._insights_view import show
from pupline.cli._options import json_option
from pupline.cli._output import print_json
from pupline.cli._quality_view import show_summaries
from pupline.cli._selection import selection_options
from pupline.insights import Selection, report_of

if TYPE_CHECKING:
    from pupline.backends import Backend


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
    report = report_of(backend, selection)
    figures = report.figures
    if as_json:
        print_json(report.as_dict())
    elif not figures.records:
        click.echo(_nothing(backend, selection))
    else:
        show(figures)
        show_summaries(report.quality)
    return 0


def _nothing(backend: "Backend", selection: Selection) -> str:
    if selection.is_all:
        return f"The audit is empty. Start with: {first_run(backend)}"
    return f"No records match; pupline insights{backend.options} shows all records"
