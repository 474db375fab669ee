"""What a redrive can mend: the same rule for this machine and for Step Functions."""

from collections.abc import Iterable, Mapping
from typing import Any

UNSUCCESSFUL = ("FAILED", "TIMED_OUT", "ABORTED")


def why_not_redriven(status: str, newest_first: Iterable[Mapping[str, Any]]) -> str | None:
    """Why a redrive of the execution would do no good, for people; None when it may.

    newest_first: the events of its history. A redrive goes on from the state that did not succeed. For an execution
    that ended in a Fail state that is the Fail state itself, which is entered and fails again (Step Functions
    developer guide, "Restarting state machine executions with redrive").
    """
    if status not in UNSUCCESSFUL:
        return f"it is {status}; only what failed, timed out or was aborted can be redriven"
    entered = next((event for event in newest_first if event["type"].endswith("StateEntered")), None)
    if status == "FAILED" and entered is not None and entered["type"] == "FailStateEntered":
        return (
            "its failure was handled and recorded, and a redrive would only enter the Fail state"
            f" {entered['stateEnteredEventDetails']['name']} again; fetch the image anew with: pupline run"
        )
    return None
