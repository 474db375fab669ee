"""Lambda functions of a template, each in worker processes of its own.

Functions of one template often have modules of the same name, such as `app`, and change what they import. So each has
its own processes, with its own directory first on the path and its own environment. A process handles one call after
another, and is replaced when a file of the function has changed.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from pupline.definitions import TemplateFunction
from pupline.json_values import JSON, dumps
from pupline.stepfunctions.tasks._service_calls import ServiceFailure, function_failure

_WORKER = Path(__file__).with_name("function_worker.py")
_AT_ONCE = 16
"""Processes of one function; more calls wait."""

_MOST_FILES = 2_000
"""Files of a function that are looked at for changes."""


class FunctionProcesses:
    """The functions of a template, by logical id."""

    def __init__(self, functions: Mapping[str, TemplateFunction]) -> None:
        self._functions = functions
        self._pools = {name: _Pool(function) for name, function in functions.items()}

    def find(self, name: str) -> str | None:
        """The logical id of a function as a state names it: by that, or by its FunctionName.

        The name may also be of a placeholder, `PayFunctionArn`, or of a deployed function, `stack-PayFunction-1A2B3C`.
        """
        for logical_id, function in self._functions.items():
            if name in (logical_id, function.name, f"{logical_id}Arn", f"{logical_id}Name"):
                return logical_id
        return next((part for part in name.split("-") if part in self._functions), None)

    def call(self, logical_id: str, event: JSON, request_id: str) -> JSON:
        """The function's answer. Raises: ServiceFailure with its error."""
        return self._pools[logical_id].call(event, request_id)

    def close(self) -> None:
        """End all processes."""
        for pool in self._pools.values():
            pool.close()


class _Pool:
    """The processes of one function."""

    def __init__(self, function: TemplateFunction) -> None:
        self._function = function
        self._room = threading.Semaphore(_AT_ONCE)
        self._guard = threading.Lock()
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
        self._closed = False

    def call(self, event: JSON, request_id: str) -> JSON:
        """The function's answer. Raises: ServiceFailure."""
        _refuse_foreign(self._function)
        with self._room:
            worker = self._take()
            try:
                answer = worker.call(event, request_id)
            finally:
                self._give_back(worker)
        if "error" in answer:
            raise function_failure(json.dumps(answer["error"], ensure_ascii=False))
        result: JSON = answer["result"]
        return result

    def _take(self) -> "_Worker":
        version = _version(self._function.code)
        with self._guard:
            while self._idle:
                worker = self._idle.pop()
                if worker.version == version and worker.is_alive:
                    self._busy.add(worker)
                    return worker
                worker.end()
            if self._closed:
                raise ServiceFailure("Lambda.ServiceException", "the server stops")
            worker = _Worker(self._function, version)
            self._busy.add(worker)
            return worker

    def _give_back(self, worker: "_Worker") -> None:
        with self._guard:
            self._busy.discard(worker)
            if worker.is_alive and not self._closed:
                self._idle.append(worker)
            else:
                worker.end()

    def close(self) -> None:
        """End the processes, also those that work: their calls are repeated at the next start."""
        with self._guard:
            self._closed = True
            for worker in (*self._idle, *self._busy):
                worker.end()
            self._idle.clear()


class _Worker:
    """One process. version: of the function's files when it was started."""

    def __init__(self, function: TemplateFunction, version: tuple[int, ...]) -> None:
        self.version = version
        self._function = function
        # What the function prints goes to the server's own error output; answers have a pipe of their own.
        reading, writing = os.pipe()
        code, cwd = _code_of(function)
        command = [sys.executable, "-u", str(_WORKER), str(function.handler), str(writing), code]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and file
                command,
                stdin=subprocess.PIPE,
                stdout=sys.stderr.fileno() if _has_descriptor(sys.stderr) else subprocess.DEVNULL,
                cwd=cwd,
                env={**os.environ, **_lambda_environment(function), **function.environment},
                pass_fds=(writing,),
            )
        finally:
            os.close(writing)
        self._answers = os.fdopen(reading, "rb")
        self._send(None if function.code else function.inline_code)

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def call(self, event: JSON, request_id: str) -> dict[str, Any]:
        """{"result": ...} or {"error": the error object}."""
        try:
            self._send({"event": event, "request_id": request_id})
            answer: dict[str, Any] = json.loads(self._answers.readline())
        except (OSError, ValueError):
            self.end()
            status = self._process.wait()
            text = f"RequestId: {request_id} Error: Runtime exited with error: exit status {status}"
            return {"error": {"errorType": "Runtime.ExitError", "errorMessage": text}}
        return answer

    def _send(self, value: JSON) -> None:
        assert self._process.stdin is not None  # noqa: S101 - a pipe, as asked for
        self._process.stdin.write(dumps(value).encode("utf-8", "surrogatepass") + b"\n")
        self._process.stdin.flush()

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._answers.close()
        if self._process.stdin is not None:
            with suppress(OSError):  # what was not written was for a process that has ended
                self._process.stdin.close()


def _has_descriptor(stream: IO[str]) -> bool:
    try:
        stream.fileno()
    except (OSError, ValueError, AttributeError):
        return False
    return True


def _lambda_environment(function: TemplateFunction) -> dict[str, str]:
    """What the Lambda runtime sets and functions read."""
    return {
        "AWS_LAMBDA_FUNCTION_NAME": function.name or function.logical_id,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "_HANDLER": str(function.handler),
        "LAMBDA_TASK_ROOT": str(function.code or ""),
    }


def _refuse_foreign(function: TemplateFunction) -> None:
    """Raise ServiceFailure for a function that Python cannot run here."""
    name, runtime = function.logical_id, function.runtime
    if runtime is not None and not runtime.startswith("python"):
        text = f"The function {name} of the template needs {runtime}, and only Python runs here"
    elif function.handler is None or (function.code is None and function.inline_code is None):
        text = f"The code of the function {name} of the template is not on this machine"
    else:
        return
    advice = f"give it with --function {name}=module:callable, or as LAMBDA_ENDPOINT"
    raise ServiceFailure("Lambda.ResourceNotFoundException", f"{text}: {advice}")


def _code_of(function: TemplateFunction) -> tuple[str, Path | None]:
    """What comes first on the path of a function, and its working directory."""
    if function.code is None:
        return "", None
    return str(function.code), function.code if function.code.is_dir() else None


def _version(code: Path | None) -> tuple[int, ...]:
    """Changes with the file, or the files below the directory."""
    found: list[int] = []
    if code is None or code.is_file():
        return () if code is None else (code.stat().st_mtime_ns,)
    directory = code
    for folder, names, files in os.walk(directory):
        names[:] = [name for name in names if name != "__pycache__" and not name.startswith(".")]
        for name in files:
            try:
                found.append(Path(folder, name).stat().st_mtime_ns)
            except OSError:  # removed meanwhile, which changes the version
                continue
            if len(found) >= _MOST_FILES:
                return tuple(found)
    return tuple(found)
