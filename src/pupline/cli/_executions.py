"""`pupline executions`: the list, and one execution with its history as a table or its way as a drawing."""

import itertools
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from pupline.cli._backend import backend_options, open_backend
from pupline.cli._output import cell, console, data_option, json_option, plural, print_json, table
from pupline.ports import ExecutionStory, ExecutionSummary
from pupline.text import printable

_STATUSES = ["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]
_STYLES = {"SUCCEEDED": "green", "RUNNING": "yellow"}
_DETAIL_CHARACTERS = 96
_NOT_SHOWN = {"name", "roleArn", "inputDetails", "outputDetails", "assignedVariablesDetails", "region"}


@click.command()
@data_option
@backend_options
@click.argument("name", required=False)
@click.option("--graph", is_flag=True, help="With NAME: draw the way it took.")
@click.option("--status", type=click.Choice(_STATUSES, case_sensitive=False), help="Only this status.")
@click.option("--run", "run_id", help="Only the executions of this run.")
@click.option("--limit", type=click.IntRange(min=1), help="The newest N. Default: 50 on a terminal, all with --json.")
@json_option
def executions(
    data_dir: Path,
    backend: str,
    stack: str | None,
    name: str | None,
    graph: bool,
    status: str | None,
    run_id: str | None,
    limit: int | None,
    as_json: bool,
) -> int:
    """List executions, newest first; or show the one called NAME with its history."""
    if graph and not name:
        raise click.UsageError("--graph draws one execution: say which, as in: pupline executions NAME --graph")
    if graph and as_json:
        raise click.UsageError("--graph is for people and --json for programs: give one of them")
    with open_backend(data_dir, backend, stack) as source:
        if name:
            _show_one(source.execution(name), graph=graph, as_json=as_json)
            return 0
        if status:
            status = status.upper()
        found = source.executions(status=status, run=run_id)
        if as_json:
            for row in itertools.islice(found, limit):
                print_json(_row_as_dict(row))
        else:
            _show_list(found, limit or 50)
    return 0


def _row_as_dict(row: ExecutionSummary) -> dict[str, Any]:
    return {
        "execution": row.name,
        "status": row.status,
        "run": row.run,
        "start_time": _time(row.start_time),
        "stop_time": _time(row.stop_time),
        "error": row.error,
        "cause": row.cause,
    }


def _time(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _show_list(found: Iterable[ExecutionSummary], limit: int) -> None:
    rows = table("", ["execution", "status", "started", "seconds", "error"], right=["seconds"])
    count = 0
    for row in itertools.islice(found, limit):
        count += 1
        seconds = "-" if row.stop_time is None else f"{row.stop_time - row.start_time:.2f}"
        rows.add_row(
            cell(row.name),
            cell(row.status, _STYLES.get(row.status, "red")),
            cell(_time(row.start_time)),
            cell(seconds),
            cell(row.error or ""),
        )
    if not count:
        click.echo("No executions. To start some: pupline run --source sample --count 12")
        return
    out = console()
    out.print(rows)
    out.print(f"{plural(count, 'execution')} shown. One with its history: pupline executions NAME [--graph]")


def _show_one(story: ExecutionStory, *, graph: bool, as_json: bool) -> None:
    if as_json:
        extra = {"input": story.input, "output": story.output, "history": list(story.history)}
        print_json(_row_as_dict(story.row) | extra)
        return
    out = console()
    row = story.row
    out.print(cell(f"{row.name}  {row.status}", _STYLES.get(row.status, "red")))
    if graph:
        from pupline.cli._graph import draw

        for line in draw(story.definition, story.history):
            out.print(line)
    else:
        out.print(_history_table(story))
    if row.error:
        out.print(cell(f"{row.error}: {row.cause or ''}", "red"))


def _history_table(story: ExecutionStory) -> Any:
    rows = table("", ["id", "after", "seconds", "event", "details"], right=["id", "after", "seconds"])
    for event in story.history:
        rows.add_row(
            cell(event["id"]),
            cell(event["previousEventId"]),
            cell(f"{event['timestamp'] - story.row.start_time:.3f}"),
            cell(event["type"], "red" if event["type"].endswith(("Failed", "TimedOut", "Aborted")) else ""),
            cell(_details(event)),
        )
    return rows


def _details(event: Mapping[str, Any]) -> str:
    """The event's details on one line: the name first, then what fits."""
    details: Mapping[str, Any] = next((value for key, value in event.items() if key.endswith("EventDetails")), {})
    first = [details["name"]] if "name" in details else []
    rest = [f"{key}={value}" for key, value in details.items() if key not in _NOT_SHOWN and value is not None]
    text = " ".join(printable(part) for part in [*first, *rest])
    return text if len(text) <= _DETAIL_CHARACTERS else text[: _DETAIL_CHARACTERS - 1] + "…"
