"""Where a command works: on one machine's data directory, or on a deployed stack. One set of verbs for both."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from pupline.cli._options import data_option
from pupline.errors import ConfigurationError

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
    "--workflow-file",
)
"""What a stack has settled at its deployment."""


def backend_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The --data, --backend and --stack options; the command gets the `Backend` that they name as `backend`."""

    @functools.wraps(command)
    def call(data_dir: Path, backend: str, stack: str | None, **options: Any) -> Any:
        from pupline.backends import open_backend

        with open_backend(data_dir, _stack_name(backend, stack, workflow=options.get("workflow", True))) as opened:
            return command(backend=opened, **options)

    stack = click.option("--stack", help="With --backend aws: the CloudFormation stack's name.")
    backend = click.option(
        "--backend",
        type=click.Choice(["local", "aws"]),
        default="local",
        show_default=True,
        help="This machine's data directory, or a deployed stack.",
    )
    return data_option(backend(stack(call)))


def _stack_name(backend: str, stack: str | None, *, workflow: bool) -> str | None:
    """The stack, or None for this machine. Raises: ConfigurationError, also for options of the other backend.

    workflow: False for an ingest without --workflow, which a stack refuses whatever its other options are.
    """
    if backend == "local":
        if stack:
            raise ConfigurationError("--stack goes with --backend aws")
        return None
    if not stack:
        raise ConfigurationError("--backend aws needs the name of a deployed stack: --stack NAME")
    typed = [option for option in _ONE_MACHINE if was_typed(option)]
    if typed and workflow:
        raise ConfigurationError(f"{typed[0]} is only for this machine; a stack uses its own settings")
    return stack


def typed_options() -> frozenset[str]:
    """The names, in Python, of the options that stand on the command line."""
    context = click.get_current_context()
    return frozenset(
        name for name in context.params if context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    )


def was_typed(option: str) -> bool:
    """Whether the option stands on the command line."""
    context = click.get_current_context()
    names = [parameter.name for parameter in context.command.params if option in parameter.opts]
    return any(context.get_parameter_source(name) is ParameterSource.COMMANDLINE for name in names if name)
