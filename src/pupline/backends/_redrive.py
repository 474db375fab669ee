"""What a redrive can mend: the same rule for this machine and for Step Functions."""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

UNSUCCESSFUL = ("FAILED", "TIMED_OUT", "ABORTED")


@dataclass(frozen=True, slots=True)
class Ended:
    """An execution that shall be redriven. input: as it was given. newest_first: the events of its history.

    options: what `pupline run` needs to start another one at the same place.
    """

    status: str
    input: Any
    newest_first: Iterable[Mapping[str, Any]]
    options: str = ""


def why_not_redriven(ended: Ended) -> str | None:
    """Why a redrive of the execution would do no good, for people; None when it may.

    A redrive goes on from the state that did not succeed. For an execution
    that ended in a Fail state that is the Fail state itself, which is entered and fails again (Step Functions
    developer guide, "Restarting state machine executions with redrive").
    """
    if ended.status not in UNSUCCESSFUL:
        return f"it is {ended.status}; only what failed, timed out or was aborted can be redriven"
    entered = next((event for event in ended.newest_first if event["type"].endswith("StateEntered")), None)
    if ended.status == "FAILED" and entered is not None and entered["type"] == "FailStateEntered":
        return (
            "its failure was handled and recorded, and a redrive would only enter the Fail state"
            f" {entered['stateEnteredEventDetails']['name']} again; {_instead(ended)}"
        )
    return None


def _instead(ended: Ended) -> str:
    """What to do in place of a redrive."""
    if isinstance(ended.input, dict) and "dataset" in ended.input:
        return "repeat the pupline ingest that began it, with the same --run-id: it does what is missing"
    return f"fetch the image anew with: pupline run{_asked_for(ended.input)}{ended.options}"


def _asked_for(given: Any) -> str:
    """The options of `pupline run` for this input."""
    named = given if isinstance(given, dict) else {}
    options = {"--image-url": named.get("image_url"), "--breed": named.get("breed")}
    return "".join(f" {option} {shlex.quote(value)}" for option, value in options.items() if isinstance(value, str))
