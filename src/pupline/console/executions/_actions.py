"""What can be done with an execution: the commands of pupline that do it, and why one would do no good."""

import json
import shlex
from dataclasses import dataclass
from typing import Literal

from pupline.console.executions._view import ExecutionView
from pupline.console.job_queue import Jobs, redrive, run_again, stop
from pupline.console.web import bad_request, path_of
from pupline.json_values import loads
from pupline.text import printable

ActionName = Literal["redrive", "stop", "again"]

_SERVED_AT = "http://127.0.0.1:8083"
"""Where `pupline asl serve` listens by default."""

_OF_API = "an execution of the Step Functions API is continued by the server that started it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing to do. path: of the API, None where a button cannot do it. command: for a shell, which does the same.

    refusal: why it would do no good, or cannot be done from here.
    """

    name: ActionName
    label: str
    path: str | None
    command: str
    confirm: str
    refusal: str | None = None


def actions_of(view: ExecutionView, jobs: Jobs) -> list[Action]:
    """What can be done with this execution now, the most useful first."""
    if view.parent is not None:
        return []
    found = [*_stop(view, jobs), *_redrive(view, jobs), *_again(view, jobs)]
    return sorted(found, key=lambda action: action.refusal is not None)


def _stop(view: ExecutionView, jobs: Jobs) -> list[Action]:
    name = view.row.name
    if view.row.status != "RUNNING":
        return []
    return [
        Action(
            name="stop",
            label="Stop",
            path="/api" + path_of("executions", name, "stop"),
            command=jobs.command(stop([name])),
            confirm="It ends with the status ABORTED. What it has stored stays, and a redrive can resume it.",
        )
    ]


def _redrive(view: ExecutionView, jobs: Jobs) -> list[Action]:
    name = view.row.name
    if view.row.status in ("RUNNING", "SUCCEEDED"):
        return []
    is_here = view.item.kind != "api"
    served = _aws("redrive-execution", "--execution-arn", _arn(name, "execution"))
    return [
        Action(
            name="redrive",
            label="Redrive",
            path="/api" + path_of("executions", name, "redrive") if is_here else None,
            command=jobs.command(redrive([name])) if is_here else served,
            confirm="It resumes at the state that did not succeed. What succeeded does not run again.",
            refusal=view.redrive_refusal if is_here else _OF_API,
        )
    ]


def _again(view: ExecutionView, jobs: Jobs) -> list[Action]:
    name = view.row.name
    if view.item.kind == "ingest":  # the page of the ingest has what continues it
        return []
    is_here = view.item.kind != "api"
    machine = _arn(name.rpartition(":")[0], "stateMachine")
    served = _aws("start-execution", "--state-machine-arn", machine, "--input", json.dumps(view.details.input))
    return [
        Action(
            name="again",
            label="Run again",
            path="/api" + path_of("executions", name, "again") if is_here else None,
            command=jobs.command(run_again(name)) if is_here else served,
            confirm="A new execution starts with the same input.",
            refusal=None if is_here else _OF_API,
        )
    ]


def _aws(*arguments: str) -> str:
    return shlex.join(("aws", "stepfunctions", *arguments, "--endpoint-url", _SERVED_AT))


def _arn(name: str, kind: str) -> str:
    """The ARN for a name in the journal: `123456789012:us-east-1:Pay:order-7`."""
    account, region, resource = [*name.split(":", 2), "", ""][:3]
    return f"arn:aws:states:{region}:{account}:{kind}:{resource}"


def checked_input(text: str) -> str:
    """The JSON text as it was given. Raises: Problem, which says where it is wrong."""
    try:
        loads(text)
    except RecursionError as err:
        raise bad_request("the input is nested too deeply") from err
    except ValueError as err:
        raise bad_request(f"the input is not valid JSON: {printable(str(err))}") from err
    return text
