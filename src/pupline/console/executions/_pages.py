"""The pages of executions: the list, one execution with its tabs, children of Map Runs, run again, state machines."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from pupline.console.executions._actions import actions_of
from pupline.console.executions._execution_page import ExecutionParameters, execution_context
from pupline.console.executions._filters import ExecutionFilters
from pupline.console.executions._list_page import ChildParameters, children_context, list_context, machine_context
from pupline.console.executions._panel import state_panel
from pupline.console.executions._template_filters import FILTERS, parsed
from pupline.console.executions._view import views_of
from pupline.console.job_queue import run_again
from pupline.console.web import Console, Filters, Text, path_of


class AgainParameters(Filters):
    """What the form for another execution begins with. state: where it is to begin."""

    state: Text = None


def pages(console: Console) -> APIRouter:
    """The pages of this area."""
    router = APIRouter()
    console.templates.filters.update(FILTERS)
    views = views_of(console)

    @router.get("/executions")
    def executions(request: Request, filters: Annotated[ExecutionFilters, Query()]) -> Response:
        return console.page(request, "executions/executions.html", **list_context(console, request, filters))

    @router.get("/executions/{name}")
    def execution(request: Request, name: str, parameters: Annotated[ExecutionParameters, Query()]) -> Response:
        context = execution_context(console, views.find(name), parameters, path_of("executions", name))
        return console.page(request, "executions/execution.html", **context)

    @router.get("/executions/{name}/children")
    def children(request: Request, name: str, parameters: Annotated[ChildParameters, Query()]) -> Response:
        context = children_context(views.find(name), views.children(name), parameters)
        return console.page(request, "executions/children.html", **context)

    @router.get("/executions/{name}/children/{child}")
    def child(request: Request, name: str, child: str, parameters: Annotated[ExecutionParameters, Query()]) -> Response:
        path = path_of("executions", name, "children", child)
        context = execution_context(console, views.child(name, child), parameters, path)
        return console.page(request, "executions/execution.html", **context)

    @router.get("/machines")
    def machines(request: Request) -> Response:
        with console.reader() as backend:
            found, options = backend.pages.machines(), backend.options
        return console.page(request, "executions/machines.html", machines=found, options=options)

    @router.get("/machines/{name}")
    def machine(request: Request, name: str) -> Response:
        return console.page(request, "executions/machine.html", **machine_context(console, name))

    _add_again(router, console)
    return router


def _add_again(router: APIRouter, console: Console) -> None:
    views = views_of(console)

    @router.get("/executions/{name}/again")
    def again(request: Request, name: str, parameters: Annotated[AgainParameters, Query()]) -> Response:
        view = views.find(name)
        given: Any = view.details.input
        if parameters.state is not None:
            visit = state_panel(view, parameters.state).visit
            given = None if visit is None or visit.input is None else parsed(visit.input)
        action = next((one for one in actions_of(view, console.jobs) if one.name == "again"), None)
        command = console.jobs.command(run_again(name, state=parameters.state, edited="")).replace(
            "--input=-", "--input=FILE"
        )
        context = {"view": view, "state": parameters.state, "given": given, "action": action, "command": command}
        return console.page(request, "executions/again.html", **context)
