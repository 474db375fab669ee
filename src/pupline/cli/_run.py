"""`pupline run`: executions of the workflow, one image each."""

import json
from functools import partial
from typing import TYPE_CHECKING

import click

from pupline.cli._backend import backend_options, was_typed
from pupline.cli._command import Command
from pupline.cli._json_option import json_value
from pupline.cli._options import concurrency_option, fetch_options, image_limit_options, json_option, param_option
from pupline.cli._run_view import show_run
from pupline.cli._workflow_option import own_workflow, workflow_option

if TYPE_CHECKING:
    from pupline.backends import Again, Backend, RunRequest
    from pupline.http import Proxy

_DECIDED = (
    "--count",
    "--source",
    "--param",
    "--breed",
    "--image-url",
    "--allow-origin",
    "--allow-metadata-address",
    "--timeout",
    "--max-bytes",
    "--max-pixels",
    "--workflow-file",
    "--sample-if-offline",
)
"""What an execution that runs again has from its run."""


@click.command(cls=Command)
@click.option("--count", type=click.IntRange(1, 1_000_000), default=1, show_default=True, help="Images to fetch.")
@concurrency_option
@click.option(
    "--source",
    default="dog-ceo",
    show_default=True,
    help="A preset, a spec file, an API's base URL, an image's URL, or a list of URLs; it must give one image at"
    " a time. See: pupline sources.",
)
@param_option
@click.option(
    "--breed",
    "breeds",
    multiple=True,
    metavar="B",
    help="Only this breed, such as hound or hound/afghan. May be repeated: executions take them in turn.",
)
@click.option("--image-url", help="Fetch this image, not a random one.")
@click.option("--run-id", help="Name the run: the same command again starts only what is missing to reach --count.")
@partial(fetch_options, timeout_help="Seconds per request, at most 70. [default: 30]")
@image_limit_options
@workflow_option
@click.option("--again", metavar="NAME", help="Run this execution again, as a new one of the same definition.")
@click.option("--from", "state", metavar="STATE", help="With --again: begin at this state, as it was last entered.")
@click.option(
    "--input", "edited", metavar="JSON", help="With --again: this input instead: JSON, @FILE, or - for stdin."
)
@click.option("--sample-if-offline", is_flag=True, help="If the source cannot be reached, use the sample source.")
@backend_options
@json_option
def run(
    count: int,
    concurrency: int,
    source: str,
    params: dict[str, str],
    breeds: tuple[str, ...],
    image_url: str | None,
    run_id: str | None,
    allow_origins: tuple[str, ...],
    metadata_addresses: tuple[str, ...],
    proxy: "Proxy | None",
    timeout_seconds: float,
    max_bytes: int,
    max_pixels: int,
    workflow_file: str | None,
    again: str | None,
    state: str | None,
    edited: str | None,
    sample_if_offline: bool,
    backend: "Backend",
    as_json: bool,
) -> int:
    """Fetch images, check, alert and audit them: one execution of the workflow for each.

    First finishes what a killed run left unfinished. Ctrl-C stops cleanly; the next run resumes what is unfinished.

    With --backend aws the executions run in the stack, with its own settings: --source and other options of this
    machine are refused. Ctrl-C then stops the waiting; executions on AWS continue.

    With --again an execution runs again, whatever became of it: with the definition and settings that it had, under a
    name and with a record of its own. Nothing else is resumed or started.

    Exits with 1 when an execution failed, 2 when the options cannot work, 130 when it was interrupted.
    """
    from pupline.backends import RunRequest, RunSettings
    from pupline.sources import join_params

    if again is None and (state is not None or edited is not None):
        raise click.UsageError("--from and --input go with --again NAME, the execution to run again")
    if again is not None:
        request = RunRequest(RunSettings(), run_id=run_id, proxy=proxy, again=_again(again, state, edited))
        return _show(backend, request, as_json=as_json)
    breeds = tuple(dict.fromkeys(breeds))
    settings = RunSettings(
        join_params(source, params),
        image_url,
        breeds[0] if len(breeds) == 1 else None,
        allow_origins,
        timeout_seconds,
        max_bytes,
        metadata_addresses,
        max_pixels,
        breeds if len(breeds) > 1 else (),
        own_workflow(workflow_file),
    )
    request = RunRequest(settings, count, concurrency, run_id, sample_if_offline, proxy)
    return _show(backend, request, as_json=as_json)


def _again(name: str, state: str | None, edited: str | None) -> "Again":
    """Raises: click.UsageError for options that the execution has already decided; ConfigurationError."""
    from pupline.backends import Again

    for option in _DECIDED:
        if was_typed(option):
            raise click.UsageError(f"{option} does not go with --again: the execution keeps the settings of its run")
    text = None if edited is None else json.dumps(json_value(edited, "--input"))
    return Again(name, state, text)


def _show(backend: "Backend", request: "RunRequest", *, as_json: bool) -> int:
    return show_run(
        backend,
        lambda listener: backend.run(request, listener),
        nothing_done=lambda: "Nothing was started.",
        as_json=as_json,
    )
