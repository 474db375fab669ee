"""The commands behind the buttons. Values from outside stand after `=` or `--`, so none can become an option."""

from collections.abc import Sequence

from pupline.console.job_queue._job import JobRequest
from pupline.text import plural

_INPUT = "--input=-"


def redrive(names: Sequence[str]) -> JobRequest:
    """Resume these executions at the state that did not succeed."""
    return JobRequest(("redrive", "--", *names), f"Redrive {_named(names, 'execution')}")


def redrive_failed(run: str) -> JobRequest:
    """Redrive all executions of a run that failed, timed out or were aborted."""
    return JobRequest(("redrive", "--failed", f"--run={run}"), f"Redrive what failed of {run}")


def stop(names: Sequence[str]) -> JobRequest:
    """End these executions or runs."""
    return JobRequest(("stop", "--", *names), f"Stop {_named(names, 'execution')}")


def run_again(name: str, *, state: str | None = None, edited: str | None = None) -> JobRequest:
    """Start a new execution of the same definition.

    state: begin at this top-level state, as the execution entered it. edited: JSON, instead of the input it had then.
    """
    begin = () if state is None else (f"--from={state}",)
    given = () if edited is None else (_INPUT,)
    where = "" if state is None else f" from {state}"
    return JobRequest(("run", f"--again={name}", *begin, *given), f"Run {name} again{where}", input=edited)


def resume(run: str | None = None) -> JobRequest:
    """Finish what is unfinished, of a run or of all."""
    chosen = () if run is None else (f"--run={run}",)
    return JobRequest(("resume", *chosen), f"Resume {run or 'what is unfinished'}")


def discard(run: str) -> JobRequest:
    """Remove a run with its files, and the images that nothing else needs."""
    return JobRequest(("discard", "--yes", "--", run), f"Discard {run}")


def retry_alerts(message_ids: Sequence[str]) -> JobRequest:
    """Deliver alerts that wait now, and try once more what was given up, of these alerts or of all."""
    chosen = [f"--alert={message_id}" for message_id in message_ids]
    title = "Retry alerts" if not chosen else f"Retry {plural(len(chosen), 'alert')}"
    return JobRequest(("alerts", "--retry", *chosen), title)


def _named(names: Sequence[str], noun: str) -> str:
    return names[0] if len(names) == 1 else plural(len(names), noun)
