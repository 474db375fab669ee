"""`pupline package`: the code of the Lambda functions, for sam deploy."""

from pathlib import Path

import click

from pupline.cli._command import Command
from pupline.cli._workflow_option import own_workflow, workflow_option
from pupline.errors import ConfigurationError
from pupline.text import printable

_file = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(cls=Command)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build/package"),
    show_default=True,
    help="Where template.yaml expects the packages.",
)
@click.option("--spec", "specs", type=_file, multiple=True, help="Add a source's spec, for SOURCE. May be repeated.")
@workflow_option
def package(output: Path, specs: tuple[Path, ...], workflow_file: str | None) -> int:
    """Copy the code of each Lambda function to build/package, and zip it; then: sam deploy.

    A package holds only the files that the function imports, and the workflow's file where its rules are heeded. It has
    the same bytes each time. Prints one line for each function.
    """
    from pupline.packaging import stage_all

    chosen = own_workflow(workflow_file)
    try:
        for staged in stage_all(output, specs, Path(chosen) if chosen else None):
            click.echo(staged.line())
    except OSError as error:
        raise ConfigurationError(f"{printable(str(error.filename))} cannot be written: {error.strerror}") from error
    return 0
