"""Discards a run, or all runs of a dataset, of a data directory."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pupline.backends._port import DiscardReport, DiscardSelection
from pupline.backends.machine._runs import MachineRuns
from pupline.errors import ConfigurationError, DirectoryInUse
from pupline.local import DiscardCounts, DiscardedRun, LocalBackend, RunKind
from pupline.tasks.ports import RunSummary
from pupline.text import printable

_RELEASED_WITHIN_SECONDS = 30.0
"""How long a process may take to end the run that it is working on, as it was told, and to write its files."""

_LOOK_EVERY_SECONDS = 0.1


def plan_discard(backend: LocalBackend, selection: DiscardSelection, options: str) -> DiscardReport:
    """What discarding would remove, or has left when it was killed.

    Raises: ConfigurationError where there is no such run, or a run of the dataset is unfinished.
    """
    chosen = _chosen(backend, selection, options, [run.run_id for run in backend.discards.unfinished()])
    return _report(chosen, backend.discards.plan(_discarded(chosen, selection)))


def discard(
    data_dir: Path, selection: DiscardSelection, options: str, progress: Callable[[int], None], *, is_ending: bool
) -> DiscardReport:
    """Remove it. None of its executions may be RUNNING. is_ending: another process may be about to end its run.

    What an earlier discard left of it counts too: opening the directory has removed that.
    Raises: as `plan_discard`; StorageError.
    """
    with _opened(data_dir, _RELEASED_WITHIN_SECONDS if is_ending else 0.0) as backend:
        chosen = _chosen(backend, selection, options, backend.discards.finished.runs)
        if all(run.status == "DISCARDED" for run in chosen):
            return _report(chosen, backend.discards.finished)
        backend.discards.begin(_discarded(chosen, selection))
        return _report(chosen, backend.discards.finish(progress))


def _opened(data_dir: Path, patience_seconds: float) -> LocalBackend:
    """The data directory, once another process has released it. Raises: DirectoryInUse when it does not in time."""
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            return LocalBackend.open(data_dir, exclusive=True, create=False)
        except DirectoryInUse:
            if time.monotonic() >= deadline:
                raise
        time.sleep(_LOOK_EVERY_SECONDS)


def _chosen(
    backend: LocalBackend, selection: DiscardSelection, options: str, interrupted: Sequence[str]
) -> list[RunSummary]:
    """The runs to discard. interrupted: those whose removal was interrupted, chosen where there are no others."""
    found = list(MachineRuns(backend, options).all(dataset=selection.dataset, run=selection.run))
    chosen = [run for run in found if run.status != "DISCARDED"] or [run for run in found if run.run in interrupted]
    if not chosen:
        what = f"run '{selection.run}'" if selection.run else f"dataset '{selection.dataset}'"
        been = "was discarded already" if found else "does not exist"
        raise ConfigurationError(f"the {printable(what)} {been}; see: pupline runs --all{options}")
    running = [run for run in chosen if run.status == "RUNNING"]
    if selection.dataset is not None and running:
        name = running[0].run
        raise ConfigurationError(
            f"the run '{name}' of the dataset '{printable(selection.dataset)}' is unfinished; finish it with pupline"
            f" resume --run {name}{options}, or end it with pupline stop {name}{options}"
        )
    return chosen


def _discarded(runs: list[RunSummary], selection: DiscardSelection) -> list[DiscardedRun]:
    return [
        DiscardedRun(
            run_id=run.run,
            kind=RunKind(run.kind),
            dataset=run.dataset,
            source=run.source,
            began_at=run.began_at,
            is_dataset=selection.dataset is not None,
        )
        for run in runs
    ]


def _report(runs: list[RunSummary], counts: DiscardCounts) -> DiscardReport:
    return DiscardReport(
        runs=tuple(run.run for run in runs),
        unfinished=tuple(run.run for run in runs if run.status == "RUNNING"),
        images=counts.images,
        bytes=counts.bytes,
        outputs=counts.outputs,
        kept=counts.kept,
        changed=counts.changed,
    )
