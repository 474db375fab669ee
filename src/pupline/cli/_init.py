"""`pupline init`: a directory with a workflow of one's own."""

import os
from collections.abc import Mapping
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

_DEPLOYMENT = {"template.yaml": "template.yaml", "samconfig.toml": "samconfig.example.toml"}
_BUILDER = "src/Makefile"


@click.command(cls=Command)
@click.argument("directory", metavar="[DIR]", default=".", type=click.Path(file_okay=False, path_type=Path))
@click.option("--aws", is_flag=True, help="Also what AWS SAM needs to build and deploy it: also to a project.")
def init(directory: Path, aws: bool) -> int:
    """Make DIR, or this directory, a project: with workflows, a source and a test that are yours to change.

    Commands that run in a project use its workflow, whose alert rules pupline run and pupline ingest heed. Nothing that
    is there already is overwritten. To deploy a project to AWS: sam build, then sam deploy.
    """
    if aws and (directory / PROJECT_FILE).exists():
        return _make(directory, _deployment_files())
    sources = {f"statemachine/{FILES[name]}": workflow_path(name) for name in (PIPELINE_NAME, BULK_NAME)}
    sources |= _deployment_files() if aws else {}
    sources |= {target: _FOLDER / source for target, source in _COPIES.items()}
    if (directory / PROJECT_FILE).exists():
        raise ConfigurationError(f"{printable(str(directory))} is a project already; edit its files")
    return _make(directory, sources)


def _deployment_files() -> dict[str, Path]:
    """What SAM needs: from an installed pupline, or from the top of a checkout."""
    places = [_FOLDER, _FOLDER.parents[2]]
    found = {to: [place / name for place in places if (place / name).is_file()] for to, name in _DEPLOYMENT.items()}
    if missing := [_DEPLOYMENT[to] for to, paths in found.items() if not paths]:
        raise ConfigurationError(f"{', '.join(missing)} is not in {places[1]}; install pupline again")
    return {to: paths[0] for to, paths in found.items()} | {_BUILDER: _FOLDER / "Makefile"}


def _make(directory: Path, sources: Mapping[str, Path]) -> int:
    there = [target for target in sources if (directory / target).exists()]
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
    click.echo(f"Made in {printable(str(directory))}:")
    for target in sources:
        click.echo(f"  {target}")
    click.echo("Next:")
    if directory.absolute() != Path.cwd():
        click.echo(f"  cd {printable(str(directory))}")
    deploys = ["sam build", "sam deploy --guided"] if "template.yaml" in sources else []
    for command in (f"{program()} validate", f"{program()} run --source sample --count 12", *deploys):
        click.echo(f"  {command}")
    return 0


def _write_new(path: Path, body: bytes) -> None:
    """A new file with this content, on the disk when this returns. Raises: OSError, also where it exists."""
    with path.open("xb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
