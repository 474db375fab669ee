"""Why a request cannot be answered, for people and for programs."""

from pydantic import BaseModel
from starlette.responses import JSONResponse

from pupline.console.web._responses import AsciiJSONResponse
from pupline.errors import (
    BackendUnavailable,
    ConfigurationError,
    DirectoryInUse,
    NoSuchName,
    PuplineError,
    ReplayMismatch,
    StorageError,
    TaskFailure,
)
from pupline.tasks.pages import InvalidQuery
from pupline.text import printable

_MESSAGE_CHARACTERS = 500


class Problem(Exception):
    """A request that is answered with an error. code: for programs, such as `not_found`. message: for people."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


class ErrorModel(BaseModel):
    """Why a request was not answered. error: a code for programs. message: for people."""

    error: str
    message: str


def bad_request(message: str) -> Problem:
    """The problem of a request that cannot be understood. message: what is wrong, and what would be right."""
    return Problem(400, "bad_request", message)


def not_found(message: str) -> Problem:
    """The problem of something that is not there."""
    return Problem(404, "not_found", message)


def problem_of(error: PuplineError) -> Problem:
    """What an error of pupline means for a request."""
    message = printable(error.message if isinstance(error, TaskFailure) else str(error), _MESSAGE_CHARACTERS)
    if isinstance(error, NoSuchName):
        return not_found(message)
    if isinstance(error, DirectoryInUse):
        return Problem(409, "in_use", message)
    if isinstance(error, InvalidQuery):
        return bad_request(message)
    if isinstance(error, BackendUnavailable | StorageError | ConfigurationError | ReplayMismatch):
        return Problem(503, "unavailable", message)
    return Problem(500, "internal_error", message)


def problem_response(problem: Problem) -> JSONResponse:
    """The JSON of an error: `{"error": code, "message": text}`."""
    return AsciiJSONResponse({"error": problem.code, "message": problem.message}, status_code=problem.status)
