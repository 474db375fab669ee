"""The tab Events: a history page by page, each event with a line that says what it tells."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pupline.text import printable

Event = Mapping[str, Any]

EVENTS_LIMIT = 100
_SUMMARY_CHARACTERS = 160
_FIRST = ("name", "error", "index", "mapRunArn", "resource", "cause")
"""The details that say most, in this order."""

_NOT_SHOWN = {"resourceType", "roleArn", "inputDetails", "outputDetails", "assignedVariablesDetails", "region"}


@dataclass(frozen=True, slots=True)
class EventItem:
    """One event. at: seconds since the epoch; after: seconds since the execution began.

    state: of the visit that it belongs to. details: as GetExecutionHistory gives them. is_failure: reports a failure.
    """

    id: int
    previous: int
    type: str
    at: float
    after: float
    state: str | None
    summary: str
    details: Mapping[str, Any]
    is_failure: bool


@dataclass(frozen=True, slots=True)
class EventPage:
    """Some events in order. total: of the events that match. next, previous: event ids for `after` and `before`."""

    items: tuple[EventItem, ...]
    total: int
    next: int | None
    previous: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EventQuery:
    """Which events. types: none for all. after, before: an event id; the page follows it, or ends before it."""

    types: tuple[str, ...] = ()
    state: str | None = None
    newest_first: bool = False
    after: int | None = None
    before: int | None = None
    limit: int = EVENTS_LIMIT


def event_types(history: Sequence[Event]) -> list[tuple[str, int]]:
    """The types of events in the history and how many there are of each, by name."""
    counts: dict[str, int] = {}
    for event in history:
        counts[event["type"]] = counts.get(event["type"], 0) + 1
    return sorted(counts.items())


def event_page(history: Sequence[Event], query: EventQuery) -> EventPage:
    """One page of the history.

    history: oldest first. The states of events are looked up over the whole history, which takes a few milliseconds
    for the longest one.
    """
    states = event_states(history)
    chosen = [
        event
        for event in history
        if (not query.types or event["type"] in query.types)
        and (query.state is None or states.get(event["id"]) == query.state)
    ]
    if query.newest_first:
        chosen.reverse()
    begin, end = _range(chosen, query)
    start = history[0]["timestamp"] if history else 0.0
    shown = chosen[begin:end]
    return EventPage(
        items=tuple(_item(event, start, states.get(event["id"])) for event in shown),
        total=len(chosen),
        next=shown[-1]["id"] if shown and end < len(chosen) else None,
        previous=shown[0]["id"] if shown and begin else None,
    )


def _range(chosen: Sequence[Event], query: EventQuery) -> tuple[int, int]:
    if query.before is not None:
        end = next((at for at, event in enumerate(chosen) if event["id"] == query.before), 0)
        return max(end - query.limit, 0), end
    begin = 0
    if query.after is not None:
        begin = next((at for at, event in enumerate(chosen, 1) if event["id"] == query.after), len(chosen))
    return begin, min(begin + query.limit, len(chosen))


def event_states(history: Sequence[Event]) -> dict[int, str]:
    """Event id -> name of the state that the event belongs to, for all events that belong to one."""
    found: dict[int, str] = {}
    for event in history:
        entered = event.get("stateEnteredEventDetails") or event.get("stateExitedEventDetails")
        if entered is not None:
            found[event["id"]] = entered["name"]
        elif not event["type"].startswith("Execution"):
            before = found.get(event["previousEventId"])
            if before is not None:
                found[event["id"]] = before
    return found


def _item(event: Event, start: float, state: str | None) -> EventItem:
    details = details_of(event)
    kind: str = event["type"]
    return EventItem(
        id=event["id"],
        previous=event["previousEventId"],
        type=kind,
        at=event["timestamp"],
        after=event["timestamp"] - start,
        state=state,
        summary=" · ".join(_summary(details))[: _SUMMARY_CHARACTERS * 2],
        details=details,
        is_failure=kind.endswith(("Failed", "TimedOut", "Aborted")),
    )


def details_of(event: Event) -> Mapping[str, Any]:
    """The event's own details; empty for one that has none."""
    return next((value for key, value in event.items() if key.endswith("EventDetails")), {})


def _summary(details: Mapping[str, Any]) -> Iterator[str]:
    """What the event tells, the most important first."""
    for name in _FIRST:
        if details.get(name) is not None:
            yield printable(str(details[name]), _SUMMARY_CHARACTERS)
    rest = (name for name in details if name not in _NOT_SHOWN and name not in _FIRST and details[name] is not None)
    for name in rest:
        value = details[name]
        shown = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield printable(f"{name}={shown}", _SUMMARY_CHARACTERS)
