"""All states of a definition, those inside Parallel and Map included."""

from collections.abc import Iterator
from typing import TypeAlias

from pupline.json_values import AnyJSON

Steps: TypeAlias = tuple[str | int, ...]


def walk_states(machine: AnyJSON, path: Steps = ()) -> Iterator[tuple[Steps, str, AnyJSON]]:
    """(path in the definition, name, state) of each state, in the order of the definition.

    machine: a valid definition, a branch or an item processor. Names are unique in a valid definition.
    """
    for name, state in machine["States"].items():
        here = (*path, "States", name)
        yield here, name, state
        for number, branch in enumerate(state.get("Branches", ())):
            yield from walk_states(branch, (*here, "Branches", number))
        for field in ("ItemProcessor", "Iterator"):
            if field in state:
                yield from walk_states(state[field], (*here, field))
