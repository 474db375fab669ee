"""Where a reading command reads: one machine's data directory, or a deployed stack. One set of verbs for both."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

import click

from pupline.errors import ConfigurationError
from pupline.records import AuditRecord

_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class ExecutionRow:
    """One execution in a list. Times are seconds since the epoch; stop_time is None while it runs."""

    name: str
    status: str
    run: str | None
    start_time: float
    stop_time: float | None
    error: str | None
    cause: str | None


@dataclass(frozen=True, slots=True)
class ExecutionStory:
    """One execution with all there is to tell: its definition, input, output and history (AWS-shaped events)."""

    row: ExecutionRow
    definition: Mapping[str, Any]
    input: Any
    output: Any
    history: Sequence[Mapping[str, Any]]


class Reader(Protocol):
    """What reading commands ask of a backend."""

    def records(self) -> Iterator[AuditRecord]:
        """All audit records, oldest first."""

    def executions(self, *, status: str | None = None, run: str | None = None) -> Iterator[ExecutionRow]:
        """Executions, newest first."""

    def execution(self, name: str) -> ExecutionStory:
        """One execution. Raises: ConfigurationError when there is none of that name."""

    def alerts(self) -> Iterator[Mapping[str, Any]]:
        """Alerts, oldest first, each as the JSON object that `pupline alerts --json` prints."""


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
