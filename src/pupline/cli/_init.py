"""`pupline init`: a directory with a workflow of one's own."""

import os
from pathlib import Path

import click

from pupline.cli._command import Command
from pupline.cli._output import program
from pupline.errors import ConfigurationError
from pupline.text import printable
from pupline.workflow_files import BULK_NAME, FILES, PIPELINE_NAME, PROJECT_FILE, workflow_path

_FOLDER = Path(__file__).parents[1] / "project_files"

_COPIES = {
    "README.md": "README.md",
    ".gitignore": "gitignore",
    "sources/my-source.toml": "my-source.toml",
    "tests/test_alert_rules.py": "test_alert_rules.py.txt",
    PROJECT_FILE: PROJECT_FILE,
}
"""The project's files and where they come from; the one that makes it a project is last."""


@click.command(cls=Command)
@click.argument("directory", metavar="[DIR]", default=".", type=click.Path(file_okay=False, path_type=Path))
def init(directory: Path) -> int:
    """Make DIR, or this directory, a project: with workflows, a source and a test that are yours to change.

    Commands that run in a project use its workflow, whose alert rules pupline run and pupline ingest heed. Nothing that
    is there already is overwritten.
    """
    sources = {f"statemachine/{FILES[name]}": workflow_path(name) for name in (PIPELINE_NAME, BULK_NAME)}
    sources |= {target: _FOLDER / source for target, source in _COPIES.items()}
    there = [target for target in sources if (directory / target).exists()]
    if PROJECT_FILE in there:
        raise ConfigurationError(f"{printable(str(directory))} is a project already; edit its files")
    if there:
        raise ConfigurationError(
            f"{printable(str(directory))} has {', '.join(there)} already; name a directory without them"
        )
    try:
        for target, source in sources.items():
            path = directory / target
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_new(path, source.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"{printable(str(error.filename))} cannot be made: {error.strerror}") from error
    click.echo(f"Made a project in {printable(str(directory))}:")
    for target in sources:
        click.echo(f"  {target}")
    click.echo("Next:")
    if directory.absolute() != Path.cwd():
        click.echo(f"  cd {printable(str(directory))}")
    for command in ("validate", "run --source sample --count 12"):
        click.echo(f"  {program()} {command}")
    return 0


def _write_new(path: Path, body: bytes) -> None:
    """A new file with this content, on the disk when this returns. Raises: OSError, also where it exists."""
    with path.open("xb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
