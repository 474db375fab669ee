"""`pupline ingest`: a whole source, each image once, with its progress and a summary."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from pupline.cli._backend import backend_options, typed_options
from pupline.cli._columns_view import column_lines, column_objects
from pupline.cli._command import Command
from pupline.cli._ingest_summary import incomplete
from pupline.cli._ingesting import ingest_and_show
from pupline.cli._listed import can_be_fetched, nothing_usable
from pupline.cli._name_completion import complete_run
from pupline.cli._options import (
    contact_option,
    delimiter_option,
    fetch_options,
    image_limit_options,
    json_option,
    param_option,
    with_options,
)
from pupline.cli._output import message, print_json, tell_waiting
from pupline.cli._workflow_option import own_workflow, workflow_option
from pupline.errors import ConfigurationError
from pupline.text import plural, printable

if TYPE_CHECKING:
    from pupline.backends import Backend
    from pupline.bulk import IngestRequest

_PREVIEWED = 20
"""Items that --dry-run prints for people without --count."""

_COUNTED = 1_000_000
"""Items among which --dry-run counts the distinct ones; of more the count would take too much memory."""

_EPILOG = """\b
SOURCE is one of
  a preset                      dog-ceo, the-cat-api, ...; see: pupline sources
  a spec file                   source.toml
  a Dog-CEO-compatible API      http://127.0.0.1:8099/api
  one image                     https://host/dog.jpg
  a list of URLs                urls.txt, urls.csv, urls.json, urls.parquet, s3://bucket/key
  standard input, a pipe        -, <(command), urls.fifo

\b
Exit codes:
  0    every image is in the dataset
  1    finished, but some failed or were refused; or the listing is incomplete
  2    usage or configuration error
  3    stopped by --tolerate
  130  interrupted; the same command continues

\b
Examples:
  pupline ingest sample
  pupline ingest dog-ceo --count 1000 --concurrency 16 --rate 10
  pupline ingest urls.txt --dataset cats --dry-run
  pupline ingest --resume --dataset cats
  pupline ingest --retry-failed 20261122-170000-ab12
