"""`pupline run` and `pupline resume`: the pipeline, shown while it goes and summed up when it is done."""

import contextlib
import shlex
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pupline.cli._audit import alert_words
from pupline.cli._output import (
    OUTCOME_STYLES,
    cell,
    console,
    data_option,
    json_option,
    link,
    message,
    path_of,
    plural,
    print_json,
    program,
    size,
    table,
)
from pupline.cli._progress import RunProgress
from pupline.cli._streams import OutputLost
from pupline.errors import ConfigurationError
from pupline.text import printable

if TYPE_CHECKING:
    from pupline.local import DriverEvent
    from pupline.pipeline import ExecutionResult, RunReport, RunSettings

_ROWS = 24
_DEFAULT_CONCURRENCY = 8


@click.command()
@click.option("--count", type=click.IntRange(1, 1_000_000), default=1, show_default=True, help="Images to fetch.")
@click.option(
    "--concurrency",
    type=click.IntRange(1, 256),
    default=_DEFAULT_CONCURRENCY,
    show_default=True,
    help="Executions that run at the same time.",
)
@click.option(
    "--source",
    default="dog-ceo",
    show_default=True,
    help="dog-ceo, sample, sample-hostile, or the base URL of a Dog-CEO-compatible API.",
)
@click.option("--breed", help="Only this breed, such as hound or hound/afghan.")
@click.option("--image-url", help="Fetch this image, not a random one.")
@click.option("--run-id", help="Name the run: the same command again does what is missing to reach --count.")
@click.option(
    "--allow-origin",
    "allow_origins",
    multiple=True,
    metavar="ORIGIN",
    help="Another origin that may be private, such as http://127.0.0.1:9000. May be repeated.",
)
@click.option("--timeout", "timeout_seconds", type=float, default=30.0, show_default=True, help="Seconds per request.")
@click.option("--max-bytes", type=click.IntRange(min=1), default=20 * 1024 * 1024, show_default=True, help="Per image.")
@click.option("--sample-if-offline", is_flag=True, help="Where the source cannot be reached, say so and use sample.")
@data_option
@json_option
def run(
    count: int,
    concurrency: int,
    source: str,
    breed: str | None,
    image_url: str | None,
    run_id: str | None,
    allow_origins: tuple[str, ...],
    timeout_seconds: float,
    max_bytes: int,
    sample_if_offline: bool,
    data_dir: Path,
    as_json: bool,
) -> int:
    """Fetch images, check, alert and audit them: one execution of the workflow for each.

    First finishes what a killed run left unfinished. Ctrl-C stops cleanly; what is unfinished goes on at the next run.

    Exits with 1 when an execution failed, 2 when the options cannot work, 130 when it was interrupted.
    """
    from pupline.pipeline import OneMachine, RunRequest, RunSettings

    settings = RunSettings(source, image_url, breed, allow_origins, timeout_seconds, max_bytes).checked()
    if sample_if_offline:
        settings = _online_or_sample(settings)
    request = RunRequest(settings, count, run_id)
    view = _View(as_json=as_json)
    with OneMachine.open(data_dir, concurrency, view.hear) as machine:
        unfinished = machine.unfinished
        if unfinished:
            message(f"Going on with {plural(unfinished, 'execution')} that an earlier run left unfinished.")
        with RunProgress(unfinished + machine.to_start(request)) as view.progress:
            report = machine.run(request)
    if not as_json:
        _tell(report, data_dir)
    return _exit_code(report)


@click.command()
@click.option(
    "--concurrency",
    type=click.IntRange(1, 256),
    default=_DEFAULT_CONCURRENCY,
    show_default=True,
    help="Executions that run at the same time.",
)
@data_option
@json_option
def resume(concurrency: int, data_dir: Path, as_json: bool) -> int:
    """Finish what a stopped or killed run left unfinished, under the settings it was started with."""
    from pupline.pipeline import OneMachine

    if not data_dir.is_dir():
        raise ConfigurationError(f"there is no data directory {data_dir}; nothing was ever started there")
    view = _View(as_json=as_json)
    with OneMachine.open(data_dir, concurrency, view.hear) as machine, RunProgress(machine.unfinished) as view.progress:
        report = machine.resume()
    if not as_json:
        _tell(report, data_dir)
    return _exit_code(report)


