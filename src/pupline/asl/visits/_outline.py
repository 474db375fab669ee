"""What a history leaves out about its states, from the definition."""

from collections.abc import Mapping
from typing import Any

_DEEPEST = 100


class Outline:
    """The branches, the last states and the Fail states of a definition.

    definition: of the execution, or any other JSON object: what does not look like a definition is left out.
    """

    def __init__(self, definition: Mapping[str, Any]) -> None:
        self._branches: dict[str, dict[str, int]] = {}
        self._last: set[str] = set()
        self._failures: dict[str, tuple[str | None, str | None]] = {}
        self._add(definition, 0)

    def _add(self, machine: Any, depth: int) -> None:
        states = machine.get("States") if isinstance(machine, dict) and depth < _DEEPEST else None
        for name, state in (states if isinstance(states, dict) else {}).items():
            if not isinstance(state, dict):
                continue
            if state.get("End") is True or state.get("Type") == "Succeed":
                self._last.add(name)
            if state.get("Type") == "Fail":
                self._failures[name] = (_text(state.get("Error")), _text(state.get("Cause")))
            branches = state.get("Branches")
            for number, branch in enumerate(branches if isinstance(branches, list) else ()):
                if isinstance(branch, dict):
                    self._branches.setdefault(name, {}).setdefault(str(branch.get("StartAt")), number)
                self._add(branch, depth + 1)
            for part in ("ItemProcessor", "Iterator"):
                self._add(state.get(part), depth + 1)

    def branch_of(self, parallel: str, first_state: str, number: int) -> int:
        """The branch that begins with a state; `number` where the definition has none."""
        return self._branches.get(parallel, {}).get(first_state, number)

    def ends(self, name: str) -> bool:
        """Whether nothing follows the state, unless it fails."""
        return name in self._last

    def failure_of(self, name: str) -> tuple[str | None, str | None]:
        """The Error and Cause of a Fail state, where they are constant."""
        return self._failures.get(name, (None, None))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and not value.startswith("{%") else None
