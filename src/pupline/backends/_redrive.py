"""Which executions a redrive can help: one rule for this machine and for Step Functions."""

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pupline.backends._port import Refused, RunListener
from pupline.errors import InvalidInput
from pupline.specs import SAMPLE_ORIGIN
from pupline.tasks.log_to_dynamodb import record_of

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
    if isinstance(execution.input, dict) and "dataset" in execution.input:
        instead = "repeat the pupline ingest that started it, with the same --run-id: it does what is missing"
    elif chosen := _image_options(execution, entered["stateEnteredEventDetails"].get("input")):
        instead = f"fetch the image again with: pupline run {chosen}{options}"
    else:
        instead = "run it again from its source under a new run ID"
    return (
        "its failure was handled and recorded, and a redrive would only enter the Fail state"
        f" {entered['stateEnteredEventDetails']['name']} again; {instead}"
    )


def _image_options(execution: EndedExecution, failed_with: str | None) -> str | None:
    """The options of `pupline run` that name the image as its record does; None where its URL is not known.

    failed_with: the input of the Fail state, which AWS may cut.
    """
    try:
        state = json.loads(failed_with or "{}")
        facts = {"execution": execution.name, "input": execution.input, "alert_triggered": False, "alert_sent": False}
        record = record_of({"error": {}, **state, **facts}, "")
    except (ValueError, TypeError, RecursionError, InvalidInput):
        return None
    if record.source_url is None:
        return None
    source = ""
    if record.source_url.startswith(f"{SAMPLE_ORIGIN}/"):
        source = f"--source {'sample-hostile' if record.source == 'sample-hostile' else 'sample'} "
    return f"{source}--image-url {shlex.quote(record.source_url)}"
