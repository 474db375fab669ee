"""`pupline run`: executions of the workflow, one image each."""

from functools import partial
from typing import TYPE_CHECKING

import click

from pupline.cli._backend import backend_options
from pupline.cli._command import Command
from pupline.cli._options import concurrency_option, fetch_options, image_limit_options, json_option, param_option
from pupline.cli._run_view import show_run
from pupline.cli._workflow_option import own_workflow, workflow_option

if TYPE_CHECKING:
    from pupline.backends import Backend
    from pupline.http import Proxy


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
    sample_if_offline: bool,
    backend: "Backend",
    as_json: bool,
) -> int:
    """Fetch images, check, alert and audit them: one execution of the workflow for each.

    First finishes what a killed run left unfinished. Ctrl-C stops cleanly; the next run resumes what is unfinished.

    With --backend aws the executions run in the stack, with its own settings: --source and other options of this
    machine are refused. Ctrl-C then stops the waiting; executions on AWS continue.

    Exits with 1 when an execution failed, 2 when the options cannot work, 130 when it was interrupted.
    """
    from pupline.backends import RunRequest, RunSettings
    from pupline.sources import join_params

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
    return show_run(
        backend,
        lambda listener: backend.run(request, listener),
        nothing_done=lambda: "Nothing was started.",
        as_json=as_json,
    )
