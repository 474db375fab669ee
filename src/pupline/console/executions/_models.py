"""What the API answers about executions. Names of fields are those of the commands' `--json`, and of the API of AWS."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from pupline.asl import Attempt, StateVisit
from pupline.console.executions._events import EventItem, EventPage
from pupline.console.executions._failure import Failure
from pupline.console.executions._panel import StatePanel
from pupline.console.executions._slices import Slice
from pupline.console.executions._template_filters import parsed
from pupline.console.executions._view import ExecutionView
from pupline.tasks.pages import Count, ExecutionItem, MachineItem, Page
from pupline.tasks.ports import ExecutionSummary
from pupline.text import timestamp, timestamp_or_none


class ExecutionModel(BaseModel):
    """One execution, as `pupline executions --json` prints it."""

    execution: str
    status: str
    run: str | None
    start_time: str
    stop_time: str | None
    error: str | None
    cause: str | None

    @classmethod
    def of(cls, row: ExecutionSummary) -> "ExecutionModel":
        """The model of a row."""
        return cls(**_summary(row))


class ListedExecution(ExecutionModel):
    """One execution of the list, with its state machine and its audit record."""

    kind: str
    machine: str
    machine_type: str
    source: str | None
    dataset: str | None
    record: dict[str, Any] | None

    @classmethod
    def of_item(cls, item: ExecutionItem) -> "ListedExecution":
        """The model of an item."""
        return cls(**_item(item))


class ExecutionList(BaseModel):
    """A page of executions. next, previous: for `after` and `before`. count: of all that match."""

    items: list[ListedExecution]
    next: str | None
    previous: str | None
    count: int
    count_is_capped: bool

    @classmethod
    def of(cls, page: Page[ExecutionItem], count: Count) -> "ExecutionList":
        """The model of a page."""
        items = [ListedExecution.of_item(item) for item in page.items]
        return cls(
            items=items,
            next=page.next,
            previous=page.previous,
            count=count.number,
            count_is_capped=count.is_capped,
        )


class FailureModel(BaseModel):
    """Why an execution did not succeed, and what to do next.

    attempt: of `attempts`. told: the cause in plain words. redrive_refusal: why a redrive would do no good.
    """

    state: str | None
    visit: int | None
    attempt: int | None
    attempts: int | None
    item: int | None
    error: str | None
    cause: str | None
    told: str | None
    meaning: str
    next_step: str
    may_pass: bool
    fail_state: str | None
    failed_children: int
    redrive_refusal: str | None

    @classmethod
    def of(cls, failure: Failure) -> "FailureModel":
        """The model of a failure."""
        return cls(
            state=failure.state,
            visit=None if failure.visit is None else failure.visit.number,
            attempt=failure.attempt,
            attempts=failure.attempts,
            item=failure.item,
            error=failure.error,
            cause=failure.cause,
            told=failure.told,
            meaning=failure.advice.meaning,
            next_step=failure.advice.next_step,
            may_pass=failure.advice.may_pass,
            fail_state=failure.fail_state,
            failed_children=failure.failed_children,
            redrive_refusal=failure.refusal,
        )


class ExecutionDetail(ListedExecution):
    """One execution with its input, output, Map Runs and failure. Its history is a list of its own."""

    parent: str | None
    input: Any
    output: Any
    events: int
    visits: int
    map_runs: list[dict[str, Any]]
    failure: FailureModel | None

    @classmethod
    def of_view(cls, view: ExecutionView) -> "ExecutionDetail":
        """The model of a view."""
        details, failure = view.details, view.failure or view.trouble
        return cls(
            **{**_item(view.item), **_summary(view.row)},
            parent=view.parent,
            input=_writable(details.input),
            output=_writable(details.output),
            events=len(details.history),
            visits=len(view.visits),
            map_runs=[dict(run) for run in details.map_runs],
            failure=None if failure is None else FailureModel.of(failure),
        )


class EventModel(BaseModel):
    """One event of GetExecutionHistory: its details are under their name there."""

    id: int
    previous_event_id: int
    type: str
    timestamp: str
    state: str | None
    details: dict[str, Any]

    @classmethod
    def of(cls, item: EventItem) -> "EventModel":
        """The model of an event."""
        return cls(
            id=item.id,
            previous_event_id=item.previous,
            type=item.type,
            timestamp=timestamp(item.at),
            state=item.state,
            details=_writable(dict(item.details)),
        )


class EventList(BaseModel):
    """A page of events."""

    items: list[EventModel]
    next: str | None
    previous: str | None
    count: int

    @classmethod
    def of(cls, page: EventPage) -> "EventList":
        """The model of a page."""
        items = [EventModel.of(item) for item in page.items]
        following, before = (None if at is None else str(at) for at in (page.next, page.previous))
        return cls(items=items, next=following, previous=before, count=page.total)


class VisitModel(BaseModel):
    """One visit to a state. index: of the iteration of the Map, or the branch of the Parallel, around it."""

    visit: int
    state: str
    type: str
    status: str
    entered: str
    left: str | None
    within: str | None
    index: int | None
    attempts: int
    error: str | None

    @classmethod
    def of(cls, visit: StateVisit) -> "VisitModel":
        """The model of a visit."""
        return cls(**_visit(visit))


class VisitList(BaseModel):
    """A page of visits, in the order in which they began."""

    items: list[VisitModel]
    next: str | None
    previous: str | None
    count: int

    @classmethod
    def of(cls, part: Slice[StateVisit]) -> "VisitList":
        """The model of some visits."""
        items = [VisitModel.of(visit) for visit in part.items]
        return cls(items=items, next=part.next, previous=part.previous, count=part.total)


class AttemptModel(BaseModel):
    """One attempt of a state. input, output: JSON texts."""

    attempt: int
    status: str
    resource: str
    scheduled: str
    ended: str | None
    input: str | None
    output: str | None
    error: str | None
    cause: str | None
    log_lines: list[str]
    nested_execution: str | None

    @classmethod
    def of(cls, number: int, attempt: Attempt) -> "AttemptModel":
        """The model of an attempt."""
        return cls(
            attempt=number,
            status=attempt.status,
            resource=attempt.resource,
            scheduled=timestamp(attempt.scheduled),
            ended=timestamp_or_none(attempt.ended),
            input=attempt.input,
            output=attempt.output,
            error=attempt.error,
            cause=attempt.cause,
            log_lines=list(attempt.log_lines),
            nested_execution=attempt.nested_execution,
        )


class StateModel(BaseModel):
    """One state, and one visit to it. input, output and the values of variables and assigned: JSON texts."""

    state: str
    type: str
    definition: dict[str, Any] | None
    visits: int
    visit: VisitModel | None
    input: str | None
    output: str | None
    cause: str | None
    variables: dict[str, str]
    assigned: dict[str, str]
    attempts: list[AttemptModel]

    @classmethod
    def of(cls, panel: StatePanel) -> "StateModel":
        """The model of a panel."""
        visit = panel.visit
        return cls(
            state=panel.state,
            type=panel.kind,
            definition=_writable(panel.definition),
            visits=panel.visits,
            visit=None if visit is None else VisitModel.of(visit),
            input=None if visit is None else visit.input,
            output=None if visit is None else visit.output,
            cause=None if visit is None else visit.cause,
            variables=dict(panel.variables or {}),
            assigned=dict(visit.assigned) if visit is not None else {},
            attempts=[AttemptModel.of(number, attempt) for number, attempt in panel.attempts],
        )


class ChildList(BaseModel):
    """A page of child executions, in the order of their items."""

    items: list[ExecutionModel]
    next: str | None
    previous: str | None
    count: int

    @classmethod
    def of(cls, part: Slice[ExecutionSummary]) -> "ChildList":
        """The model of some children."""
        items = [ExecutionModel.of(row) for row in part.items]
        return cls(items=items, next=part.next, previous=part.previous, count=part.total)


class MachineModel(BaseModel):
    """A state machine. arn: of one that the Step Functions API made. running: executions that run now."""

    name: str
    type: str
    kind: str
    arn: str | None
    created_at: str | None
    running: int
    last_execution: ExecutionModel | None

    @classmethod
    def of(cls, machine: MachineItem) -> "MachineModel":
        """The model of a machine."""
        return cls(
            name=machine.name,
            type=machine.type,
            kind=machine.kind,
            arn=machine.arn,
            created_at=timestamp_or_none(machine.created_at),
            running=machine.running,
            last_execution=None if machine.last is None else ExecutionModel.of(machine.last),
        )


class MachineList(BaseModel):
    """All state machines, by name."""

    items: list[MachineModel]


class MachineDetail(MachineModel):
    """A state machine with its definition, in the Amazon States Language."""

    definition: Any

    @classmethod
    def of_machine(cls, machine: MachineItem) -> "MachineDetail":
        """The model of a machine."""
        return cls(**MachineModel.of(machine).model_dump(), definition=_writable(parsed(machine.definition)))


class MachineDetails(BaseModel):
    """State machines of one name."""

    items: list[MachineDetail]


def _writable(value: Any) -> Any:
    """The JSON value; halves of surrogate pairs, which cannot be names in an answer, become question marks."""
    text = json.dumps(value, ensure_ascii=False)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.loads(text.encode("utf-8", "replace"))
    return value


def _summary(row: ExecutionSummary) -> dict[str, Any]:
    return {
        "execution": row.name,
        "status": row.status,
        "run": row.run,
        "start_time": timestamp(row.start_time),
        "stop_time": timestamp_or_none(row.stop_time),
        "error": row.error,
        "cause": row.cause,
    }


def _item(item: ExecutionItem) -> Mapping[str, Any]:
    return {
        **_summary(item.row),
        "kind": item.kind,
        "machine": item.machine,
        "machine_type": item.type,
        "source": item.source,
        "dataset": item.dataset,
        "record": None if item.record is None else item.record.as_dict(),
    }


def _visit(visit: StateVisit) -> Mapping[str, Any]:
    return {
        "visit": visit.number,
        "state": visit.state,
        "type": visit.kind,
        "status": visit.status,
        "entered": timestamp(visit.entered),
        "left": timestamp_or_none(visit.left),
        "within": visit.parent and visit.parent.state,
        "index": visit.index,
        "attempts": len(visit.attempts),
        "error": visit.error,
    }
