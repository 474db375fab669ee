"""Names that a shell completes: of the runs and the datasets in the data directory that the command line names."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pupline.errors import PuplineError

if TYPE_CHECKING:
    from pupline.tasks.ports import RunName

_OFFERED = 50


def complete_run(context: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The newest runs whose ID begins like this."""
    return _beginning((name.run for name in _names(context)), incomplete)


def complete_dataset(context: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The datasets whose name begins like this."""
    return _beginning((name.dataset for name in _names(context) if name.dataset is not None), incomplete)


def _beginning(names: Iterator[str], incomplete: str) -> list[str]:
    return list(dict.fromkeys(name for name in names if name.startswith(incomplete)))[:_OFFERED]


def _names(context: click.Context) -> "list[RunName]":
    """None for a stack, which would take seconds, and where there is no data directory that can be read."""
    from pupline.backends import MachineBackend

    if context.params.get("backend") == "aws":
        return []
    folder = context.params.get("data_dir") or os.environ.get("PUPLINE_DATA") or "pupline-data"
    try:
        with MachineBackend(Path(folder)) as backend:
            return list(backend.run_names())
    except (PuplineError, OSError):  # a completion has nowhere to say why
        return []
