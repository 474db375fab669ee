"""API of the schedule."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema

from pupline.console.job_queue import Schedule, ScheduledRun
from pupline.console.jobs._schedule_view import ScheduleView, interval_text, schedule_view
from pupline.console.web import Console, RequestBody, bad_request
from pupline.errors import ConfigurationError
from pupline.text import seconds_named, timestamp


def _interval(value: object) -> object:
    if not isinstance(value, str):
        return value
    found = seconds_named(value.strip())
    if found is None:
        raise ValueError("write a number of seconds, or 30m, 1h or 1d")
    return found


Interval = Annotated[
    float,
    BeforeValidator(_interval),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string"}], "examples": ["1h", 900]}),
]


class NewSchedule(RequestBody):
    """The schedule to make. every: seconds, or such as `1h`. source: a preset, a spec file or an API's base URL."""

    every: Interval
    count: int = Field(1, ge=1, le=1_000_000)
    source: str = Field("dog-ceo", min_length=1, max_length=2000)


class ScheduledRunModel(BaseModel):
    """What a due time led to. job, run: None where it was skipped, because the run before was not over."""

    due_at: str
    last_due_at: str
    run: str | None
    job: int | None
    missed: int
    status: str | None
    exit_code: int | None

    @classmethod
    def of(cls, run: ScheduledRun) -> "ScheduledRunModel":
        """The model of a run."""
        return cls(
            due_at=timestamp(run.due_at),
            last_due_at=timestamp(run.last_due_at),
            run=run.run,
            job=run.job,
            missed=run.missed,
            status=run.status,
            exit_code=run.exit_code,
        )


class ScheduleModel(BaseModel):
    """The schedule; `every` is None where there is none. next_at: None while it is paused."""

    every: float | None
    interval: str | None
    count: int | None
    source: str | None
    next_at: str | None
    is_paused: bool
    message: str | None = None
    runs: list[ScheduledRunModel]

    @classmethod
    def of(cls, view: ScheduleView, message: str | None = None) -> "ScheduleModel":
        """The model of a view."""
        found = view.schedule
        return cls(
            every=found.every if found else None,
            interval=interval_text(found.every) if found else None,
            count=found.count if found else None,
            source=found.source if found else None,
            next_at=timestamp(found.next_at) if found and not found.is_paused else None,
            is_paused=found.is_paused if found else False,
            message=message,
            runs=[ScheduledRunModel.of(run) for run in view.runs],
        )


def add_schedule(router: APIRouter, console: Console) -> None:
    """Add the schedule's routes."""

    def changed(message: str) -> ScheduleModel:
        return ScheduleModel.of(schedule_view(console), message)

    @router.get("/schedule")
    def show_schedule() -> ScheduleModel:
        """The schedule, its next run, and the last ones."""
        return ScheduleModel.of(schedule_view(console))

    @router.post("/schedule")
    def set_schedule(body: NewSchedule) -> ScheduleModel:
        """Make or replace the schedule."""
        if console.settings.stack is not None:
            raise bad_request("EventBridge Scheduler starts the runs of a stack: deploy it with ScheduleState=ENABLED")
        try:
            console.jobs.schedule.set(Schedule(body.every, body.count, body.source))
        except ConfigurationError as error:
            raise bad_request(str(error)) from error
        return changed("The schedule is set")

    @router.post("/schedule/pause")
    def pause_schedule() -> ScheduleModel:
        """Start nothing until it is resumed."""
        console.jobs.schedule.pause()
        return changed("The schedule is paused")

    @router.post("/schedule/resume")
    def resume_schedule() -> ScheduleModel:
        """Go on at the next due time."""
        console.jobs.schedule.resume()
        return changed("The schedule goes on")

    @router.delete("/schedule")
    def remove_schedule() -> ScheduleModel:
        """Remove the schedule."""
        console.jobs.schedule.remove()
        return changed("The schedule is removed")
