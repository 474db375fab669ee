"""The files of the workflows: where they are, and their JSON. A leaf: it opens no other room.

A user's own definition is named by --workflow-file or PUPLINE_WORKFLOW, or belongs to the project that a command runs
in: a directory that `pupline init` made, with `pupline.toml` in it.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pupline.errors import ConfigurationError
from pupline.files import read_text
from pupline.json_values import AnyJSON
from pupline.text import printable

PIPELINE_NAME = "DogUploaderPipeline"
BULK_NAME = "BulkIngest"

FILES = {PIPELINE_NAME: "dog_uploader_pipeline.asl.json", BULK_NAME: "bulk_ingest.asl.json"}
"""State machine to the name of its file."""

PROJECT_FILE = "pupline.toml"
"""Marks a project's directory, and names its workflow."""


@dataclass(frozen=True, slots=True)
class Project:
    """A directory with a workflow of its own. workflow: the file of DogUploaderPipeline."""

    directory: Path
    workflow: Path


def workflow_path(name: str = PIPELINE_NAME, chosen: str | Path | None = None) -> Path:
    """The file of a workflow. chosen: the user's file of DogUploaderPipeline; BulkIngest is taken from its directory.

    Where the user has none: packaged with an installed pupline, next to `src/` in a checkout.
    Raises: ConfigurationError when it is in neither.
    """
    if chosen is not None:
        path = Path(chosen)
        if name == PIPELINE_NAME:
            return path
        if (beside := path.parent / FILES[name]).is_file():
            return beside
    package = Path(__file__).parent
    places = [package / "statemachine", package.parents[1] / "statemachine"]
    for place in places:
        path = place / FILES[name]
        if path.is_file():
            return path
    raise ConfigurationError(
        f"{FILES[name]} is not in {places[0]}; install pupline again, or on AWS: sam build, then sam deploy"
    )


def read_definition(path: Path) -> dict[str, AnyJSON]:
    """The JSON object in a workflow's file. Raises: ConfigurationError."""
    try:
        definition = json.loads(read_text(path))
    except OSError as error:
        raise ConfigurationError(f"{path}: the workflow cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{path}: cannot be read as JSON: {printable(str(error))}") from error
    if not isinstance(definition, dict):
        raise ConfigurationError(f"{path}: a workflow is a JSON object with StartAt and States")
    return definition


def chosen_workflow(environment: Mapping[str, str], directory: Path) -> tuple[str | None, Project | None]:
    """The user's own workflow, and the project that has it: that of PUPLINE_WORKFLOW, or of the project around here.

    Raises: ConfigurationError, as `find_project`.
    """
    if named := environment.get("PUPLINE_WORKFLOW"):
        return str(Path(named).expanduser().absolute()), None
    project = find_project(directory)
    return (str(project.workflow), project) if project else (None, None)


def find_project(directory: Path) -> Project | None:
    """The project that `directory` is in; None where it is in none.

    A pupline.toml of another user is not taken: anyone may write to a directory such as /tmp.
    Raises: ConfigurationError for a file that does not name a workflow.
    """
    directory = directory.absolute()
    for place in (directory, *directory.parents):
        marker = place / PROJECT_FILE
        try:
            owner = marker.stat().st_uid
        except OSError:  # not there, or not for this user to see
            continue
        if owner in {os.getuid(), 0}:
            return Project(place, place / _workflow_of(marker))
    return None


def _workflow_of(marker: Path) -> str:
    import tomllib  # outside a project no command needs it

    try:
        named = tomllib.loads(read_text(marker)).get("workflow")
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigurationError(f"{marker}: cannot be read as TOML: {printable(str(error))}") from error
    if not isinstance(named, str) or not named:
        raise ConfigurationError(
            f'{marker}: name the workflow\'s file, such as workflow = "statemachine/{FILES[PIPELINE_NAME]}"'
        )
    return named
