"""The schedule as its page and the API show it, on one machine and on a stack."""

import shlex
from dataclasses import dataclass

from pupline.console.job_queue import DEFAULT_SOURCE, Schedule, ScheduledRun
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
    words = ["pupline", "serve", "--every", interval_text(shown.every)]
    words += ["--count", str(shown.count)] if shown.count != 1 else []
    words += ["--source", shown.source] if shown.source != DEFAULT_SOURCE else []
    return ScheduleView(found, console.jobs.schedule.runs(), shlex.join([*words, *console.settings.arguments]))


def interval_text(seconds: float) -> str:
    """An interval as --every takes it: `90s`, `15m`, `1h`, `2d`."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size:.0f}{unit}"
    return f"{seconds:g}s"
