"""Where a command works: on one machine's data directory, or on a deployed stack. One set of verbs for both."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

import click
from click.core import ParameterSource

from pupline.errors import ConfigurationError
from pupline.tasks.ports import Reader

_Command = TypeVar("_Command", bound=Callable[..., Any])


def backend_options(command: _Command) -> _Command:
    """The --backend and --stack options."""
    stack = click.option("--stack", help="With --backend aws: the CloudFormation stack's name.")
    backend = click.option(
        "--backend",
        type=click.Choice(["local", "aws"]),
        default="local",
        show_default=True,
        help="This machine's data directory, or a deployed stack.",
    )
    return backend(stack(command))


def open_backend(data_dir: Path, backend: str, stack: str | None) -> AbstractContextManager[Reader]:
    """The reader that the options name; closes with the `with` block. Raises: ConfigurationError."""
    if backend == "aws":
        name = stack_name(stack)
        from pupline.backends.stack import StackReader

        return StackReader.open(name)
    check_local(stack)
    from pupline.backends.machine import LocalReader

    return LocalReader.open(data_dir)


def stack_name(stack: str | None) -> str:
    """The stack that a command with --backend aws was given. Raises: ConfigurationError.

    It also refuses options that belong to one machine, where they were typed.
    """
    if not stack:
        raise ConfigurationError("--backend aws needs the name of a deployed stack: --stack NAME")
    typed = [option for option in _ONE_MACHINE if _was_typed(option)]
    if typed:
        raise ConfigurationError(f"{typed[0]} goes with one machine; with --backend aws the stack's own settings hold")
    return stack


def check_local(stack: str | None) -> None:
    """Refuse --stack where the command works on this machine. Raises: ConfigurationError."""
    if stack:
        raise ConfigurationError("--stack goes with --backend aws")


_ONE_MACHINE = (
    "--data",
    "--source",
    "--allow-origin",
    "--allow-metadata-address",
    "--proxy",
    "--timeout",
    "--max-bytes",
    "--max-pixels",
    "--sample-if-offline",
)
"""What a stack has settled at its deployment."""


def _was_typed(option: str) -> bool:
    context = click.get_current_context()
    names = [parameter.name for parameter in context.command.params if option in parameter.opts]
    return any(context.get_parameter_source(name) is ParameterSource.COMMANDLINE for name in names if name)
