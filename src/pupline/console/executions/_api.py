"""The API of executions: what the pages show, and what their buttons do."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from pupline.asl import VisitStatus
from pupline.console.executions._actions import checked_input
from pupline.console.executions._events import EventQuery, event_page
from pupline.console.executions._filters import ExecutionFilters
from pupline.console.executions._list_page import ChildParameters, children_of, no_machine, place_of
from pupline.console.executions._models import (
    ChildList,
    EventList,
    ExecutionDetail,
    ExecutionList,
    MachineDetail,
    MachineDetails,
    MachineList,
    MachineModel,
    StateModel,
    VisitList,
)
from pupline.console.executions._panel import state_panel
from pupline.console.executions._slices import slice_of
from pupline.console.executions._view import ExecutionView, ExecutionViews, views_of
from pupline.console.job_queue import JobRequest, redrive, run_again, stop
from pupline.console.web import AsciiJSONResponse, Console, Filters, RequestBody, Text, Texts

_NAMES_AT_ONCE = 500

Document = Literal["input", "output", "definition", "history"]


class EventParameters(Filters):
    """Which events. after, before: event ids."""

    type: Texts = ()
    state: Text = None
    order: Literal["oldest", "newest"] = "oldest"
    after: Text = None
    before: Text = None
    limit: int = Field(100, ge=1, le=1000)


class VisitParameters(Filters):
    """Which visits. only: with one of these statuses. after, before: as the page next to it says."""

    only: tuple[VisitStatus, ...] = ()
    after: Text = None
    before: Text = None
    limit: int = Field(100, ge=1, le=1000)


class PanelParameters(Filters):
    """Which state, and which visit to it.

    visit: its number among all visits; by default one that failed, or the latest. attempt: to open.
    """

    state: str = Field(max_length=200)
    visit: int | None = Field(None, ge=1, le=10**9)
    attempt: int | None = Field(None, ge=1, le=10**9)


class Names(RequestBody):
    """The executions to act on."""

    names: list[str] = Field(min_length=1, max_length=_NAMES_AT_ONCE)


class Again(RequestBody):
    """How to run it again. state: where to begin. input: JSON text; by default the same input."""

    state: str | None = Field(None, max_length=200)
    input: str | None = Field(None, max_length=1_048_576)


class AcceptedJobs(BaseModel):
    """The jobs that do it. href: where to see them."""

    message: str
    href: str
    jobs: list[dict[str, Any]]


def api(console: Console) -> APIRouter:
    """The API of this area."""
    router = APIRouter(tags=["executions"])
    _add_lists(router, console)
    _add_execution(router, views_of(console))
    _add_children(router, views_of(console))
    _add_actions(router, console)
    return router


def _add_lists(router: APIRouter, console: Console) -> None:
    @router.get("/executions")
    def list_executions(filters: Annotated[ExecutionFilters, Query()]) -> ExecutionList:
        """Executions of every state machine, by page."""
        query = filters.query()
        with console.reader() as backend:
            page = backend.pages.execution_page(query)
            return ExecutionList.of(page, page.counted(lambda: backend.pages.count_executions(query)))

    @router.get("/machines")
    def list_machines() -> MachineList:
        """The state machines that have executions here, or that the Step Functions API made."""
        with console.reader() as backend:
            return MachineList(items=[MachineModel.of(machine) for machine in backend.pages.machines()])

    @router.get("/machines/{name}")
    def show_machine(name: str) -> MachineDetails:
        """The state machines of one name, with their definitions: in several regions, there may be more than one."""
        with console.reader() as backend:
            found = [machine for machine in backend.pages.machines() if machine.name == name]
        if not found:
            raise no_machine(name)
        return MachineDetails(items=[MachineDetail.of_machine(machine) for machine in found])


def _add_execution(router: APIRouter, views: ExecutionViews) -> None:
    @router.get("/executions/{name}")
    def show_execution(name: str) -> ExecutionDetail:
        """One execution: input, output, Map Runs, and why it failed."""
        return ExecutionDetail.of_view(views.find(name))

    @router.get("/executions/{name}/events")
    def list_events(name: str, parameters: Annotated[EventParameters, Query()]) -> EventList:
        """Its history, by page."""
        return _events(views.find(name), parameters)

    @router.get("/executions/{name}/visits")
    def list_visits(name: str, parameters: Annotated[VisitParameters, Query()]) -> VisitList:
        """The visits to its states, by page."""
        return _visits(views.find(name), parameters)

    @router.get("/executions/{name}/state")
    def show_state(name: str, parameters: Annotated[PanelParameters, Query()]) -> StateModel:
        """One of its states, and one visit to it."""
        return _state(views.find(name), parameters)

    @router.get("/executions/{name}/documents/{document}")
    def show_document(name: str, document: Document) -> JSONResponse:
        """Its input, output, definition or history, whole."""
        return _document(views.find(name), document)


def _add_children(router: APIRouter, views: ExecutionViews) -> None:
    @router.get("/executions/{name}/children")
    def list_children(name: str, parameters: Annotated[ChildParameters, Query()]) -> ChildList:
        """The child executions of its Map Runs, by page."""
        chosen = children_of(views.children(name), parameters)
        after, before = place_of(parameters.after, "after"), place_of(parameters.before, "before")
        return ChildList.of(slice_of(chosen, parameters.limit, after, before))

    @router.get("/executions/{name}/children/{child}")
    def show_child(name: str, child: str) -> ExecutionDetail:
        """One child execution."""
        return ExecutionDetail.of_view(views.child(name, child))

    @router.get("/executions/{name}/children/{child}/events")
    def list_child_events(name: str, child: str, parameters: Annotated[EventParameters, Query()]) -> EventList:
        """The history of a child execution, by page."""
        return _events(views.child(name, child), parameters)

    @router.get("/executions/{name}/children/{child}/visits")
    def list_child_visits(name: str, child: str, parameters: Annotated[VisitParameters, Query()]) -> VisitList:
        """The visits to the states of a child execution, by page."""
        return _visits(views.child(name, child), parameters)

    @router.get("/executions/{name}/children/{child}/state")
    def show_child_state(name: str, child: str, parameters: Annotated[PanelParameters, Query()]) -> StateModel:
        """A state of a child execution, and one visit to it."""
        return _state(views.child(name, child), parameters)

    @router.get("/executions/{name}/children/{child}/documents/{document}")
    def show_child_document(name: str, child: str, document: Document) -> JSONResponse:
        """The input, output, definition or history of a child execution, whole."""
        return _document(views.child(name, child), document)


def _add_actions(router: APIRouter, console: Console) -> None:
    views = views_of(console)

    @router.post("/executions/redrive", status_code=202)
    def redrive_executions(body: Names) -> AcceptedJobs:
        """Resume executions at the state that did not succeed, one after the other, in one job."""
        return _accepted(console, [redrive(body.names)])

    @router.post("/executions/stop", status_code=202)
    def stop_executions(body: Names) -> AcceptedJobs:
        """Stop executions."""
        return _accepted(console, [stop(body.names)])

    @router.post("/executions/again", status_code=202)
    def run_executions_again(body: Names) -> AcceptedJobs:
        """Start new executions with the same inputs."""
        return _accepted(console, [run_again(name) for name in body.names])

    @router.post("/executions/{name}/redrive", status_code=202)
    def redrive_execution(name: str) -> AcceptedJobs:
        """Resume an execution at the state that did not succeed."""
        return _accepted(console, [redrive([views.find(name).row.name])])

    @router.post("/executions/{name}/stop", status_code=202)
    def stop_execution(name: str) -> AcceptedJobs:
        """Stop an execution."""
        return _accepted(console, [stop([views.find(name).row.name])])

    @router.post("/executions/{name}/again", status_code=202)
    def run_execution_again(name: str, body: Again) -> AcceptedJobs:
        """Start a new execution like this one, with the same or an edited input, from the first or another state."""
        view = views.find(name)
        if body.state is not None:
            state_panel(view, body.state)
        edited = None if body.input is None else checked_input(body.input)
        return _accepted(console, [run_again(view.row.name, state=body.state, edited=edited)])


def _events(view: ExecutionView, parameters: EventParameters) -> EventList:
    query = EventQuery(
        types=parameters.type,
        state=parameters.state,
        newest_first=parameters.order == "newest",
        after=place_of(parameters.after, "after"),
        before=place_of(parameters.before, "before"),
        limit=parameters.limit,
    )
    return EventList.of(event_page(view.details.history, query))


def _visits(view: ExecutionView, parameters: VisitParameters) -> VisitList:
    visits = [visit for visit in view.visits if not parameters.only or visit.status in parameters.only]
    after, before = place_of(parameters.after, "after"), place_of(parameters.before, "before")
    return VisitList.of(slice_of(visits, parameters.limit, after, before))


def _state(view: ExecutionView, parameters: PanelParameters) -> StateModel:
    return StateModel.of(state_panel(view, parameters.state, visit=parameters.visit, attempt=parameters.attempt))


def _document(view: ExecutionView, document: Document) -> JSONResponse:
    return AsciiJSONResponse(getattr(view.details, document))


def _accepted(console: Console, requests: Sequence[JobRequest]) -> AcceptedJobs:
    """The accepted jobs. Raises: ConfigurationError, LocalTrouble."""
    jobs = [console.jobs.submit(request) for request in requests]
    href = f"/jobs/{jobs[0].id}" if len(jobs) == 1 else "/jobs"
    message = f"{jobs[0].title}: the job is accepted" if len(jobs) == 1 else f"{len(jobs):,} jobs are accepted"
    return AcceptedJobs(message=message, href=href, jobs=[dict(job.as_dict()) for job in jobs])
