"""`pupline executions`: the list; one execution with its history as a table or its path as a drawing."""

import itertools
import shlex
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import click

from pupline.cli._backend import backend_options
from pupline.cli._command import Command
from pupline.cli._first_steps import first_ingest, first_run
from pupline.cli._history_table import show_history
from pupline.cli._options import json_option, limit_option, machine_option
from pupline.cli._output import cell, console, message, moment, print_json, rows_shown
from pupline.cli._selection import selection_options, suggesting
from pupline.cli._table import Column, show_table
from pupline.insights import Selection
from pupline.tasks.ports import ExecutionDetails, ExecutionSummary
from pupline.text import plural, printable, timestamp_or_none

if TYPE_CHECKING:
    from pupline.backends import Backend

_STATUSES = ["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]
_STYLES = {"SUCCEEDED": "green", "RUNNING": "yellow"}
_COLUMNS = [
    Column("execution", needs=21),
    Column("status"),
    Column("started (UTC)", left_out=2),
    Column("seconds", right=True, left_out=1),
    Column("error", needs=16),
]


@click.command(cls=Command)
@backend_options
@click.argument("name", required=False)
@click.option("--graph", is_flag=True, help="With NAME: draw its path.")
@click.option("--children", is_flag=True, help="With NAME: list the child executions of its Map Runs.")
@click.option("--child", metavar="CHILD", help="With NAME: show this child execution, by its name or ARN.")
@click.option("--status", type=click.Choice(_STATUSES, case_sensitive=False), help="Only this status.")
@machine_option
@selection_options
@limit_option
@json_option
def executions(
    backend: "Backend",
    name: str | None,
    graph: bool,
    children: bool,
    child: str | None,
    status: str | None,
    workflow: str | None,
    selection: Selection,
    limit: int | None,
    as_json: bool,
) -> int:
    """List executions of all state machines, newest first; or show the one called NAME with its history.

    With --backend aws, NAME may be an ARN, and the Map Runs of a bulk ingest are shown with their counts.
    """
    if not name and (graph or children or child is not None):
        option = "--graph" if graph else "--children" if children else "--child"
        raise click.UsageError(f"{option} is about one execution; name it: pupline executions NAME {option}")
    if graph and as_json:
        raise click.UsageError("--graph is for people and --json for programs: give one of them")
    if children and (graph or child is not None):
        raise click.UsageError("--children is a list; --child shows one of them")
    status = status.upper() if status else None
    if name and children:
        _show_children(backend, name, status, limit, as_json=as_json)
    elif name:
        with suggesting(backend, name):
            found = backend.execution(name)
        if child is not None:
            found = backend.child_execution(name, child)
        next_step = f"pupline executions {shlex.quote(name)} --children{backend.options}"
        _show_one(found, graph=graph, as_json=as_json, next_step=next_step)
    if name:
        return 0
    rows = (
        row
        for row in backend.executions(status=status, run=selection.run, workflow=workflow)
        if selection.has_run(row.run) and selection.is_recent(row.start_time)
    )
    if (left_out := backend.unlisted) is not None:
        message(left_out)
    if as_json:
        for row in itertools.islice(rows, limit):
            print_json(_row_as_dict(row))
    else:
        _show_list(rows, rows_shown(limit), backend, _none_found(backend, selection, status))
    return 0


def _show_children(backend: "Backend", name: str, status: str | None, limit: int | None, *, as_json: bool) -> None:
    with suggesting(backend, name):
        rows = (row for row in backend.child_executions(name) if status in {None, row.status})
    if as_json:
        for row in itertools.islice(rows, limit):
            print_json(_row_as_dict(row))
        return
    _show_list(rows, rows_shown(limit), backend, "It has no such child executions.", one=f"{name} --child CHILD")


def _none_found(backend: "Backend", selection: Selection, status: str | None) -> str:
    """What to say of an empty list."""
    if selection.is_all and status is None:
        start = first_run(backend) if backend.unlisted is None else first_ingest(backend)
        return f"No executions. To start some: {start}"
    of_run = f" of the run '{printable(selection.run)}'" if selection.run is not None else ""
    nothing = f"No executions{of_run}{f' with the status {status}' if status else ''}."
    is_bulk = any(run.kind == "ingest" for run in backend.runs(run=selection.run, dataset=selection.dataset))
    if (selection.run or selection.dataset) and is_bulk:
        option = f"--run {selection.run}" if selection.run else f"--dataset {shlex.quote(str(selection.dataset))}"
        nothing += f" Images of a bulk ingest have none; see: pupline audit {option}{backend.options}"
    return nothing


def _row_as_dict(row: ExecutionSummary) -> dict[str, Any]:
    return {
        "execution": row.name,
        "status": row.status,
        "run": row.run,
        "start_time": timestamp_or_none(row.start_time),
        "stop_time": timestamp_or_none(row.stop_time),
        "error": row.error,
        "cause": row.cause,
    }


def _show_list(
    found: Iterable[ExecutionSummary], limit: int, backend: "Backend", none_found: str, *, one: str = "NAME"
) -> None:
    rows = [
        [
            cell(row.name),
            cell(row.status, _STYLES.get(row.status, "red")),
            cell(moment(timestamp_or_none(row.start_time))),
            cell("-" if row.stop_time is None else f"{row.stop_time - row.start_time:.2f}"),
            cell(row.error or ""),
        ]
        for row in itertools.islice(found, limit + 1)
    ]
    if not rows:
        click.echo(none_found)
        return
    out = console()
    show_table(out, _COLUMNS, rows[:limit])
    shown = plural(len(rows[:limit]), "execution")
    more = f"The newest {shown}; for more: --limit N, or --json." if len(rows) > limit else f"{shown}."
    out.print(f"{more} One with its history: pupline executions {one} [--graph]{backend.options}", soft_wrap=True)


def _show_one(found: ExecutionDetails, *, graph: bool, as_json: bool, next_step: str) -> None:
    if as_json:
        extra: dict[str, Any] = {"input": found.input, "output": found.output, "history": list(found.history)}
        if found.map_runs:
            extra["map_runs"] = list(found.map_runs)
        print_json(_row_as_dict(found.row) | extra)
        return
    out = console()
    row = found.row
    out.print(cell(f"{row.name}  {row.status}", _STYLES.get(row.status, "red")))
    if graph:
        from pupline.cli._graph import draw

        for line in draw(found.definition, found.history, out.width):
            out.print(line)
    else:
        show_history(out, found.history, found.row.start_time)
    for run in found.map_runs:
        items, batches = (_counts(run[name]) for name in ("itemCounts", "executionCounts"))
        out.print(cell(f"Map Run {run['mapRunArn']}: {run['status']}; items: {items}; batches: {batches}"))
    if found.map_runs:
        out.print(cell(f"Child executions: {next_step}"))
    if row.error:
        from pupline.tasks.log_to_dynamodb import readable_cause

        out.print(cell(row.error, "red").append(f": {readable_cause(row.cause) or 'no cause was given'}"))


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in counts.items() if count) or "none"
