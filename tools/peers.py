"""Other interpreters of the States Language, for the benchmarks and the differential tests: common parts.

One of them is here: aws-local-stepfunctions, the npm package, in a Node process behind a pipe. moto's interpreter is in
`peer_moto`; MiniStack is a server, see `local_aws`.
"""

import json
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeAlias

ROOT = Path(__file__).parents[1]
NODE_DIRECTORY = ROOT / "build" / "bench-node"
NODE_PACKAGE = NODE_DIRECTORY / "node_modules" / "aws-local-stepfunctions" / "package.json"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a Task state returns: an output (for lambda:invoke the whole response), or an error."""

    output: Any = None
    error: str | None = None
    cause: str | None = None


Answers: TypeAlias = Mapping[str, Answer]
"""By the Task state's name."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an execution ended, as DescribeExecution would say; REFUSED if the definition was not accepted."""

    status: str
    output: Any = None
    error: str | None = None
    cause: str | None = None


class Refused(Exception):
    """A peer does not accept a definition; the message is its own."""


def why_no_node() -> str | None:
    """Why aws-local-stepfunctions cannot run here, or None."""
    if shutil.which("node") is None:
        return "there is no node on this machine"
    if not NODE_PACKAGE.is_file():
        return "the package is not in build/bench-node; `make differential` and `make bench` install it"
    return None


class AwsLocalStepFunctions:
    """The npm package in a Node process, within a `with` block."""

    def __init__(self) -> None:
        self.version: str = json.loads(NODE_PACKAGE.read_text())["version"]
        script = Path(__file__).with_name("aws_local_stepfunctions.mjs")
        command = ["node", "--no-warnings", str(script), str(NODE_DIRECTORY)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdin  # noqa: S101 - both are pipes
        assert self._process.stdout  # noqa: S101
        self._requests, self._replies = self._process.stdin, self._process.stdout

    def run(self, definition: dict[str, Any], given: Any, answers: Answers, *, count: int = 1) -> tuple[Outcome, float]:
        """How the last of `count` executions ended, and the seconds for all."""
        tasks = {
            state: {"output": answer.output} if answer.error is None else {"error": answer.error, "cause": answer.cause}
            for state, answer in answers.items()
        }
        request = {"definition": definition, "input": given, "tasks": tasks, "count": count}
        reply = self._ask({**request, "context": _context(given)})
        if "refused" in reply:
            return Outcome("REFUSED", cause=reply["refused"]), 0.0
        outcome = Outcome(reply["status"], reply.get("output"), reply.get("error"), reply.get("cause"))
        return outcome, reply["seconds"]

    def _ask(self, request: dict[str, Any]) -> dict[str, Any]:
        self._requests.write(json.dumps(request) + "\n")
        self._requests.flush()
        line = self._replies.readline()
        if not line:
            raise RuntimeError(f"the Node process ended with {self._process.wait()}; its message is above")
        reply: dict[str, Any] = json.loads(line)
        return reply

    def __enter__(self) -> "AwsLocalStepFunctions":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._requests.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._replies.close()


def _context(given: Any) -> dict[str, Any]:
    """The Context Object, which this package takes from its caller."""
    arn = "arn:aws:states:us-east-1:123456789012:execution:machine:execution"
    execution = {"Id": arn, "Name": "execution", "Input": given, "StartTime": "2026-01-01T00:00:00.000Z"}
    return {"Execution": {**execution, "RoleArn": "arn:aws:iam::123456789012:role/peer", "RedriveCount": 0}}
