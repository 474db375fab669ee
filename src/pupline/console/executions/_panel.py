"""The panel of one state: what it got and gave, its variables, attempts and log lines, and its definition."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pupline.asl import Attempt, StateVisit
from pupline.console.executions._view import ExecutionView, states_in
from pupline.errors import NoSuchName
from pupline.tasks.log_to_dynamodb import readable_cause
from pupline.text import printable

_ATTEMPTS_SHOWN = 50


@dataclass(frozen=True, slots=True)
class StatePanel:
    """One state, and one visit to it.

    definition: of the state. visits: how many there were; place: of the shown one among them, from 1. previous, next:
    the numbers of the visits before and after it. variables: that the state could read, name -> JSON text. attempts:
    the latest ones with their numbers; chosen: the number of the one to open.
    """

    state: str
    kind: str
    definition: Mapping[str, Any] | None
    visits: int
    visit: StateVisit | None = None
    place: int = 0
    previous: int | None = None
    next: int | None = None
    variables: Mapping[str, str] | None = None
    attempts: Sequence[tuple[int, Attempt]] = ()
    chosen: int | None = None

    @property
    def told(self) -> str | None:
        """The cause of the visit's failure in plain words."""
        return readable_cause(self.visit.cause) if self.visit is not None else None

    @property
    def failed(self) -> bool:
        """Whether the visit failed, so that people may want to run again from here."""
        return self.visit is not None and self.visit.status in ("failed", "timed out", "caught")


def state_panel(view: ExecutionView, state: str, *, visit: int | None = None, attempt: int | None = None) -> StatePanel:
    """The panel of a state. visit: its number; by default the latest one that failed, or the latest.

    attempt: to open; by default the latest. Raises: NoSuchName for a state, visit or attempt that there is not.
    """
    definition = next((found for name, found in states_in(view.details.definition) if name == state), None)
    visits = view.visits.of_state(state)
    if definition is None and not visits:
        raise NoSuchName(f"the state machine of {printable(view.row.name)} has no state '{printable(state)}'")
    kind = str(definition["Type"]) if definition is not None else visits[0].kind
    if not visits:
        return StatePanel(state, kind, definition, 0)
    place = _place(visits, visit, state)
    shown = visits[place]
    numbered = list(enumerate(shown.attempts, 1))
    if attempt is not None and not 0 < attempt <= len(numbered):
        raise NoSuchName(f"the state '{printable(state)}' has no attempt {attempt}: it has {len(numbered)}")
    return StatePanel(
        state,
        kind,
        definition,
        len(visits),
        visit=shown,
        place=place + 1,
        previous=visits[place - 1].number if place else None,
        next=visits[place + 1].number if place + 1 < len(visits) else None,
        variables=view.visits.variables_at(shown),
        attempts=_shown_attempts(numbered, attempt),
        chosen=attempt or len(numbered) or None,
    )


def _place(visits: Sequence[StateVisit], number: int | None, state: str) -> int:
    """The place of the visit to show."""
    if number is not None:
        found = next((at for at, visit in enumerate(visits) if visit.number == number), None)
        if found is None:
            raise NoSuchName(f"visit {number} is not one to the state '{printable(state)}'")
        return found
    failed = (at for at in range(len(visits) - 1, -1, -1) if visits[at].status in ("failed", "timed out", "caught"))
    return next(failed, len(visits) - 1)


def _shown_attempts(numbered: Sequence[tuple[int, Attempt]], chosen: int | None) -> Sequence[tuple[int, Attempt]]:
    """The latest attempts, and those around the chosen one."""
    end = len(numbered) if chosen is None else min(max(chosen + _ATTEMPTS_SHOWN // 2, _ATTEMPTS_SHOWN), len(numbered))
    return numbered[max(end - _ATTEMPTS_SHOWN, 0) : end]
