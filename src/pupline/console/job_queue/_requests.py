"""The commands behind the buttons. Values from outside come after `=` or `--`, so that none can become an option."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, fields

from pupline.console.job_queue._job import JobRequest
from pupline.text import plural

_INPUT = "--input=-"


def redrive(names: Sequence[str]) -> JobRequest:
    """Resume these executions at the state that did not succeed."""
    return JobRequest(("redrive", "--", *names), f"Redrive {_named(names, 'execution')}")


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


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Options of `pupline run`. None for the default, which is not written."""

    count: int = 1
    source: str | None = None
    breed: str | None = None
    image_url: str | None = None
    concurrency: int | None = None
    allow_origin: str | None = None
    run_id: str | None = None


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """Options of `pupline ingest`. None for the default, which is not written."""

    source: str
    dataset: str | None = None
    count: int | None = None
    breed: str | None = None
    concurrency: int | None = None
    rate: float | None = None
    tolerate: float | None = None
    allow_origin: str | None = None
    incremental: bool = False
    run_id: str | None = None
    workflow: bool = False
    dry_run: bool = False


def run(options: RunOptions) -> JobRequest:
    """Fetch new images, each by an execution."""
    what = options.image_url or f"{plural(options.count, 'image')} from {options.source or 'dog-ceo'}"
    return JobRequest(("run", *_options(options)), f"Fetch {what}")


def ingest(options: IngestOptions) -> JobRequest:
    """Fetch every image of a source; or list what would be fetched."""
    arguments = ("ingest", *_options(options, leave_out="source"), "--", options.source)
    verb = "Preview" if options.dry_run else "Ingest"
    return JobRequest(arguments, f"{verb} {options.source}", is_read_only=options.dry_run)


def dry_run(source: str, count: int) -> JobRequest:
    """List the first images of a source; nothing is stored."""
    arguments = ("sources", "test", f"--count={count}", "--", source)
    return JobRequest(arguments, f"Try {source}", is_read_only=True)


def next_step(arguments: str, options: str) -> JobRequest:
    """What `RunSummary.next_step` says. options: those at its end that name the backend."""
    words = shlex.split(arguments)
    own = len(words) - len(shlex.split(options))
    return JobRequest(tuple(words[:own]), f"{words[0].capitalize()} {words[own - 1]}")


def _options(options: RunOptions | IngestOptions, leave_out: str = "") -> tuple[str, ...]:
    found: list[str] = []
    for field in fields(options):
        value = getattr(options, field.name)
        if value is None or value is False or field.name == leave_out:
            continue
        name = f"--{field.name.replace('_', '-')}"
        found.append(name if value is True else f"{name}={_text(value)}")
    return tuple(found)


def _text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.15g}"


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
