"""What the page of one execution shows: the failure, a tab, the panel of a state, the image, what can be done."""

import time
from typing import Any, Literal

from pydantic import Field

from pupline.asl import StateVisit, VisitStatus
from pupline.console.drawing import AttemptFilter, Range, Timeline, draw_timeline, state_graph
from pupline.console.executions._actions import actions_of
from pupline.console.executions._events import EventQuery, event_page, event_types
from pupline.console.executions._list_page import place_of
from pupline.console.executions._panel import StatePanel, state_panel
from pupline.console.executions._slices import slice_of
from pupline.console.executions._view import ExecutionView
from pupline.console.web import Console, Filters, Moment, Text, Texts, bad_request, with_parameters
from pupline.text import timestamp

Tab = Literal["graph", "table", "events", "timeline"]
TABS: tuple[tuple[Tab, str], ...] = (
    ("graph", "Graph"),
    ("table", "Table"),
    ("events", "Events"),
    ("timeline", "Timeline"),
)
ROWS_LIMIT = 100


class ExecutionParameters(Filters):
    """What to show of an execution.

    state, visit, attempt: of the panel. type, order: of the tab Events; only: of Table; after, before: a place there.
    attempts, since, until: what the tab Timeline shows.
    """

    tab: Tab = "graph"
    state: Text = None
    visit: int | None = Field(None, ge=1, le=10**9)
    attempt: int | None = Field(None, ge=1, le=10**9)
    type: Texts = ()
    only: tuple[VisitStatus, ...] = ()
    attempts: AttemptFilter = "all"
    since: Moment = None
    until: Moment = None
    order: Literal["oldest", "newest"] = "oldest"
    after: Text = None
    before: Text = None
    limit: int = Field(ROWS_LIMIT, ge=1, le=500)


def execution_context(
    console: Console, view: ExecutionView, parameters: ExecutionParameters, path: str
) -> dict[str, Any]:
    """The values of the template `execution.html`. Raises: NoSuchName, Problem."""
    panel = _panel(view, parameters)
    return {
        "view": view,
        "shown": parameters,
        "path": path,
        "api_path": f"/api{path}",
        "tabs": _tabs(view, parameters, path),
        "panel": panel,
        "actions": actions_of(view, console.jobs),
        "failure": view.failure or view.trouble,
        **_tab(view, parameters, panel),
    }


def _panel(view: ExecutionView, parameters: ExecutionParameters) -> StatePanel | None:
    """The panel of the chosen state; by default, of the one that failed, or that runs now."""
    if parameters.state is not None:
        return state_panel(view, parameters.state, visit=parameters.visit, attempt=parameters.attempt)
    if parameters.visit is not None or parameters.attempt is not None:
        raise bad_request("visit and attempt belong to a state; give state as well")
    failure = view.failure or view.trouble
    visit = failure.visit if failure is not None else _running(view)
    return None if visit is None else state_panel(view, visit.state, visit=visit.number)


def _running(view: ExecutionView) -> StateVisit | None:
    """The innermost visit that runs; the latest one of several."""
    return next((visit for visit in reversed(view.visits.visits) if visit.status == "running"), None)


def _tabs(view: ExecutionView, parameters: ExecutionParameters, path: str) -> list[tuple[str, str, str, str | None]]:
    """(key, label, URL, count) of the tabs. The chosen state stays chosen."""
    counts = {"table": f"{len(view.visits):,}", "events": f"{len(view.details.history):,}"}
    chosen: list[tuple[str, object]] = [
        ("state", parameters.state),
        ("visit", parameters.visit),
        ("attempt", parameters.attempt),
    ]
    return [(key, label, with_parameters(path, [("tab", key), *chosen]), counts.get(key)) for key, label in TABS]


def _tab(view: ExecutionView, parameters: ExecutionParameters, panel: StatePanel | None) -> dict[str, Any]:
    """The values of the tab's own template."""
    if parameters.tab == "graph":
        selected = None if panel is None else panel.state
        return {"graph": state_graph(view.details.definition, view.visits, selected=selected, link=_to_state)}
    if parameters.tab == "timeline":
        return {"timeline": _timeline(view, parameters, panel)}
    after, before = place_of(parameters.after, "after"), place_of(parameters.before, "before")
    if parameters.tab == "events":
        query = EventQuery(
            types=parameters.type,
            newest_first=parameters.order == "newest",
            after=after,
            before=before,
            limit=parameters.limit,
        )
        types = event_types(view.details.history)
        return {
            "page": event_page(view.details.history, query),
            "event_options": [(kind, f"{kind} ({count:,})") for kind, count in types],
        }
    visits = [visit for visit in view.visits if not parameters.only or visit.status in parameters.only]
    return {"page": slice_of(visits, parameters.limit, after, before)}


def _timeline(view: ExecutionView, parameters: ExecutionParameters, panel: StatePanel | None) -> Timeline:
    shown = Range(parameters.attempts, parameters.since, parameters.until)
    kept: list[tuple[str, object]] = [("tab", "timeline")]
    if parameters.attempts != "all":
        kept.append(("attempts", parameters.attempts))
    if parameters.since is not None:
        kept.append(("since", timestamp(parameters.since)))
    if parameters.until is not None:
        kept.append(("until", timestamp(parameters.until)))

    def link(visit: StateVisit) -> str:
        return with_parameters("", [*kept, ("state", visit.state), ("visit", visit.number)]) + "#state"

    selected = None if panel is None or panel.visit is None else panel.visit.number
    table = with_parameters("", [("tab", "table")])
    return draw_timeline(view.visits, time.time(), shown, selected=selected, link=link, fold_link=lambda _visit: table)


def _to_state(state: str) -> str:
    """The address of the panel of a state, by its name: relative to the page, as hundreds of them stand in one."""
    return with_parameters("", [("tab", "graph"), ("state", state)]) + "#state"
