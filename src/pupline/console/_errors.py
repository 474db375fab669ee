"""Errors as pages and as JSON: one clear line, no traceback, no version."""

import logging

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from pupline.console.web import Console, Problem, bad_request, invalid_input, problem_of, problem_response
from pupline.errors import PuplineError, local_trouble
from pupline.text import printable

_log = logging.getLogger(__name__)

_HEADINGS = {400: "This address cannot be understood", 404: "Not found", 405: "Not found", 503: "Not available now"}


def add_error_pages(app: FastAPI, console: Console) -> None:
    """Answer every error of the application with a page, or under /api with JSON."""

    def answer(request: Request, problem: Problem) -> Response:
        if request.url.path.startswith("/api/"):
            return problem_response(problem)
        heading = _HEADINGS.get(problem.status, "The console could not answer")
        return console.page(
            request, "error.html", status=problem.status, heading=heading, message=problem.message, code=problem.code
        )

    async def on_problem(request: Request, error: Exception) -> Response:
        return answer(request, _problem(error))

    async def on_bug(request: Request, error: Exception) -> Response:
        trouble: PuplineError | None = local_trouble(error)
        if trouble is None:
            trouble = await run_in_threadpool(console.damage_behind, error)
        if trouble is not None:
            return answer(request, problem_of(trouble))
        _log.error("%s %s failed", request.method, printable(request.url.path), exc_info=error)
        text = "this is an error in pupline; the terminal where the console runs has the details"
        return answer(request, Problem(500, "internal_error", text))

    for kind in (Problem, PuplineError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, on_problem)
    app.add_exception_handler(Exception, on_bug)


def _problem(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, PuplineError):
        return problem_of(error)
    if isinstance(error, RequestValidationError):
        return bad_request(invalid_input(error.errors()[0]))
    if isinstance(error, HTTPException) and error.status_code == 405:
        return Problem(405, "method_not_allowed", "this address does not take this method")
    if isinstance(error, HTTPException) and error.status_code == 404:
        return Problem(404, "not_found", "there is no such page")
    return Problem(getattr(error, "status_code", 500), "bad_request", printable(str(getattr(error, "detail", ""))))
