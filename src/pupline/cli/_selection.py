"""The options --run, --dataset, --since and --until of reading commands: a mistake in one of them is an error."""

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import click

from pupline.cli._first_steps import first_ingest, first_run
from pupline.cli._name_completion import complete_dataset, complete_run
from pupline.cli._options import with_options
from pupline.cli._since import since_option, until_option
from pupline.errors import ConfigurationError, NoSuchName
from pupline.insights import run_of
from pupline.text import nearest, printable, timestamp

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


@dataclass(frozen=True, slots=True)
class Selection:
    """The chosen rows. run, dataset: that exist. runs: the IDs of the dataset's runs; None without a dataset.

    since, until: in seconds since the epoch; the latter is excluded.
    """

    run: str | None = None
    dataset: str | None = None
    since: float | None = None
    runs: frozenset[str] | None = None
    until: float | None = None

    def has_run(self, run: str | None) -> bool:
        """Whether rows of this run are chosen."""
        return self.run in {None, run} and (self.runs is None or run in self.runs)

    def has_execution(self, execution: str) -> bool:
        """Whether rows of this execution are chosen."""
        if self.run is None and self.runs is None:
            return True
        return self.has_run(run_of(execution)) or self.has_run(execution)  # a bulk run's alerts have its own name

    def is_recent(self, moment: float | str | None) -> bool:
        """Whether rows of this time, in seconds or as RFC 3339, are chosen. What has no time is not recent."""
        since, until = self.since or 0.0, self.until
        if self.since is None and until is None:
            return True
        if isinstance(moment, str):
            return moment >= timestamp(max(since, 0.0)) and (until is None or moment < timestamp(max(until, 0.0)))
        return moment is not None and moment >= since and (until is None or moment < until)

    @property
    def is_all(self) -> bool:
        """Whether nothing was chosen."""
        return self.run is None and self.dataset is None and self.since is self.until is None


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
