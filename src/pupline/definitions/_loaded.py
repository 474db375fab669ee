"""A definition that was read from a file, with all that is known about it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Literal

from pupline.definitions._marks import Position, Step, steps_of
from pupline.definitions._placed import Find
from pupline.definitions.templates import TemplateFunction
from pupline.json_values import AnyJSON


@dataclass(frozen=True)
class LoadedDefinition:
    """A definition.

    definition: as it is in the file, with the placeholders filled in that have values. file: where it stands, and what
    positions are in. placeholders: the names that are not filled in. repeated: the paths of keys that occur more than
    once in an object, of which only the last counts.
    unknown: the placeholders to which its template gives no value, though it does so to others, which are
    `substitutions`.
    type: what it runs as, from the template, or "STANDARD". template, resource: the template that it is in, and its
    logical id there; None for a file that is a definition.
    """

    definition: dict[str, AnyJSON]
    file: Path
    placeholders: tuple[str, ...]
    repeated: tuple[tuple[Step, ...], ...]
    find: Find = field(repr=False, compare=False)
    type: Literal["STANDARD", "EXPRESS"] = "STANDARD"
    template: Path | None = None
    resource: str | None = None
    unknown: tuple[str, ...] = ()
    substitutions: tuple[str, ...] = ()
    find_functions: Callable[[], Mapping[str, TemplateFunction]] = field(default=dict, repr=False, compare=False)

    @property
    def name(self) -> str:
        """Its name: the file, or `template.yaml#Resource`."""
        return str(self.file) if self.template is None else f"{self.template}#{self.resource}"

    @cached_property
    def functions(self) -> Mapping[str, TemplateFunction]:
        """The Lambda functions of its template, by logical id. Raises: ConfigurationError for a malformed template."""
        return self.find_functions()

    def position(self, json_path: str, *, at_key: bool = False) -> Position | None:
        """Where a JSON path such as `$.States.Pay.Next` stands in the file: line and column, from 1.

        For a path that does not exist it is the nearest object around it. None for a text that is not a path.
        at_key: where the key of the member stands, rather than its value.
        """
        return self.find(steps_of(json_path), at_key=at_key) if json_path.startswith("$") else None
