"""`pupline runs` and `pupline datasets`: what was started, how it stands, and how to continue it."""

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from pupline.cli._backend import backend_options
from pupline.cli._command import Command
from pupline.cli._first_steps import first_ingest, first_run
from pupline.cli._options import json_option, limit_option
from pupline.cli._output import cell, console, message, moment, print_json, program, rows_shown, size
from pupline.cli._selection import dataset_option, runs_of_dataset, selection_options
from pupline.cli._since import since_option
from pupline.cli._table import Column, show_table
from pupline.insights import Selection
from pupline.tasks.ports import DatasetSummary, RunSummary
from pupline.text import plural, printable, timestamp, timestamp_or_none

if TYPE_CHECKING:
    from pupline.backends import Backend

_STYLES = {"SUCCEEDED": "green", "RUNNING": "yellow", "DISCARDED": "dim"}
_COLUMNS = [
    Column("began (UTC)", left_out=1),
    Column("run", needs=20),
    Column("kind", left_out=2),
    Column("dataset", needs=10),
    Column("state"),
    Column("images", right=True),
    Column("why", needs=24),
]
_DATASET_COLUMNS = [
    Column("dataset", needs=10),
    Column("images", right=True),
    Column("bytes", right=True),
    Column("runs", right=True),
    Column("unfinished", right=True),
    Column("latest run (UTC)", left_out=1),
]
_COMMANDS_SHOWN = 5


@click.command(cls=Command)
@backend_options
@selection_options
@click.option("--all", "with_discarded", is_flag=True, help="Also runs that were discarded.")
@limit_option
@json_option
def runs(backend: "Backend", selection: Selection, with_discarded: bool, limit: int | None, as_json: bool) -> int:
    """List runs of every kind, newest first: of run, ingest and ingest --workflow; and how to continue them.

    RUNNING is every run that has not ended, also one that was interrupted or killed. With --backend aws, of the last 90
    days; AWS does not know the source of a run, nor the outcomes of its images, which pupline audit --run shows.
    """
    found = _chosen(backend, selection, with_discarded=with_discarded)
    if (left_out := backend.unlisted) is not None:
        message(left_out)
    if as_json:
        for run in itertools.islice(found, limit):
            print_json(_as_dict(run))
        return 0
    most = rows_shown(limit)
    shown = list(itertools.islice(found, most + 1))
    if not shown:
        start = f"To start one: {first_run(backend)}"
        click.echo(f"No runs. {start}" if selection.is_all else "No runs match.")
    else:
        _show(shown[:most], has_more=len(shown) > most)
    return 0


def _chosen(backend: "Backend", selection: Selection, *, with_discarded: bool) -> Iterator[RunSummary]:
    for run in backend.runs(dataset=selection.dataset, run=selection.run):
        is_hidden = run.status == "DISCARDED" and not with_discarded and selection.run is None
        if selection.is_recent(run.began_at) and not is_hidden:
            yield run


def _as_dict(run: RunSummary) -> dict[str, Any]:
    return {
        "run": run.run,
        "kind": run.kind,
        "dataset": run.dataset,
        "source": run.source,
        "status": run.status,
        "reason": run.reason,
        "listed": run.listed,
        "done": run.done,
        "outcomes": None if run.outcomes is None else dict(run.outcomes),
        "began_at": timestamp(run.began_at),
        "ended_at": timestamp_or_none(run.ended_at),
        "next_step": None if run.next_step is None else f"pupline {run.next_step}",
    }


def _show(found: Sequence[RunSummary], *, has_more: bool) -> None:
    rows = [
        [
            cell(moment(timestamp(run.began_at))),
            cell(run.run),
            cell(run.kind),
            cell(run.dataset),
            cell(run.status, _STYLES.get(run.status, "red")),
            cell(f"{run.done:,}" if run.done == run.listed else f"{run.done:,} of {run.listed:,}"),
            cell(_why(run)),
        ]
        for run in found
    ]
    out = console()
    show_table(out, _COLUMNS, rows)
    count = plural(len(found), "run")
    out.print(f"The newest {count}; for more: --limit N, or --json." if has_more else f"{count}.")
    commands = [run.next_step for run in found if run.next_step]
    if commands:
        out.print("To continue, or to fetch again what failed:")
        for command in commands[:_COMMANDS_SHOWN]:
            out.print(f"  {program()} {printable(command, 1000)}", soft_wrap=True)
        if len(commands) > _COMMANDS_SHOWN:
            out.print(f"  and {len(commands) - _COMMANDS_SHOWN:,} more: --json")


def _why(run: RunSummary) -> str:
    outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in (run.outcomes or {}).items() if count)
    return "; ".join(part for part in (run.reason, outcomes) if part)


@click.command(cls=Command)
@backend_options
@dataset_option
@since_option
@json_option
def datasets(backend: "Backend", dataset: str | None, since: float | None, as_json: bool) -> int:
    """List the datasets with their images, bytes and runs.

    An image that several URLs or runs share counts once. With --backend aws, the figures of the runs are added up.
    """
    found = [
        one
        for one in backend.datasets()
        if dataset in {None, one.dataset} and (since is None or one.latest_at >= since)
    ]
    if dataset is not None and not found:
        runs_of_dataset(backend, dataset)
    if as_json:
        for one in found:
            print_json(_dataset_as_dict(one))
    elif not found:
        click.echo(f"No datasets. To make one: {first_ingest(backend)}")
    else:
        _show_datasets(found)
    return 0


def _dataset_as_dict(one: DatasetSummary) -> dict[str, Any]:
    return {
        "dataset": one.dataset,
        "images": one.images,
        "bytes": one.bytes,
        "runs": one.runs,
        "unfinished": one.unfinished,
        "latest_at": timestamp(one.latest_at),
    }


def _show_datasets(found: Sequence[DatasetSummary]) -> None:
    rows = [
        [
            cell(one.dataset),
            cell("-" if one.images is None else f"{one.images:,}"),
            cell(size(one.bytes)),
            cell(f"{one.runs:,}"),
            cell(f"{one.unfinished:,}"),
            cell(moment(timestamp(one.latest_at))),
        ]
        for one in found
    ]
    out = console()
    show_table(out, _DATASET_COLUMNS, rows)
    out.print(f"{plural(len(found), 'dataset')}. The runs of one: pupline runs --dataset NAME")
