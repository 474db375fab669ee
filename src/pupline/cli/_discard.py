"""`pupline discard`: remove a run, or a whole dataset, with everything that only it needs."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pupline.cli._command import Command
from pupline.cli._local_trouble import explain_local_trouble
from pupline.cli._name_completion import complete_dataset, complete_run
from pupline.cli._options import data_option, json_option
from pupline.cli._output import message, print_json, size
from pupline.cli._selection import check_run, runs_of_dataset
from pupline.errors import ConfigurationError
from pupline.text import plural, printable

if TYPE_CHECKING:
    from pupline.backends import DiscardReport

_EPILOG = """\b
Examples:
  pupline discard 20261122-170000-ab12 --dry-run
  pupline discard monday
  pupline discard --dataset dogs --yes
"""

_LINE_EVERY_SECONDS = 5.0


@click.command(cls=Command, epilog=_EPILOG)
@click.argument("run", required=False, shell_complete=complete_run)
@click.option(
    "--dataset",
    metavar="NAME",
    shell_complete=complete_dataset,
    help="All runs of this dataset and everything of it; give no RUN.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@data_option
@json_option
def discard(run: str | None, dataset: str | None, dry_run: bool, yes: bool, data_dir: Path, as_json: bool) -> int:
    """Remove RUN, finished or not: its entry, its output files, its journal, and the images that nothing else needs.

    An image stays while another run names it, of whatever dataset. Audit records and alerts stay: they say what was
    done, so the run's ID cannot be used again. Killed in between, the next command that writes finishes the removal.

    A dataset with an unfinished run is not removed: finish the run, or stop it, first.
    """
    from pupline.backends import DiscardSelection, MachineBackend

    if (run is None) == (dataset is None):
        raise click.UsageError("give a RUN, or --dataset NAME for all runs of a dataset")
    with MachineBackend(data_dir) as backend:
        if run is not None:
            check_run(backend, run)
        else:
            runs_of_dataset(backend, str(dataset))
        selection = DiscardSelection(run, dataset)
        plan = backend.plan_discard(selection)
        if not dry_run:
            _confirm(plan, run or f"the dataset {dataset}", yes=yes)
            with explain_local_trouble("What is left is removed by the same command"):
                plan = backend.discard(selection, _Progress().looked_at)
    if as_json:
        print_json(_as_dict(plan, dry_run=dry_run))
    else:
        click.echo(_said(plan, "Would remove" if dry_run else "Removed"))
    return 0


class _Progress:
    """A line on stderr now and then."""

    def __init__(self) -> None:
        self._next_line = time.monotonic() + _LINE_EVERY_SECONDS

    def looked_at(self, images: int) -> None:
        """So many images were looked at, and removed where nothing else needs them."""
        if time.monotonic() >= self._next_line:
            self._next_line = time.monotonic() + _LINE_EVERY_SECONDS
            message(f"{plural(images, 'image')} looked at")


def _confirm(plan: "DiscardReport", what: str, *, yes: bool) -> None:
    """Raises: ConfigurationError where nobody can be asked; click.Abort after a no."""
    if yes:
        return
    message(_said(plan, "This removes"))
    if not sys.stdin.isatty():
        raise ConfigurationError("nobody can be asked here; confirm with --yes, or look first with --dry-run")
    click.confirm(f"Remove {printable(what)}?", abort=True, err=True)


def _said(plan: "DiscardReport", verb: str) -> str:
    runs = f"run {plan.runs[0]}" if len(plan.runs) == 1 else plural(len(plan.runs), "run")
    images, outputs = plural(plan.images, "image"), plural(plan.outputs, "output file")
    parts = [f"{verb} {runs}: {images} and {outputs}, {size(plan.bytes)}."]
    if plan.unfinished:
        parts.append(f"Unfinished: {', '.join(plan.unfinished)}.")
    if plan.kept:
        parts.append(f"{plural(plan.kept, 'image')} that other runs need {'stays' if plan.kept == 1 else 'stay'}.")
    if plan.changed:
        parts.append(f"{plural(plan.changed, 'file')} that were changed since stay.")
    return " ".join([*parts, "Audit records and alerts stay."])


def _as_dict(plan: "DiscardReport", *, dry_run: bool) -> dict[str, object]:
    return {
        "runs": list(plan.runs),
        "unfinished": list(plan.unfinished),
        "images": plan.images,
        "outputs": plan.outputs,
        "bytes": plan.bytes,
        "kept": plan.kept,
        "changed": plan.changed,
        "dry_run": dry_run,
    }
