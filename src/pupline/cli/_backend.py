"""Where a reading command reads: one machine's data directory, or a deployed stack. One set of verbs for both."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

import click

from pupline.errors import ConfigurationError
from pupline.ports import Reader

_Command = TypeVar("_Command", bound=Callable[..., Any])


def backend_options(command: _Command) -> _Command:
    """The --backend and --stack options of reading commands."""
    stack = click.option("--stack", help="With --backend aws: the CloudFormation stack's name.")
    backend = click.option(
        "--backend", type=click.Choice(["local", "aws"]), default="local", show_default=True, help="Where to look."
    )
    return backend(stack(command))


def open_backend(data_dir: Path, backend: str, stack: str | None) -> AbstractContextManager[Reader]:
    """The reader that the options name; closes with the `with` block. Raises: ConfigurationError."""
    if backend == "aws":
        raise ConfigurationError("--backend aws is not there yet; leave it out to read this machine's data directory")
    if stack:
        raise ConfigurationError("--stack goes with --backend aws")
    from pupline.pipeline import LocalReader

    return LocalReader.open(data_dir)
