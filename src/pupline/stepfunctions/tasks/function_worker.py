"""Runs one Lambda function: a request on each line of standard input, an answer on each line of a pipe.

The first line is the source of a module that stands in the template, or null.

A program of its own, which imports nothing of pupline: the function's directory comes first on its path.
"""

import importlib
import json
import os
import sys
import time
import traceback
import types
from collections.abc import Callable
from typing import Any

_SECONDS = 900.0
"""Lambda's longest Timeout. The state's own TimeoutSeconds ends a call before."""


class Context:
    """Lambda's context object."""

    def __init__(self, request_id: str, seconds: float) -> None:
        name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_name = name
        self.function_version = "$LATEST"
        region = os.environ.get("AWS_REGION", "us-east-1")
        self.invoked_function_arn = f"arn:aws:lambda:{region}:123456789012:function:{name}"
        self.memory_limit_in_mb = os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.aws_request_id = request_id
        self.log_group_name = f"/aws/lambda/{name}"
        self.log_stream_name = "local"
        self.identity = None
        self.client_context = None
        self._deadline = time.monotonic() + seconds

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the function's Timeout."""
        return max(int((self._deadline - time.monotonic()) * 1000), 0)


def load(handler: str, source: str | None) -> Callable[[Any, Context], Any]:
    """The function that `module.name` names; the module may stand in a folder: `src/app.handler`.

    source: of a module that stands in the template itself.
    """
    module, _, name = handler.rpartition(".")
    if source is not None:
        sys.modules[module] = types.ModuleType(module)
        exec(compile(source, f"{module}.py", "exec"), vars(sys.modules[module]))  # noqa: S102 - the user's function
    found: Callable[[Any, Context], Any] = getattr(importlib.import_module(module.replace("/", ".")), name)
    return found


def error_object(error: BaseException, request_id: str) -> dict[str, Any]:
    """The error object of the Lambda runtime."""
    return {
        "errorMessage": str(error),
        "errorType": type(error).__name__,
        "requestId": request_id,
        "stackTrace": traceback.format_tb(error.__traceback__)[1:],
    }


def answer(function: Callable[[Any, Context], Any], request: dict[str, Any], seconds: float) -> dict[str, Any]:
    """The answer to one request."""
    request_id = request["request_id"]
    try:
        result = function(request["event"], Context(request_id, seconds))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it raises is its answer
        return {"error": error_object(error, request_id)}
    try:
        json.dumps(result, allow_nan=False)
    except (TypeError, ValueError) as error:
        failed = {**error_object(error, request_id), "errorType": "Runtime.MarshalError"}
        return {"error": {**failed, "errorMessage": f"Unable to marshal response: {error}"}}
    return {"result": result}


def main(handler: str, descriptor: int, code: str) -> None:
    """Answer until standard input ends. code: the directory or archive with the module; empty for inline code."""
    requests = os.fdopen(os.dup(0), "rb")
    os.close(0)
    os.open(os.devnull, os.O_RDONLY)  # the function must not read what is for us
    sys.path[0] = code  # in the place of this file's own directory
    failure: BaseException | None = None
    try:
        function = load(handler, json.loads(requests.readline()))
    except Exception as error:  # noqa: BLE001 - the function cannot be imported, which each call answers
        failure = error
    with os.fdopen(descriptor, "wb") as answers:
        for line in requests:
            request = json.loads(line)
            if failure is not None:
                found = {**error_object(failure, request["request_id"])}
                kind = "Runtime.ImportModuleError" if isinstance(failure, ImportError) else "Runtime.HandlerNotFound"
                given: dict[str, Any] = {"error": {**found, "errorType": kind}}
            else:
                given = answer(function, request, _SECONDS)
            answers.write(json.dumps(given).encode() + b"\n")
            answers.flush()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
