"""The order of diagnostics: that of their places in the definition."""

from pupline.asl.validation._diagnostic import Diagnostic
from pupline.json_values import AnyJSON


def in_order(found: list[Diagnostic], definition: AnyJSON) -> list[Diagnostic]:
    """Diagnostics in the order of their places in the definition; those without a place come last."""
    positions = _Positions()

    def place(diagnostic: Diagnostic) -> tuple[int, ...]:
        if diagnostic.steps is None:
            return (len(definition) if isinstance(definition, dict) else 0,)
        steps = diagnostic.steps if diagnostic.field is None else (*diagnostic.steps, diagnostic.field)
        found, node = [], definition
        for step in steps:
            at = positions.of(step, node)
            if at is None:
                break
            found.append(at)
            node = node[step]
        return tuple(found)

    return sorted(found, key=place)


class _Positions:
    """Where keys and indices stand in their objects and arrays."""

    def __init__(self) -> None:
        self.known: dict[int, dict[str, int]] = {}

    def of(self, step: str | int, node: AnyJSON) -> int | None:
        """The position of a step, or None when it leads nowhere."""
        if isinstance(node, list):
            return step if isinstance(step, int) and step < len(node) else None
        if not isinstance(node, dict) or not isinstance(step, str):
            return None
        if id(node) not in self.known:
            self.known[id(node)] = {key: at for at, key in enumerate(node)}
        return self.known[id(node)].get(step)
