"""`pupline package`: the code of the Lambda functions, for SAM's builder, or as archives for other tools."""

from pathlib import Path

import click

from pupline.cli._command import Command
from pupline.cli._output import message
from pupline.cli._workflow_option import own_workflow, workflow_option
from pupline.errors import ConfigurationError
from pupline.text import printable
from pupline.workflow_files import find_project

_file = click.Path(exists=True, dir_okay=False, path_type=Path)
_SAM_BUILDS = "BuildMethod: makefile"


@click.command(cls=Command)
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("build/package"),
    show_default=True,
    help="Directory for the packages.",
)
@click.option(
    "--function",
    metavar="NAME",
    help="Only this function's files, straight into --output, not zipped: for SAM's builder.",
)
@click.option(
    "--spec",
    "specs",
    type=_file,
    multiple=True,
    help="Add a source's spec, for SOURCE, to those in sources/. May be repeated.",
)
@workflow_option
def package(output: Path, function: str | None, specs: tuple[Path, ...], workflow_file: str | None) -> int:
    """Copy the code of each Lambda function to build/package, and zip it, for tools other than AWS SAM.

    With SAM: sam build, then sam deploy; it makes the same packages. A package holds only the files that the function
    imports, the workflow's file where its rules are heeded, and the specs in sources/. It has the same bytes each time.
    Prints one line for each function.
    """
    from pupline.packaging import build, own_specs, stage_all

    chosen = own_workflow(workflow_file)
    workflow = Path(chosen) if chosen else None
    project = find_project(Path.cwd())
    all_specs = [*own_specs(project.directory if project else Path.cwd()), *specs]
    try:
        if function is not None:
            build(function, output, all_specs, workflow)
            return 0
        for staged in stage_all(output, all_specs, workflow):
            click.echo(staged.line())
    except OSError as error:
        raise ConfigurationError(f"{printable(str(error.filename))} cannot be written: {error.strerror}") from error
    _say_who_reads_them(output)
    return 0


def _say_who_reads_them(output: Path) -> None:
    """On stderr, where SAM builds the functions itself: it takes none of these packages."""
    template = Path("template.yaml")
    if template.is_file() and _SAM_BUILDS in template.read_text(errors="replace"):
        message(f"pupline: sam deploy does not read {printable(str(output))}; for SAM: sam build, then sam deploy")
