"""The child executions of Map Runs: what every backend needs to show one."""

from collections.abc import Iterator, Mapping
from typing import Any


def processor_of(definition: Mapping[str, Any], history: list[Any]) -> Mapping[str, Any]:
    """The item processor that a child execution with this history ran: a machine with StartAt and States.

    It is told by the names of the states that were entered; the whole definition when none was.
    """
    entered = {
        details["name"]
        for event in history
        if event["type"].endswith("StateEntered") and (details := event.get("stateEnteredEventDetails"))
    }
    found = (each for each in _processors(definition) if entered and entered & each["States"].keys())
    return next(found, definition)


def _processors(machine: Any) -> Iterator[Mapping[str, Any]]:
    """The item processors of Distributed Maps in a definition, at any depth."""
    for state in machine.get("States", {}).values():
        processor = state.get("ItemProcessor") or state.get("Iterator")
        if processor:
            if processor.get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED":
                yield processor
            yield from _processors(processor)
        for branch in state.get("Branches", ()):
            yield from _processors(branch)
