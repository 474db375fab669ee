"""The errors of the API, which reach a client in AWS's shape."""

from collections.abc import Mapping

from pupline.errors import PuplineError


class ApiError(PuplineError):
    """A refused request. code: an error of the service model, such as StateMachineDoesNotExist.

    status: of the HTTP response. members: further members of the error, such as the `reason` of a ValidationException.
    """

    def __init__(self, code: str, message: str, *, status: int = 400, members: Mapping[str, str] = {}) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.members = members


def invalid(message: str, reason: str | None = None) -> ApiError:
    """A ValidationException."""
    members = {} if reason is None else {"reason": reason}
    return ApiError("ValidationException", message, members=members)
