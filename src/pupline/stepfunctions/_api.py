"""The Step Functions API without HTTP: a request in, its response out."""

import re
import sys
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pupline.errors import StorageError
from pupline.local import LocalBackend
from pupline.stepfunctions._call import Call, Operation
from pupline.stepfunctions._errors import ApiError
from pupline.stepfunctions._settings import ApiSettings
from pupline.stepfunctions.executions import EXECUTION_OPERATIONS, Executions
from pupline.stepfunctions.machines import MACHINE_OPERATIONS
from pupline.stepfunctions.protocol import (
    TARGET_PREFIX,
    check_constraints,
    load_service,
    read_request,
    write_answer,
    write_error,
)
from pupline.stepfunctions.store import Store
from pupline.text import printable

MAX_BODY_BYTES = 8 * 1024 * 1024
"""A definition of 1 MiB, each of whose characters JSON may write as six, with room for the rest."""

_OPERATIONS: Mapping[str, Operation] = {**MACHINE_OPERATIONS, **EXECUTION_OPERATIONS}
_NO_TARGET = f"the header X-Amz-Target must name an operation, such as {TARGET_PREFIX}ListStateMachines"
_CREDENTIAL = re.compile(r"\bCredential=([^/,\s]{1,128})/[0-9]{8}/([a-z0-9-]{1,32})/")
_ACCOUNT = re.compile(r"[0-9]{12}")


@dataclass(frozen=True, slots=True)
class Response:
    """What goes back. outcome: `ok`, or the code of the error. operation: its name, where that is known."""

    status: int
    body: bytes
    operation: str
    outcome: str


class StepFunctionsApi:
    """Answers requests from one data directory, from `start` to `close`."""

    def __init__(self, backend: LocalBackend, settings: ApiSettings) -> None:
        self._service = load_service()
        self._backend = backend
        self._store = Store.of(backend.database)
        self._settings = settings
        self._executions = Executions(backend, self._store, settings)
        self._executions.tasks.connect(self)

    def start(self) -> None:
        """Continue unfinished executions."""
        self._executions.start()

    def close(self) -> None:
        """Stop executions; they continue at the next start."""
        self._executions.close()

    def answer(self, target: str, body: bytes, authorization: str = "") -> Response:
        """The response to a request. target: X-Amz-Target. authorization: names region and account; not checked."""
        name = target.removeprefix(TARGET_PREFIX)
        try:
            answer = self._call(target, body, authorization)
        except ApiError as error:
            return _failed(name, error)
        except StorageError as error:
            return _failed(name, ApiError("ServiceUnavailable", error.message, status=503))
        except Exception as error:  # noqa: BLE001 - a bug of ours: the client gets an error, and other requests go on
            traceback.print_exc(file=sys.stderr)
            text = f"pupline has an internal error ({type(error).__name__}); its log has the details"
            return _failed(name, ApiError("InternalFailure", text, status=500))
        return Response(200, answer, name, "ok")

    def _call(self, target: str, body: bytes, authorization: str) -> bytes:
        if not target.startswith(TARGET_PREFIX):
            raise ApiError("UnknownOperationException", _NO_TARGET)
        name = target.removeprefix(TARGET_PREFIX)
        operation = _operation(name)
        parameters = read_request(body, self._service.inputs[name], MAX_BODY_BYTES)
        check_constraints(parameters, self._service.inputs[name])
        answer = operation(self._new_call(*self._caller(authorization)), parameters)
        return write_answer(answer, self._service.outputs[name])

    def _new_call(self, region: str, account: str) -> Call:
        return Call(region, account, self._backend.clock.now(), self._store, self._executions)

    def operate(self, name: str, parameters: Mapping[str, Any], region: str, account: str) -> dict[str, Any]:
        """The answer to a Task that calls the API. Raises: ApiError."""
        operation = _operation(name)
        known = dict(parameters)
        check_constraints(known, self._service.inputs[name])
        return operation(self._new_call(region, account), known)

    def when_ended(self, arn: str, listener: Callable[[], None]) -> None:
        """Call `listener` once when the execution has ended."""
        self._executions.when_ended(arn, listener)

    def _caller(self, authorization: str) -> tuple[str, str]:
        """Region and account. An access key of twelve digits is an account, as with other emulators."""
        found = _CREDENTIAL.search(authorization)
        if found is None:
            return self._settings.region, self._settings.account
        key, region = found.groups()
        return region, key if _ACCOUNT.fullmatch(key) else self._settings.account


def _operation(name: str) -> Operation:
    """The operation of that name. Raises: ApiError (UnknownOperationException)."""
    operation = _OPERATIONS.get(name)
    if operation is None:
        raise ApiError("UnknownOperationException", f"Step Functions has no operation {printable(name)}")
    return operation


def _failed(name: str, error: ApiError) -> Response:
    return Response(error.status, write_error(error), name, error.code)
