"""Where variables are assigned and read: a machine, a branch and an item processor each have a scope."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from pupline.asl.validation._diagnostic import Diagnostic, Step
from pupline.asl.validation._suggest import closest

_MOST_HINTS = 30
"""Variables that nothing assigns and that are compared with those that are assigned."""


@dataclass(eq=False, slots=True)
class VariableScope:
    """A scope. outer: the one around it, whose variables it also reads; None also inside a Distributed Map."""

    outer: VariableScope | None = None
    assigned: dict[str, tuple[Step, ...]] = field(default_factory=dict)
    read: dict[str, tuple[Step, ...]] = field(default_factory=dict)

    def names(self) -> set[str]:
        """All variables that can be read here."""
        return self.assigned.keys() | (self.outer.names() if self.outer else set())

    def diagnostics(self) -> list[Diagnostic]:
        """Variables that nothing assigns and those that an outer scope assigns already: warnings."""
        names = self.names()
        missing = [(name, steps) for name, steps in self.read.items() if name not in names]
        found = [
            _unassigned(name, steps, names if at < _MOST_HINTS else ()) for at, (name, steps) in enumerate(missing)
        ]
        outer = self.outer.names() if self.outer else set()
        for name, steps in self.assigned.items():
            if name in outer:
                found.append(_shadowing(name, steps))
        return found


def _unassigned(name: str, steps: tuple[Step, ...], names: Collection[str]) -> Diagnostic:
    meant = closest(name, names)
    hint = f"Did you mean '${meant}'?" if meant else ""
    return Diagnostic("UNDEFINED_VARIABLE", f"No state assigns the variable '${name}'.", steps, "WARNING", hint)


def _shadowing(name: str, steps: tuple[Step, ...]) -> Diagnostic:
    message = f"The variable '{name}' is assigned in an outer scope, too, which this does not change."
    return Diagnostic("SHADOWED_VARIABLE", message, steps, "WARNING", "Use another name.")
