"""What the lists of executions and of children show."""

import shlex
from collections.abc import Sequence
from typing import Any

from fastapi import Request

from pupline.console.drawing import state_graph
from pupline.console.executions._filters import STATUSES, ExecutionFilters, ExecutionStatus, chips, list_command
from pupline.console.executions._slices import slice_of
from pupline.console.executions._template_filters import parsed
from pupline.console.executions._view import ExecutionView
from pupline.console.job_queue import redrive, run_again, stop
from pupline.console.web import Console, Filters, Limit, Text, Texts, bad_request, with_parameters
from pupline.errors import NoSuchName
from pupline.tasks.pages import Count, ExecutionQuery
from pupline.tasks.ports import ExecutionSummary
from pupline.text import plural, printable

CHILDREN_LIMIT = 100

FAILED: tuple[ExecutionStatus, ...] = ("FAILED", "TIMED_OUT", "ABORTED")

_PERIODS = (("1h", "last hour"), ("24h", "last 24 hours"), ("7d", "last 7 days"), ("30d", "last 30 days"))
_SEGMENTS: tuple[tuple[str, tuple[ExecutionStatus, ...]], ...] = (
    ("All", ()),
    ("Failed", FAILED),
    ("Running", ("RUNNING",)),
    ("Succeeded", ("SUCCEEDED",)),
)


class ChildParameters(Filters):
    """Which children. q: part of the name, the error or the cause. after, before: a number of children."""

    q: Text = None
    status: tuple[ExecutionStatus, ...] = ()
    error: Texts = ()
    after: Text = None
    before: Text = None
    limit: Limit = CHILDREN_LIMIT


def count_text(count: Count, noun: str = "execution") -> str:
    """`1 execution`, `10,000+ executions`."""
    return f"{count.number:,}+ {noun}s" if count.is_capped else plural(count.number, noun)


def list_context(console: Console, request: Request, filters: ExecutionFilters) -> dict[str, Any]:
    """The values of the template `executions.html`. Raises: InvalidQuery."""
    query = filters.query()
    with console.reader() as backend:
        page = backend.pages.execution_page(query)
        count = page.counted(lambda: backend.pages.count_executions(query))
        machines = backend.pages.machine_names()
        unlisted, options = backend.pages.unlisted, backend.options
    parameters = [(name, value) for name, value in request.query_params.multi_items() if value]
    since = dict(parameters).get("since")
    others: list[tuple[str, object]] = [
        (name, value) for name, value in parameters if name not in ("status", "after", "before")
    ]
    return {
        "filters": filters,
        "page": page,
        "count": count_text(count),
        "machines": machines,
        "unlisted": unlisted,
        "chips": chips(parameters, "/executions"),
        "segments": [
            (
                label,
                with_parameters("/executions", [*others, *(("status", one) for one in statuses)]),
                set(statuses) == set(filters.status),
            )
            for label, statuses in _SEGMENTS
        ],
        "kept": [(name, value) for name, value in parameters if name in ("status", "run", "kind", "limit")],
        "since": since,
        "periods": _PERIODS if since in (None, *dict(_PERIODS)) else (*_PERIODS, (since, f"since {since}")),
        "command": list_command(filters, options),
        "options": options,
        "bulk": _bulk_commands(console),
    }


def _bulk_commands(console: Console) -> dict[str, str]:
    """What the buttons for the picked executions do, as commands to which the names are added."""
    jobs = console.jobs
    # One command runs one execution again, so the shell takes the names one by one.
    again = jobs.command(run_again("NAME")).replace("--again=NAME", '--again="$name"')
    return {
        "redrive": jobs.command(redrive([])),
        "stop": jobs.command(stop([])),
        "again": shlex.join(("sh", "-c", f"for name; do {again}; done", "again")),
    }


def children_of(children: Sequence[ExecutionSummary], parameters: ChildParameters) -> Sequence[ExecutionSummary]:
    """The children that match."""
    words = (parameters.q or "").casefold().split()
    wanted = set(parameters.status)
    return [
        child
        for child in children
        if (not wanted or child.status in wanted)
        and (not parameters.error or child.error in parameters.error)
        and (not words or _has_words(child, words))
    ]


def _has_words(child: ExecutionSummary, words: Sequence[str]) -> bool:
    text = f"{child.name} {child.error or ''} {child.cause or ''}".casefold()
    return all(word in text for word in words)


def place_of(text: str | None, name: str) -> int | None:
    """A cursor of a list in memory. Raises: Problem."""
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise bad_request(f"{name}: this is not a place in the list; take the one that a page of it gives")
    return int(text)


def children_context(
    view: ExecutionView, children: Sequence[ExecutionSummary], parameters: ChildParameters
) -> dict[str, Any]:
    """The values of the template `children.html`. Raises: Problem."""
    chosen = children_of(children, parameters)
    after, before = place_of(parameters.after, "after"), place_of(parameters.before, "before")
    counts = dict.fromkeys(STATUSES, 0)
    for child in children:
        counts[child.status] = counts.get(child.status, 0) + 1  # type: ignore[index, call-overload]
    return {
        "view": view,
        "filters": parameters,
        "page": slice_of(chosen, parameters.limit, after, before),
        "counts": [(status, count) for status, count in counts.items() if count],
        "total": len(children),
        "errors": sorted({child.error for child in children if child.error is not None})[:100],
    }


def no_machine(name: str) -> NoSuchName:
    """The error for a name that no state machine has."""
    return NoSuchName(f"there is no state machine '{printable(name)}' here; see the list of state machines")


def machine_context(console: Console, name: str) -> dict[str, Any]:
    """The values of the template `machine.html`. Raises: NoSuchName."""
    query = ExecutionQuery(machine=(name,), limit=10)
    with console.reader() as backend:
        machines = [machine for machine in backend.pages.machines() if machine.name == name]
        if not machines:
            raise no_machine(name)
        page = backend.pages.execution_page(query)
    definition = parsed(machines[0].definition)
    return {
        "name": name,
        "machines": machines,
        "graph": state_graph(definition),
        "definition": definition,
        "page": page,
    }