class _View:
    """What people and programs see while a run goes on."""

    def __init__(self, *, as_json: bool) -> None:
        self.progress: RunProgress | None = None
        self._as_json = as_json

    def hear(self, event: "DriverEvent | ExecutionResult") -> None:
        from pupline.local import ExecutionRefused, TaskAttemptFailed
        from pupline.pipeline import ExecutionResult

        if isinstance(event, ExecutionResult):
            if self._as_json:
                self._print(event)
            if self.progress:
                self.progress.finished(event.outcome, event.image_name or event.execution, alert=event.alerted)
        elif isinstance(event, TaskAttemptFailed) and self.progress:
            self.progress.attempt_failed()
        elif isinstance(event, ExecutionRefused):
            message(f"pupline: {printable(event.execution)}: {printable(event.reason, 400)}")

    def _print(self, result: "ExecutionResult") -> None:
        try:
            print_json(result.as_dict())
        except OutputLost as lost:  # who wants the results of a run that nobody hears can have them later
            lost.work_left = True
            raise


def _online_or_sample(settings: "RunSettings") -> "RunSettings":
    from dataclasses import replace

    from pupline.fetch import resolve_source
    from pupline.pipeline import is_reachable

    failure = is_reachable(resolve_source(settings.source))
    if failure is None:
        return settings
    name = "dog.ceo" if settings.source == "dog-ceo" else settings.source
    message(f"{name} cannot be reached from here; running on the built-in sample source instead.")
    return replace(settings, source="sample")


def _exit_code(report: "RunReport") -> int:
    if report.interrupted:
        message("Interrupted; what is unfinished is kept. Go on with: pupline resume")
        return 130
    failed = any(result.status != "SUCCEEDED" for result in report.results)
    return 1 if failed or report.refused else 0


def _tell(report: "RunReport", data_dir: Path) -> None:
    """Show the summary; the exit code tells how the run went, also when nobody reads the summary."""
    with contextlib.suppress(OutputLost):
        if report.results:
            _summarise(report, data_dir)
        elif not report.interrupted and not report.refused:
            click.echo("Nothing was left unfinished.")


def _summarise(report: "RunReport", data_dir: Path) -> None:
    out = console()
    if report.results:
        out.print(_table_of(report.results))
    out.print(_counts(report))
    stored = next((r.record.image_url for r in report.results if r.outcome == "stored" and r.record), None)
    if stored:
        out.print(f"Pictures: {printable(str(Path(path_of(stored) or '').parent), 400)}")
    if report.leftovers:
        out.print(f"Also finished: {plural(report.leftovers, 'execution')} of earlier runs.")
    if report.undelivered:
        out.print(f"{report.undelivered} alert deliveries wait for the next run: pupline alerts")
    given = "" if data_dir == Path("pupline-data") else f" --data {shlex.quote(str(data_dir))}"
    first = report.results[0].execution if report.results else "NAME"
    out.print("Look next:")
    for command in ("insights", "audit", f"executions {first} --graph"):
        out.print(f"  {program()} {command}{given}")


def _table_of(results: "Iterable[ExecutionResult]") -> object:
    """The results that say most: everything of a short run; of a long one what alerted or failed, then the rest."""
    ordered = sorted(results, key=lambda result: result.execution)
    worth = [result for result in ordered if result.alerted or result.status != "SUCCEEDED"]
    rest = [result for result in ordered if not (result.alerted or result.status != "SUCCEEDED")]
    shown = ordered if len(ordered) <= _ROWS else (worth + rest)[:_ROWS]
    title = "" if len(shown) == len(ordered) else f"{len(shown)} of {len(ordered):,}, what alerted or failed first"
    rows = table(title, ["execution", "image", "type", "size", "outcome", "why", "alert"], right=["size"])
    for result in shown:
        record = result.record
        rows.add_row(
            cell(result.execution),
            link(result.image_name or "-", record.image_url if record else None),
            cell(record.file_type if record else None),
            cell(size(record.size_bytes if record else None)),
            cell(result.outcome, OUTCOME_STYLES[result.outcome]),
            cell(_why(result)),
            cell(alert_words(record) if record else ""),
        )
    return rows


def _why(result: "ExecutionResult") -> str:
    """The reason, and for a failure what happened, without the URL that it usually begins with."""
    record = result.record
    reason = record.reason if record else "internal_error"
    cause = result.cause or ""
    if record and record.source_url:
        cause = cause.removeprefix(f"{record.source_url}: ")
    return f"{reason}: {printable(cause, 70)}" if cause else reason


def _counts(report: "RunReport") -> "object":
    from rich.text import Text

    line = Text(f"{plural(len(report.results), 'image')}: ", style="bold")
    for outcome, style in OUTCOME_STYLES.items():
        count = sum(1 for result in report.results if result.outcome == outcome)
        if count:
            line.append(f"{count:,} {outcome}  ", style=style)
    alerted = sum(1 for result in report.results if result.alerted)
    line.append(plural(alerted, "alert"))
    return line
