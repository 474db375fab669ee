"""The end of an execution: its status, output, path and history."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pupline.asl._endless import endless_loop
from pupline.asl._execution import Execution, Status
from pupline.json_values import AnyJSON


@dataclass(frozen=True, slots=True)
class Result:
    """The end of an execution, with the facts of DescribeExecution and GetExecutionHistory.

    nested: the executions that it started, and those that these started, in the order of their starts.
    """

    status: Status
    output: AnyJSON
    error: str | None
    cause: str | None
    execution: Execution
    nested: tuple[Result, ...] = ()

    @property
    def history(self) -> list[dict[str, AnyJSON]]:
        """The events, in the shape of GetExecutionHistory."""
        return self.execution.history

    @property
    def path(self) -> list[str]:
        """The names of the states in the order in which they were entered, those inside Map and Parallel included."""
        return path_of(self.history)

    @property
    def failing_state(self) -> str | None:
        """The state in which the execution ended without success; inside a Map or Parallel, the innermost."""
        if self.status == "SUCCEEDED":
            return None
        history = self.history
        event = history[-1]
        while event["type"].endswith(("Failed", "TimedOut", "Aborted")) and event["type"].startswith(_AROUND):
            if event["previousEventId"] == 0:
                return None
            event = history[event["previousEventId"] - 1]
        return _owners(history).get(event["id"])

    def events_of(self, state: str) -> list[dict[str, AnyJSON]]:
        """The events of a state at all its visits, from its ...StateEntered to its ...StateExited."""
        history = self.history
        owners = _owners(history)
        return [event for event in history if owners.get(event["id"]) == state]

    @property
    def hint(self) -> str | None:
        """A sentence that says why the execution did not end by itself; None when it did."""
        return endless_loop(self.history) if self.status in ("FAILED", "TIMED_OUT") else None


_AROUND = ("Execution", "MapState", "MapIteration", "ParallelState")
"""Types of events that repeat the failure of something inside."""


def path_of(history: Sequence[Mapping[str, Any]]) -> list[str]:
    """The names of the states in the order in which they were entered, those inside Map and Parallel included."""
    entered = (event.get("stateEnteredEventDetails") for event in history)
    return [details["name"] for details in entered if details]


def _owners(history: Sequence[Mapping[str, Any]]) -> dict[int, str]:
    """The id of each event that belongs to a state -> its name. It follows the chain of the events."""
    owners: dict[int, str] = {}
    inside: dict[int, str | None] = {0: None}  # event -> the state that an event after it belongs to
    around: dict[str, str | None] = {}  # state -> the Map or Parallel state around it
    for event in history:
        number, kind = event["id"], event["type"]
        state = inside.get(event["previousEventId"])
        if kind.endswith("StateEntered"):
            name = event["stateEnteredEventDetails"]["name"]
            around[name] = state
            owners[number], inside[number] = name, name
        elif kind.endswith("StateExited"):
            name = event["stateExitedEventDetails"]["name"]
            owners[number], inside[number] = name, around.get(name)
        else:
            if kind.startswith("MapIteration"):
                state = event[f"m{kind[1:]}EventDetails"]["name"]
            elif kind.startswith(("MapState", "ParallelState")) and kind.endswith("Failed") and state is not None:
                state = around.get(state) or state
            inside[number] = state
            if state is not None and not kind.startswith("Execution"):
                owners[number] = state
    return owners
