"""The --workflow-file option: the user's own definition of the workflow, named, or found in the project around here."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from pupline.cli._output import message
from pupline.text import printable
from pupline.workflow_files import chosen_workflow

_Command = TypeVar("_Command", bound=Callable[..., Any])

OPTION = "--workflow-file"


def workflow_option(command: _Command) -> _Command:
    """The --workflow-file option."""
    return click.option(
        OPTION,
        metavar="FILE",
        help="Your own definition of the workflow (or PUPLINE_WORKFLOW). [default: the project's, or pupline's own]",
    )(command)


def own_workflow(typed: str | None, *, resumed: bool = False) -> str | None:
    """The absolute path of the user's own workflow; None for pupline's, and with --stack, as a stack has its own.

    typed: the option's value. That a project's workflow is used is said on stderr. resumed: the run has its workflow
    already, unless the option is typed.
    Raises: ConfigurationError for a project's file that names no workflow.
    """
    if typed:
        return str(Path(typed).expanduser().absolute())
    if resumed or click.get_current_context().params.get("stack"):
        return None
    workflow, project = chosen_workflow(os.environ, Path.cwd())
    if project is not None:
        name = printable(str(project.workflow.relative_to(project.directory)))
        message(f"pupline: in the project {printable(str(project.directory))}: its workflow is {name}")
    return workflow
