"""`pupline merge`: joins what several machines fetched."""

from pathlib import Path

import click

from pupline.cli._command import Command
from pupline.cli._count_line import CountLine
from pupline.cli._options import data_option, json_option
from pupline.cli._output import message, print_json
from pupline.text import plural, printable

_SHOWN = 20
"""Names of runs shown to people."""


@click.command(cls=Command)
@click.argument("directories", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="DIR...")
@click.option("--copy", is_flag=True, help="Copy images, never link them to the files of DIR.")
@data_option
@json_option
def merge(directories: tuple[Path, ...], copy: bool, data_dir: Path, as_json: bool) -> int:
    """Join the bulk ingests of other data directories: images, audit records, alerts, runs and metadata.

    \b
    Afterwards the data directory is what one machine would have made: the same
    image once, names that two machines gave to different images told apart.
    Every image is verified by its SHA-256 on the way. The directories are only
    read. Repeating the command adds what is new, or continues after a kill.

    \b
    Exit codes: 0 all is merged, 1 the files of some images were missing or
    changed, 2 usage or configuration error, such as an unfinished run.
    """
    from pupline.bulk import merge as merge_directories

    with CountLine() as progress:
        report = merge_directories(data_dir, directories, copy=copy, progress=progress)
    for note in report.notes:
        message(f"Note: {note}")
    if as_json:
        print_json(report.as_dict())
    else:
        known = f"; {plural(len(report.known), 'run')} was here before" if report.known else ""
        if len(report.known) > 1:
            known = known.replace(" was ", " were ")
        click.echo(f"Merged {plural(len(report.runs), 'run')} with {plural(report.items, 'image')}{known}.")
        outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in report.outcomes.most_common())
        if outcomes:
            click.echo(f"New here: {outcomes}. Files: {report.linked:,} linked, {report.copied:,} copied.")
        for run in report.runs[:_SHOWN]:
            click.echo(f"  {printable(run)}")
    if report.lost:
        message(
            f"{plural(report.lost, 'image')} failed, because the file is missing or was changed:"
            " pupline ingest --retry-failed RUN fetches them again"
        )
    return 1 if report.lost else 0
