"""`pupline run` and `pupline resume`: the pipeline, shown while it goes and summed up when it is done."""

import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pupline.cli._backend import backend_options, check_local, stack_name
from pupline.cli._command import Command
from pupline.cli._output import (
    data_option,
    json_option,
    max_pixels_option,
    message,
    metadata_address_option,
    print_json,
    program,
    proxy_option,
    undelivered,
)
from pupline.cli._progress import RunProgress
from pupline.cli._streams import OutputLost, SummaryOutput
from pupline.cli._summary import Tally
from pupline.cli._trouble import work_kept
from pupline.errors import ConfigurationError
from pupline.text import plural, printable

if TYPE_CHECKING:
    from pupline.backends.machine import ExecutionResult, RunReport, RunSettings, StopRequested
    from pupline.http import Proxy
    from pupline.local import DriverEvent, UndeletedFiles

_concurrency_option = click.option(
    "--concurrency",
    type=click.IntRange(1, 256),
    default=8,
    show_default=True,
    help="Executions that run at the same time.",
)


@click.command(cls=Command)
@click.option("--count", type=click.IntRange(1, 1_000_000), default=1, show_default=True, help="Images to fetch.")
@_concurrency_option
@click.option(
    "--source",
    default="dog-ceo",
    show_default=True,
    help="A preset, a spec file, an API's base URL, an image's URL, or a list of URLs; see: pupline sources.",
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
@metadata_address_option
@proxy_option
@click.option("--timeout", "timeout_seconds", type=float, default=30.0, show_default=True, help="Seconds per request.")
@click.option("--max-bytes", type=click.IntRange(min=1), default=20 * 1024 * 1024, show_default=True, help="Per image.")
@max_pixels_option
@click.option("--sample-if-offline", is_flag=True, help="Where the source cannot be reached, say so and use sample.")
@data_option
@backend_options
@json_option
def run(
    count: int,
    concurrency: int,
    source: str,
    breed: str | None,
    image_url: str | None,
    run_id: str | None,
    allow_origins: tuple[str, ...],
    metadata_addresses: tuple[str, ...],
    proxy: "Proxy | None",
    timeout_seconds: float,
    max_bytes: int,
    max_pixels: int,
    sample_if_offline: bool,
    data_dir: Path,
    backend: str,
    stack: str | None,
    as_json: bool,
) -> int:
    """Fetch images, check, alert and audit them: one execution of the workflow for each.

    First finishes what a killed run left unfinished. Ctrl-C stops cleanly; what is unfinished goes on at the next run.

    With --backend aws the executions run in the stack, under its own settings: --source and what else belongs to this
    machine goes with the local backend alone. Ctrl-C then stops the waiting; what runs on AWS goes on.

    Exits with 1 when an execution failed, 2 when the options cannot work, 130 when it was interrupted.
    """
    view = RunView(as_json=as_json)
    if backend == "aws":
        from pupline.cli._run_aws import RunAsked, run_on_stack

        if image_url is not None and breed is not None:
            raise ConfigurationError("--image-url names one image and --breed a kind of images: give one of them")
        given = {"image_url": image_url, "breed": breed}
        return run_on_stack(stack_name(stack), view, RunAsked(count, concurrency, run_id, given))
    check_local(stack)
    from pupline.backends.machine import OneMachine, RunRequest, RunSettings

    settings = RunSettings(
        source, image_url, breed, allow_origins, timeout_seconds, max_bytes, metadata_addresses, max_pixels
    ).checked()
    if sample_if_offline:
        settings = _online_or_sample(settings, proxy)
    request = RunRequest(settings, count, run_id)
    go_on = f"go on with: {program()} resume{_given(data_dir)}"
    with work_kept(go_on), OneMachine.open(data_dir, concurrency, view.hear, proxy) as machine:
        unfinished = machine.unfinished
        if unfinished:
            message(f"Going on with {plural(unfinished, 'execution')} that an earlier run left unfinished.")
        with RunProgress(unfinished + machine.to_start(request)) as view.progress:
            report = machine.run(request)
    return conclude(report, view, data_dir)


@click.command(cls=Command)
@_concurrency_option
@proxy_option
@data_option
@json_option
def resume(concurrency: int, proxy: "Proxy | None", data_dir: Path, as_json: bool) -> int:
    """Finish what a stopped or killed run left unfinished, under the settings it was started with."""
    from pupline.backends.machine import OneMachine

    if not data_dir.is_dir():
        raise ConfigurationError(f"there is no data directory {data_dir}; nothing was ever started there")
    view = RunView(as_json=as_json)
    with (
        work_kept("the same command goes on"),
        OneMachine.open(data_dir, concurrency, view.hear, proxy) as machine,
        RunProgress(machine.unfinished) as view.progress,
    ):
        report = machine.resume()
    return conclude(report, view, data_dir)


class RunView:
    """What people and programs see while a run goes on."""

    def __init__(self, *, as_json: bool) -> None:
        self.progress: RunProgress | None = None
        self.tally = Tally()
        self.as_json = as_json

    def hear(self, event: "DriverEvent | ExecutionResult | StopRequested | UndeletedFiles") -> None:
        from pupline.backends.machine import ExecutionResult, StopRequested
        from pupline.local import ExecutionRefused, TaskAttemptFailed, UndeletedFiles

        if isinstance(event, ExecutionResult):
            self.tally.add(event)
            if self.as_json:
                self._print(event)
            if self.progress:
                self.progress.finished(event.outcome, event.image_name or event.execution, alert=event.alerted)
        elif isinstance(event, TaskAttemptFailed) and self.progress:
            self.progress.attempt_failed()
        elif isinstance(event, ExecutionRefused):
            message(f"pupline: {printable(event.execution)}: {printable(event.reason, 400)}")
        elif isinstance(event, UndeletedFiles):
            message(f"pupline: {event}")
        elif isinstance(event, StopRequested):
            # In a signal handler: the stream may be in use by the very code that was interrupted.
            os.write(2, b"\nStopping when what runs has ended, 30 seconds at most. Ctrl-C again: at once.\n")

    def _print(self, result: "ExecutionResult") -> None:
        try:
            print_json(result.as_dict())
        except OutputLost as lost:  # who wants the results of a run that nobody hears can have them later
            lost.go_on = "pupline resume"
            raise


def _online_or_sample(settings: "RunSettings", proxy: "Proxy | None") -> "RunSettings":
    from dataclasses import replace

    from pupline.backends.machine import is_reachable, source_of_run

    failure = is_reachable(source_of_run(settings.source), proxy)
    if failure is None:
        return settings
    name = "dog.ceo" if settings.source == "dog-ceo" else settings.source
    message(f"{name} cannot be reached from here; running on the built-in sample source instead.")
    return replace(settings, source="sample")


def conclude(report: "RunReport", view: RunView, data_dir: Path) -> int:
    """Show the summary to people; the exit code.

    130 when interrupted, 1 when an execution failed or could not go on, or the summary was lost, else 0.
    """
    output = SummaryOutput()
    if not view.as_json:
        with output:
            _summarise(report, view.tally, data_dir)
    if report.interrupted:
        message("Interrupted; what is unfinished is kept. Go on with: pupline resume")
        return 130
    return output.exit_code(1 if report.failed or report.refused else 0)


def _summarise(report: "RunReport", tally: Tally, data_dir: Path) -> None:
    if report.finished:
        tally.show(given=_given(data_dir), notes=tuple(_notes(report)))
    elif not report.interrupted and not report.refused:
        click.echo("Nothing was left unfinished.")


def _given(data_dir: Path) -> str:
    return "" if data_dir == Path("pupline-data") else f" --data {shlex.quote(str(data_dir))}"


def _notes(report: "RunReport") -> Iterator[str]:
    if report.leftovers:
        yield f"Also finished: {plural(report.leftovers, 'execution')} of earlier runs."
    if report.undelivered:
        yield undelivered(report.undelivered)
