"""The states of a machine that a mock can answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pupline.asl._walk import walk_states
from pupline.json_values import AnyJSON

READER = "ItemReader"
WRITER = "ResultWriter"


@dataclass(frozen=True, slots=True)
class MockedState:
    """What the name of an answer stands for.

    name: of the state, with `.ItemReader` or `.ResultWriter` for these parts of a Map. type: the state's.
    is_function: it is a Task whose Resource is a Lambda function, not an integration. invokes: its integration is
    lambda:invoke. reads_items: the answer gives the items of a Distributed Map. is_called: it is a Task, or a Map with
    an ItemReader or a ResultWriter.
    """

    name: str
    type: str
    is_function: bool = False
    invokes: bool = False
    reads_items: bool = False
    is_called: bool = True


def mocked_states(definition: AnyJSON) -> dict[str, MockedState]:
    """All states of a definition by name, and the parts of its Maps that are called."""
    return {state.name: state for state in _states(definition)}


def _states(definition: AnyJSON) -> Iterator[MockedState]:
    for _, name, state in walk_states(definition):
        kind = state["Type"]
        parts = [part for part in (READER, WRITER) if part in state] if kind == "Map" else []
        resource = str(state.get("Resource", "")) if kind == "Task" else ":states:"
        function, invokes = ":states:" not in resource, resource.endswith(":lambda:invoke")
        yield MockedState(name, kind, function, invokes, READER in parts, kind == "Task" or bool(parts))
        for part in parts:
            yield MockedState(f"{name}.{part}", kind, reads_items=part == READER)
