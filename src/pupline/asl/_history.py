"""The history of an execution: kept as small tuples, rendered in the shape of GetExecutionHistory.

While an execution runs, an event is one tuple `(kind, previous_event_id, time, *values)`. The values are the JSON
values themselves, shared with the data flow; only `render` turns them into text. It prints each distinct value once, by
identity: a value that passes unchanged through ten states becomes one text. Many have one already: their size was
measured.

The id of an event is its place in the list, from 1, as on AWS.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeAlias

from pupline.asl._texts import Texts
from pupline.json_values import AnyJSON

HistoryEvent: TypeAlias = tuple[AnyJSON, ...]
ToText: TypeAlias = Callable[[AnyJSON], str]

_WHOLE: dict[str, AnyJSON] = {"truncated": False}


@dataclass(frozen=True, slots=True, eq=False)
class EventKind:
    """One type of event: its name, the key of its details, and the function that makes them from the tuple's values.

    details: called with the event tuple and a function JSON value -> text; None for events without details.
    state: the name of the state that is entered; empty for other events.
    """

    type: str
    key: str = ""
    details: Callable[[HistoryEvent, ToText], dict[str, AnyJSON]] | None = None
    state: str = ""


def entered(state_type: str, name: str) -> EventKind:
    """`<Type>StateEntered` of the state `name`; values: input."""
    return EventKind(
        f"{state_type}StateEntered",
        "stateEnteredEventDetails",
        lambda event, text: {"name": name, "input": text(event[3]), "inputDetails": _WHOLE},
        name,
    )


def exited(state_type: str, name: str) -> EventKind:
    """`<Type>StateExited` of the state `name`; values: output, assigned variables or None."""

    def details(event: HistoryEvent, text: ToText) -> dict[str, AnyJSON]:
        found: dict[str, AnyJSON] = {"name": name, "output": text(event[3]), "outputDetails": _WHOLE}
        if event[4] is not None:
            found["assignedVariables"] = {key: text(value) for key, value in event[4].items()}
            found["assignedVariablesDetails"] = _WHOLE
        return found

    return EventKind(f"{state_type}StateExited", "stateExitedEventDetails", details)


def _key(type: str) -> str:  # noqa: A002 - the API's word
    return f"{type[0].lower()}{type[1:]}EventDetails"


def failure(type: str, **fixed: AnyJSON) -> EventKind:  # noqa: A002 - the API's word
    """An event with error and cause; values: error or None, cause or None. None is left out."""

    def details(event: HistoryEvent, _: ToText) -> dict[str, AnyJSON]:
        found = dict(fixed)
        if event[3] is not None:
            found["error"] = event[3]
        if event[4] is not None:
            found["cause"] = event[4]
        return found

    return EventKind(type, _key(type), details)


def output(type: str, **fixed: AnyJSON) -> EventKind:  # noqa: A002 - the API's word
    """An event with an output; values: output."""
    return EventKind(type, _key(type), lambda event, text: {**fixed, "output": text(event[3]), "outputDetails": _WHOLE})


def fixed(type: str, **details: AnyJSON) -> EventKind:  # noqa: A002 - the API's word
    """An event with constant details."""
    return EventKind(type, _key(type), lambda _event, _text: dict(details))


def named(type: str, *names: str) -> EventKind:  # noqa: A002 - the API's word
    """An event whose details are its values under these names; None is left out."""

    def details(event: HistoryEvent, _: ToText) -> dict[str, AnyJSON]:
        return {name: value for name, value in zip(names, event[3:], strict=True) if value is not None}

    return EventKind(type, _key(type), details)


EXECUTION_STARTED = EventKind(
    "ExecutionStarted",
    "executionStartedEventDetails",
    lambda event, text: {"input": text(event[3]), "inputDetails": _WHOLE, "roleArn": event[4]},
)
EXECUTION_SUCCEEDED = output("ExecutionSucceeded")
END_EVENTS = {
    "FAILED": failure("ExecutionFailed"),
    "TIMED_OUT": failure("ExecutionTimedOut"),
    "ABORTED": failure("ExecutionAborted"),
}
"""By the status of an execution that did not succeed."""
EXECUTION_REDRIVEN = named("ExecutionRedriven", "redriveCount")
EVALUATION_FAILED = named("EvaluationFailed", "error", "cause", "state", "location")


def states_entered(events: Iterable[HistoryEvent]) -> set[str]:
    """The names of the states that were entered."""
    return {event[0].state for event in events} - {""}


def render(events: Iterable[HistoryEvent], texts: Texts) -> list[dict[str, AnyJSON]]:
    """The events in the shape of GetExecutionHistory; `timestamp` is seconds since the epoch.

    texts: of the execution, or new ones.
    """
    known = texts.by_identity()

    def text(value: AnyJSON) -> str:
        found = known.get(id(value))  # the events keep every value alive, so an id means one value
        if found is None:
            found = known[id(value)] = texts.of(value)
        return found

    rendered: list[dict[str, AnyJSON]] = []
    for number, event in enumerate(events, 1):
        kind: EventKind = event[0]
        shown = {"timestamp": event[2], "type": kind.type, "id": number, "previousEventId": event[1]}
        if kind.details is not None:
            shown[kind.key] = kind.details(event, text)
        rendered.append(shown)
    return rendered
