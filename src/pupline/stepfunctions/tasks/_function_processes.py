"""Lambda functions of a template, each in worker processes of its own.

Functions of one template often have modules of the same name, such as `app`, and change what they import. So each has
its own processes, with its own directory first on the path and its own environment. A process handles one call after
another, and is replaced when a file of the function has changed.
"""

import json
import os
import select
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from pupline.json_values import JSON, dumps
from pupline.stepfunctions.tasks._service_calls import ServiceFailure, function_failure

_WORKER = Path(__file__).with_name("function_worker.py")
_AT_ONCE = 16
"""Processes of one function; more calls wait."""

_INIT_SECONDS = 10.0
"""Lambda's time for the imports of a function, which is not a part of its Timeout."""

_MOST_FILES = 2_000
"""Files of a function that are looked at for changes."""


@dataclass(frozen=True, slots=True)
class TemplateFunction:
    """A function of a template. handler: such as `app.lambda_handler`. directory: its CodeUri."""

    name: str
    directory: Path
    handler: str
    environment: Mapping[str, str] = field(default_factory=dict)
    timeout_seconds: float = 3.0
    memory_mb: int = 128


class FunctionProcesses:
    """Functions by their names."""

    def __init__(self, functions: Mapping[str, TemplateFunction]) -> None:
        self._functions = {name: _Pool(function) for name, function in functions.items()}

    def __contains__(self, name: str) -> bool:
        return name in self._functions

    def call(self, name: str, event: JSON, request_id: str) -> JSON:
        """The function's answer. Raises: ServiceFailure with its error."""
        return self._functions[name].call(event, request_id)

    def close(self) -> None:
        """End all processes."""
        for pool in self._functions.values():
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
        version = _version(self._function.directory)
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
        self._is_warm = False
        # What the function prints goes to the server's own error output; answers have a pipe of their own.
        reading, writing = os.pipe()
        command = [sys.executable, "-u", str(_WORKER), function.handler, str(writing), str(function.timeout_seconds)]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and file
                command,
                stdin=subprocess.PIPE,
                stdout=sys.stderr.fileno() if _has_descriptor(sys.stderr) else subprocess.DEVNULL,
                cwd=function.directory,
                env={**os.environ, **_lambda_environment(function), **function.environment},
                pass_fds=(writing,),
            )
        finally:
            os.close(writing)
        self._answers = os.fdopen(reading, "rb")

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def call(self, event: JSON, request_id: str) -> dict[str, Any]:
        """{"result": ...} or {"error": the error object}."""
        try:
            assert self._process.stdin is not None  # noqa: S101 - a pipe, as asked for
            self._process.stdin.write(dumps({"event": event, "request_id": request_id}).encode() + b"\n")
            self._process.stdin.flush()
            limit = self._function.timeout_seconds + (0 if self._is_warm else _INIT_SECONDS)
            if not select.select([self._answers], [], [], limit)[0]:
                self.end()
                return {"error": _timed_out(request_id, self._function.timeout_seconds)}
            self._is_warm = True
            answer: dict[str, Any] = json.loads(self._answers.readline())
        except (OSError, ValueError):
            self.end()
            status = self._process.wait()
            text = f"RequestId: {request_id} Error: Runtime exited with error: exit status {status}"
            return {"error": {"errorType": "Runtime.ExitError", "errorMessage": text}}
        return answer

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
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "_HANDLER": function.handler,
        "LAMBDA_TASK_ROOT": str(function.directory),
    }


def _version(directory: Path) -> tuple[int, ...]:
    """Changes with the files below the directory."""
    found: list[int] = []
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


def _timed_out(request_id: str, seconds: float) -> dict[str, Any]:
    text = f"RequestId: {request_id} Error: Task timed out after {seconds:.2f} seconds"
    return {"errorType": "Sandbox.Timedout", "errorMessage": text}
