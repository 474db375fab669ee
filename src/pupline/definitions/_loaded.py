"""A definition that was read from a file, with all that is known about it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pupline.definitions._marks import Position, Step, steps_of
from pupline.json_values import AnyJSON


@dataclass(frozen=True)
class LoadedDefinition:
    """A definition.

    definition: as it is in the file, with the placeholders filled in that have values. type: what it runs as, from the
    template, or "STANDARD". resource: the logical id in the template; None for a file that is a definition.
    placeholders: the names that are not filled in. repeated: the JSON paths of keys that occur more than once in an
    object, of which only the last counts.
    """

    definition: AnyJSON
    type: Literal["STANDARD", "EXPRESS"]
    file: Path
    resource: str | None
    placeholders: tuple[str, ...]
    repeated: tuple[tuple[Step, ...], ...]
    find: Callable[[list[Step]], Position | None] = field(repr=False, compare=False)

    def position(self, json_path: str) -> Position | None:
        """Where a JSON path such as `$.States.Pay.Next` stands in the file.

        For a path that does not exist it is the nearest object around it; None where no place is known.
        """
        return self.find(steps_of(json_path))