"""

_OPTIONS = (
    param_option,
    click.option("--breed", "breeds", multiple=True, metavar="B", help="Only this breed of dog-ceo. May be repeated."),
    click.option(
        "--count",
        type=click.IntRange(min=1),
        metavar="N",
        help="N distinct images; if the source has fewer, exit code 1. [default: all]",
    ),
    click.option("--dataset", metavar="NAME", help="The dataset of the images. [default: named after the source]"),
    click.option(
        "--concurrency",
        type=click.IntRange(1, 1024),
        metavar="C",
        default=32,
        show_default=True,
        help="Requests at the same time, in all.",
    ),
    click.option(
        "--host-concurrency",
        type=click.IntRange(1, 1024),
        metavar="N",
        help="Requests at a time to one host. Default 8; unlimited for hosts that you name or allow.",
    ),
    click.option("--rate", type=float, metavar="R", help="Requests a second to one host, at most."),
    click.option(
        "--retry-failed",
        metavar="RUN",
        shell_complete=complete_run,
        help="Fetch again only what failed in that run (give no SOURCE).",
    ),
    click.option("--incremental", is_flag=True, help="Skip URLs that the dataset has, without a request."),
    click.option(
        "--stop-after-known", type=click.IntRange(min=1), metavar="K", help="Stop listing after K known URLs in a row."
    ),
    click.option("--tolerate", type=float, metavar="PCT", help="Stop when more than PCT % of the images failed."),
    click.option("--resume", is_flag=True, help="Resume the dataset's unfinished run (give no SOURCE)."),
    fetch_options,
    image_limit_options,
    click.option("--ignore-robots", is_flag=True, help="Ignore robots.txt and X-Robots-Tag, for your own servers."),
    delimiter_option,
    contact_option,
    click.option(
        "--shards", "shard_size", type=click.IntRange(min=1), metavar="N", help="Also write tar files of N images each."
    ),
    click.option("--sidecars", is_flag=True, help="Also write a JSON file for each image."),
    click.option("--run-id", metavar="ID", help="Name of the run. [default: made from the time]"),
    click.option(
        "--workers", type=click.IntRange(1, 256), metavar="N", help="Worker processes. Chosen automatically by default."
    ),
    click.option(
        "--shard", metavar="I/N", help="Only the images of this machine's hosts, of N machines. See docs/scale.md."
    ),
    click.option("--dry-run", is_flag=True, help="List what would be fetched; fetch no image, store nothing."),
    click.option("--workflow", is_flag=True, help="Through the BulkIngest state machine, here or with --backend aws."),
    workflow_option,
)


def _ingest_options(command: Callable[..., Any]) -> Callable[..., Any]:
    return with_options(command, *_OPTIONS)


@click.command(cls=Command, epilog=_EPILOG)
@click.argument("source", required=False)
@_ingest_options
@backend_options
@json_option
def ingest(
    source: str | None,
    backend: "Backend",
    as_json: bool,
    dry_run: bool,
    workflow: bool,
    ignore_robots: bool,
    params: dict[str, str],
    **options: Any,
) -> int:
    """Fetch every image that SOURCE names, check, store and audit each, and write its metadata as JSONL and Parquet.

    Killed or interrupted at any instant, the same command continues item by item. Images that were fetched before are
    requested with their validators, and not sent again where the server says that they are unchanged.
    """
    from pupline.bulk import IngestRequest
    from pupline.sources import join_params

    if source is None and (params or options["breeds"]):
        raise ConfigurationError("--param and --breed say which images of a SOURCE: name it")
    source = None if source is None else join_params(source, params)
    request = IngestRequest(source=source, heed_robots=not ignore_robots, given=typed_options(), **options)
    workflow_file = own_workflow(request.workflow_file, resumed=request.resume or bool(request.retry_failed))
    request = replace(request, workflow_file=workflow_file)
    if dry_run:
        return _dry_run(request, as_json=as_json)
    return ingest_and_show(backend, request, workflow=workflow, as_json=as_json)


def _dry_run(request: "IngestRequest", *, as_json: bool) -> int:
    """List what would be fetched: the first images and their number for people, every one with --json."""
    from pupline.bulk import preview
    from pupline.sources import piped_for_now

    _refuse_memory(request)
    with piped_for_now(str(request.source)) as file:
        found = preview(replace(request, source=file), tell_waiting)
        shown = usable = 0
        identities = set()
        for item in itertools.islice(found.items, None if as_json or request.count else _PREVIEWED):
            shown += 1
            usable += can_be_fetched(item)
            if request.count or shown <= _COUNTED:
                identities.add(item.identity)
            if as_json:
                print_json(item.as_dict())
            else:
                click.echo(printable(item.url, 2048))
    if as_json and found.columns:
        print_json({"columns": column_objects(found.columns)})
    for note in found.notes:
        message(f"Note: {printable(note, 400)}")
    for line in () if as_json else column_lines(found.columns):
        message(line)
    extent = plural(shown, "URL")
    if found.total is not None and shown < found.total:
        extent = f"{shown:,} of {plural(found.total, 'URL')}"
    elif found.total is None and shown >= (request.count or (shown + 1 if as_json else _PREVIEWED)):
        extent = f"The first {extent}"
    if len(identities) < shown and (request.count or shown <= _COUNTED):
        extent += f" ({len(identities):,} distinct)"
    message(f"{extent} of {printable(found.source)} for the dataset {found.dataset}. Nothing was fetched or stored.")
    if found.other_shards:
        message(f"{plural(found.other_shards, 'URL')} of other shards' hosts left out.")
    if shown and not usable:
        message(nothing_usable(shown))
        return 1
    if found.shortfall is None or len(identities) == request.count:
        return 0
    message(incomplete(printable(found.shortfall, 400)))
    return 1


def _refuse_memory(request: "IngestRequest") -> None:
    """Raises: ConfigurationError for options that look at earlier runs."""
    for option in ("resume", "retry_failed", "incremental", "stop_after_known"):
        if getattr(request, option):
            name = option.replace("_", "-")
            raise ConfigurationError(
                f"--dry-run shows what a source lists, not what earlier runs did; leave --{name} out"
            )
