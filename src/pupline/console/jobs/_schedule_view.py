"""The schedule as its page and the API show it, on one machine and on a stack."""

from dataclasses import dataclass

from pupline.console.job_queue import Schedule, ScheduledRun
from pupline.console.web import Console


@dataclass(frozen=True, slots=True)
class ScheduleView:
    """schedule: None where there is none. runs: newest first. command: starts the console with it."""

    schedule: Schedule | None
    runs: list[ScheduledRun]
    command: str


def schedule_view(console: Console) -> ScheduleView:
    """The schedule of this console. Raises: LocalTrouble."""
    found = console.jobs.schedule.find()
    shown = found or Schedule(3600.0)
    options = [f"--every {interval_text(shown.every)}"]
    options += [f"--count {shown.count}"] if shown.count != 1 else []
    options += [f"--source {shown.source}"] if shown.source != "dog-ceo" else []
    return ScheduleView(found, console.jobs.schedule.runs(), f"pupline serve {' '.join(options)}")


def interval_text(seconds: float) -> str:
    """An interval as --every takes it: `90s`, `15m`, `1h`, `2d`."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size:.0f}{unit}"
    return f"{seconds:g}s"
