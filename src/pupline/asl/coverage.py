"""Coverage: which states, Catchers, Retriers and Choice Rules of a machine its executions have taken.

    coverage = Coverage(machine)
    coverage.add(execute(machine, {"n": 1}, tasks=tasks))
    coverage.percent, coverage.never_taken

A Retrier is taken when it matches an error, even one with `"MaxAttempts": 0`; a Catcher when it catches; `Default` of a
Choice state counts like a rule. States inside Map and Parallel count like all others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pupline.asl._execution import Execution
from pupline.asl._state_machine import StateMachine
from pupline.asl._walk import walk_states
from pupline.asl.driver import Result
from pupline.asl.states import place_in
from pupline.asl.validation import json_path
from pupline.json_values import AnyJSON
from pupline.text import printable

Kind: TypeAlias = Literal["state", "catcher", "retrier", "choice rule", "default"]
Position: TypeAlias = Callable[[str], "tuple[int, int] | None"]
"""(line, column) of a JSON path in the file that the definition was read from; None where it is not known."""

_PLURALS: dict[Kind, str] = {
    "state": "states",
    "choice rule": "choice rules",
    "default": "defaults",
    "retrier": "retriers",
    "catcher": "catchers",
}


@dataclass(frozen=True, slots=True)
class CoverageItem:
    """Something that an execution can take.

    path: its JSON path. errors: ErrorEquals of a Retrier or Catcher. next: where a Catcher, rule or Default leads.
    """

    kind: Kind
    state: str
    path: str
    part: str = ""
    errors: tuple[str, ...] = ()
    next: str | None = None

    def __str__(self) -> str:
        shown = printable(self.state) + (f" {self.part}" if self.part else "")
        if self.errors:
            shown += f" ({printable(', '.join(self.errors))})"
        return f"{shown} -> {printable(self.next)}" if self.next else shown


class Coverage:
    """What the executions of one machine have taken so far.

    items: all that can be taken, in the order of the definition. executions: how many were added.
    """

    def __init__(self, machine: StateMachine) -> None:
        self._digest = machine.digest
        self.items = list(_items(machine.definition))
        self._taken: Counter[str] = Counter()
        self.executions = 0

    def add(self, ended: Result | Execution) -> None:
        """Count what an execution has taken. Raises: ValueError for an execution of another machine."""
        execution = ended if isinstance(ended, Execution) else ended.execution
        if execution.machine.digest != self._digest:
            raise ValueError("this coverage is of another state machine than the execution")
        entered = (event.get("stateEnteredEventDetails") for event in execution.history)
        self._taken.update(execution.taken | {details["name"] for details in entered if details})
        self.executions += 1

    @property
    def taken(self) -> dict[str, int]:
        """How many executions have taken each place, for `merge`."""
        return dict(self._taken)

    def merge(self, taken: Mapping[str, int], executions: int) -> None:
        """Add what another Coverage of the same machine has: its `taken` and `executions`."""
        self._taken.update(taken)
        self.executions += executions

    def count(self, item: CoverageItem) -> int:
        """How many executions have taken the item."""
        return self._taken[place_in(item.state, item.part) if item.part else item.state]

    @property
    def never_taken(self) -> list[CoverageItem]:
        """The items that no execution has taken."""
        return [item for item in self.items if not self.count(item)]

    @property
    def percent(self) -> float:
        """How many of all items were taken, from 0 to 100."""
        return 100 * (len(self.items) - len(self.never_taken)) / len(self.items)

    def counts(self) -> dict[str, tuple[int, int]]:
        """(taken, total) by the plural of each kind; kinds that the machine does not have are left out."""
        total = Counter(item.kind for item in self.items)
        never = Counter(item.kind for item in self.never_taken)
        return {name: (total[kind] - never[kind], total[kind]) for kind, name in _PLURALS.items() if total[kind]}

    def as_json(self, position: Position | None = None) -> dict[str, AnyJSON]:
        """The coverage as a JSON object; with `position`, the items never taken have `line` and `column`."""
        never = []
        for item in self.never_taken:
            found: dict[str, AnyJSON] = {"kind": item.kind, "state": item.state, "path": item.path}
            if item.errors:
                found["errors"] = list(item.errors)
            if item.next is not None:
                found["next"] = item.next
            where = position(item.path) if position else None
            never.append(found | ({"line": where[0], "column": where[1]} if where else {}))
        return {
            "percent": round(self.percent, 2),
            "executions": self.executions,
            "counts": {name: {"taken": taken, "total": total} for name, (taken, total) in self.counts().items()},
            "never_taken": never,
        }

    def lines(self, file: str = "", position: Position | None = None) -> list[str]:
        """The coverage as text: a line of counts, then one for each item never taken, with its place in the file."""
        counts = ", ".join(f"{name} {taken}/{total}" for name, (taken, total) in self.counts().items())
        never = self.never_taken
        lines = [f"Coverage: {percent_text(self.percent)} ({counts})"]
        if never:
            lines.append("Never taken:")
            places = [_place(item, file, position) for item in never]
            width = max(map(len, places))
            lines += [f"  {place:<{width}}  {item.kind:<11}  {item}" for place, item in zip(places, never, strict=True)]
        return lines


def percent_text(percent: float) -> str:
    """`87.5%`; never `100%` for less."""
    shown = f"{min(percent, 99.9) if percent < 100 else percent:.1f}"
    return f"{shown.removesuffix('.0')}%"


def _place(item: CoverageItem, file: str, position: Position | None) -> str:
    where = position(item.path) if position else None
    return f"{file}:{where[0]}" if where else printable(item.path, 400)


def _items(definition: AnyJSON) -> Iterator[CoverageItem]:
    for path, name, state in walk_states(definition):
        yield CoverageItem("state", name, json_path(path))
        for number, rule in enumerate(state.get("Choices", ())):
            where = json_path((*path, "Choices", number))
            yield CoverageItem("choice rule", name, where, f"Choices[{number}]", next=rule["Next"])
        if state.get("Default") is not None:
            yield CoverageItem("default", name, json_path((*path, "Default")), "Default", next=state["Default"])
        for number, each in enumerate(state.get("Retry", ())):
            errors = tuple(each["ErrorEquals"])
            yield CoverageItem("retrier", name, json_path((*path, "Retry", number)), f"Retry[{number}]", errors)
        for number, each in enumerate(state.get("Catch", ())):
            errors = tuple(each["ErrorEquals"])
            where = json_path((*path, "Catch", number))
            yield CoverageItem("catcher", name, where, f"Catch[{number}]", errors, each["Next"])
