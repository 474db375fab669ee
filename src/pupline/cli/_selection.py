"""The options --run, --dataset, --since and --until of reading commands: a mistake in one of them is an error."""

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from pupline.cli._first_steps import first_ingest, first_run
from pupline.cli._name_completion import complete_dataset, complete_run
from pupline.cli._options import with_options
from pupline.cli._since import since_option, until_option
from pupline.errors import ConfigurationError, NoSuchName
from pupline.insights import Selection
from pupline.text import nearest, printable

if TYPE_CHECKING:
    from pupline.backends import Backend

_SHOWN = 20
_SEARCHED = 2_000
"""Names among which a suggestion is sought."""

run_option = click.option(
    "--run", metavar="ID", shell_complete=complete_run, help="Only this run, of single images or in bulk."
)
dataset_option = click.option(
    "--dataset",
    metavar="NAME",
    shell_complete=complete_dataset,
    help="Only what bulk runs brought into this dataset.",
)


def selection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that select rows; the command gets them as `selection`, checked, besides its backend."""

    @functools.wraps(command)
    def call(
        *,
        backend: "Backend",
        run: str | None,
        dataset: str | None,
        since: float | None,
        until: float | None,
        **options: Any,
    ) -> Any:
        selection = replace(selected(backend, run, dataset, since), until=until)
        return command(backend=backend, selection=selection, **options)

    return with_options(call, run_option, dataset_option, since_option, until_option)


def selected(
    backend: "Backend", run: str | None = None, dataset: str | None = None, since: float | None = None
) -> Selection:
    """The selection. Raises: ConfigurationError for a run or a dataset that does not exist, with suggestions."""
    runs = None if dataset is None else runs_of_dataset(backend, dataset)
    if run is not None:
        check_run(backend, run)
    return Selection(run, dataset, since, runs)


def runs_of_dataset(backend: "Backend", dataset: str) -> frozenset[str]:
    """The runs of the dataset. Raises: ConfigurationError where there are none."""
    known = list(backend.run_names())
    found = frozenset(name.run for name in known if name.dataset == dataset)
    if not found:
        names = sorted({name.dataset for name in known if name.dataset is not None})
        raise ConfigurationError(
            f"there is no dataset '{printable(dataset)}'{_suggestions(dataset, names, first_ingest(backend))}"
        )
    return found


def check_run(backend: "Backend", run: str) -> None:
    """Raises ConfigurationError, with suggestions, where there is neither a run of that ID nor a record of one."""
    if run not in _run_ids(backend) and next(backend.records(run=run), None) is None:
        raise ConfigurationError(no_such_run(backend, run))


@contextmanager
def suggesting(backend: "Backend", name: str) -> Iterator[None]:
    """Add suggestions to the error that no execution or run has this name. Raises: ConfigurationError."""
    try:
        yield
    except NoSuchName as error:
        names = _run_ids(backend)
        names = names[:_SEARCHED]
        names += [row.name for row in itertools.islice(backend.executions(), _SEARCHED)]
        near = nearest(name, names)
        raise ConfigurationError(f"{error}{f'; did you mean {printable(near)!r}?' if near else ''}") from error


def no_such_run(backend: "Backend", run: str, kind: str = "run") -> str:
    """That there is no run of this ID, and which there are. kind: what may have had the name."""
    names = _run_ids(backend)
    return f"there is no {kind} '{printable(run)}'{_suggestions(run, names, first_run(backend))}"


def _run_ids(backend: "Backend") -> list[str]:
    """The IDs of all runs, newest first; none where the credentials may read the records alone."""
    try:
        return list(dict.fromkeys(name.run for name in backend.run_names()))
    except ConfigurationError:
        return []


def _suggestions(name: str, names: Sequence[str], command: str) -> str:
    """What to type instead: the first names, and the nearest one."""
    if not names:
        return f"; there is none yet. Start with: {command}"
    shown = ", ".join(printable(one) for one in names[:_SHOWN])
    near = nearest(name, names[:_SEARCHED])
    return (
        f"; there {'are' if len(names) > 1 else 'is'}: {shown}{', ...' if len(names) > _SHOWN else ''}"
        f"{f'; did you mean {printable(near)!r}?' if near else ''}"
    )
