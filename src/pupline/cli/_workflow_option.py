"""The --workflow-file option: the user's own definition of the workflow, named, or found in the project around here."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pupline.cli._backend import was_typed
from pupline.cli._output import message
from pupline.text import printable
from pupline.workflow_files import find_project

if TYPE_CHECKING:
    from pupline.backends import Backend

_Command = TypeVar("_Command", bound=Callable[..., Any])

OPTION = "--workflow-file"


def workflow_option(command: _Command) -> _Command:
    """The --workflow-file option."""
    return click.option(
        OPTION,
        metavar="FILE",
        envvar="PUPLINE_WORKFLOW",
        help="Your own definition of the workflow (or PUPLINE_WORKFLOW). [default: the project's, or pupline's own]",
    )(command)


def own_workflow(given: str | None, backend: "Backend | None" = None, *, resumed: bool = False) -> str | None:
    """The absolute path of the user's own workflow; None for pupline's, and on a stack, which has its own.

    given: the option's value. Without one, the project that the working directory is in has it, which is said on
    stderr. resumed: the run has its workflow already, unless the option is typed.
    Raises: ConfigurationError for a project's file that names no workflow.
    """
    from pupline.backends import MachineBackend

    if (backend is not None and not isinstance(backend, MachineBackend)) or (resumed and not was_typed(OPTION)):
        return None
    if given:
        return str(Path(given).expanduser().absolute())
    project = find_project(Path.cwd())
    if project is None:
        return None
    where, workflow = printable(str(project.directory)), printable(str(project.workflow.relative_to(project.directory)))
    message(f"pupline: in the project {where}: its workflow is {workflow}")
    return str(project.workflow)
