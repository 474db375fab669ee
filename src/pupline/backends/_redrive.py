"""Which executions a redrive can help: one rule for this machine and for Step Functions."""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pupline.backends._port import Refused, RunListener

UNSUCCESSFUL = ("FAILED", "TIMED_OUT", "ABORTED")


@dataclass(frozen=True, slots=True)
class EndedExecution:
    """An execution to be redriven. key: what the backend finds it by. newest_first: the events of its history.

    refusal: why the backend cannot redrive it, whatever the rule says.
    """

    key: str
    name: str
    status: str
    input: Any
    newest_first: Iterable[Mapping[str, Any]]
    refusal: str | None = None


def redrivable(
    executions: Iterable[EndedExecution], options: str, listener: RunListener
) -> tuple[list[EndedExecution], list[str]]:
    """The executions that a redrive can help, and why not the others. options: those that name the backend."""
    chosen, refused = [], []
    for execution in executions:
        reason = why_not_redriven(execution, options) or execution.refusal
        if reason is None:
            chosen.append(execution)
        else:
            refused.append(reason)
            listener(Refused(execution.name, f"not redriven: {reason}"))
    return chosen, refused


def why_not_redriven(execution: EndedExecution, options: str = "") -> str | None:
    """Why a redrive of the execution would do no good, for people; None when it may help.

    A redrive resumes at the state that did not succeed. For an execution that ended in a Fail state that is the Fail
    state itself, which fails again (Step Functions developer guide, "Restarting state machine executions with
    redrive").
    """
    if execution.status not in UNSUCCESSFUL:
        return f"it is {execution.status}; only what failed, timed out or was aborted can be redriven"
    entered = next((event for event in execution.newest_first if event["type"].endswith("StateEntered")), None)
    if execution.status != "FAILED" or entered is None or entered["type"] != "FailStateEntered":
        return None
    given = execution.input if isinstance(execution.input, dict) else {}
    if "dataset" in given:
        instead = "repeat the pupline ingest that started it, with the same --run-id: it does what is missing"
    else:
        wanted = {"--image-url": given.get("image_url"), "--breed": given.get("breed")}
        chosen = [f" {name} {shlex.quote(value)}" for name, value in wanted.items() if isinstance(value, str)]
        instead = f"fetch the image again with: pupline run{''.join(chosen)}{options}"
    return (
        "its failure was handled and recorded, and a redrive would only enter the Fail state"
        f" {entered['stateEnteredEventDetails']['name']} again; {instead}"
    )
