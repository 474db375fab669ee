"""Where a console keeps its jobs, and on what they act."""

from urllib.parse import quote

from pupline.console.job_queue import JobSettings
from pupline.console.web._settings import ConsoleSettings


def job_settings(settings: ConsoleSettings) -> JobSettings:
    """Jobs are kept in the data directory; those for a stack in a part of it."""
    if settings.stack is None:
        return JobSettings.of_machine(settings.data_dir, settings.arguments)
    state = settings.data_dir / "console" / "stacks" / quote(settings.stack, safe="")
    return JobSettings.of_stack(state, settings.arguments)
