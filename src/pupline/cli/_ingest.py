"""`pupline ingest`: a whole source, each image once, shown while it goes and summed up when it is done."""

import itertools
import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from pupline.cli._backend import backend_options, check_local, stack_name
from pupline.cli._command import Command
from pupline.cli._ingest_summary import NOTHING_TO_FETCH, ended_directly, given_data, incomplete, listing_trouble
from pupline.cli._ingest_view import IngestView
from pupline.cli._output import (
    data_option,
    json_option,
    max_pixels_option,
    message,
    metadata_address_option,
    print_json,
    program,
    proxy_option,
)
from pupline.cli._streams import SummaryOutput
from pupline.cli._trouble import work_kept
from pupline.errors import ConfigurationError
from pupline.tasks.layout import summary_key
from pupline.text import plural, printable

if TYPE_CHECKING:
    from pupline.bulk import IngestReport, IngestRequest, Preview

_Command = TypeVar("_Command", bound=Callable[..., Any])

_PREVIEWED = 20
"""Items that --dry-run shows people without --count; the rest would only scroll by."""

_EPILOG = """\b
SOURCE is one of
  a preset                      dog-ceo, the-cat-api, ...; see: pupline sources
  a description in a file       source.toml
  a Dog-CEO-compatible API      http://127.0.0.1:8099/api
  one image                     https://host/dog.jpg
  a list of addresses           urls.txt, urls.csv, urls.json, urls.parquet, s3://bucket/key
  standard input, a pipe        -, <(command), urls.fifo

\b
Exit codes:
  0    every image is there, or was known
  1    finished, but some failed or were refused; or the source stopped early
  2    usage or configuration
  3    stopped by --tolerate
  130  interrupted; the same command goes on

\b
Examples:
  pupline ingest sample
  pupline ingest dog-ceo --count 1000 --concurrency 16 --rate 10
  pupline ingest urls.txt --dataset cats --dry-run
  pupline ingest --resume --dataset cats
  pupline ingest --retry-failed 20261122-170000-ab12
"""

_OPTIONS = (
    click.option(
        "--count", type=click.IntRange(min=1), metavar="N", help="Images at most, each counted once. All by default."
    ),
    click.option("--dataset", metavar="NAME", help="Whose images they are. By default named after the source."),
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
        help="Of those, to one host. By default 8, and no such limit where you name the host or allow its origin.",
    ),
    click.option("--rate", type=float, metavar="R", help="Requests a second to one host, at most."),
    click.option("--retry-failed", metavar="RUN", help="Fetch again only what failed in that run. SOURCE is known."),
    click.option("--incremental", is_flag=True, help="Leave out addresses that the dataset has, without asking."),
    click.option(
        "--stop-after-known", type=click.IntRange(min=1), metavar="K", help="Stop listing after K known ones in a row."
    ),
    click.option("--tolerate", type=float, metavar="PCT", help="Stop when more than PCT % of the images failed."),
    click.option("--resume", is_flag=True, help="Go on with the dataset's unfinished run. SOURCE is known."),
    click.option(
        "--allow-origin",
        "allow_origins",
        multiple=True,
        metavar="ORIGIN",
        help="Another origin that may be private, such as http://127.0.0.1:9000. May be repeated.",
    ),
    metadata_address_option,
    proxy_option,
    click.option("--ignore-robots", is_flag=True, help="Do not heed robots.txt and X-Robots-Tag. Your own servers."),
    click.option(
        "--delimiter", metavar="C", help="Between the cells of a CSV list: a character, tab, none. Found out."
    ),
    click.option("--contact", envvar="PUPLINE_CONTACT", help="Address for the User-Agent (or PUPLINE_CONTACT)."),
    click.option(
        "--timeout",
        "timeout_seconds",
        type=float,
        metavar="S",
        default=30,
        show_default=True,
        help="Seconds per image.",
    ),
    click.option(
        "--max-bytes",
        type=click.IntRange(min=1),
        metavar="N",
        default=20 * 1024 * 1024,
        help="Bytes per image. By default 20 MiB.",
    ),
    max_pixels_option,
    click.option("--shards", "shard_size", type=click.IntRange(min=1), metavar="N", help="Also tars of N images each."),
    click.option("--sidecars", is_flag=True, help="Also a JSON file for each image."),
    click.option("--run-id", metavar="ID", help="Name the run; by default it is made from the time."),
    click.option("--workers", type=click.IntRange(1, 256), metavar="N", help="Processes that fetch. As many as serve."),
    click.option("--dry-run", is_flag=True, help="Show what would be fetched. No image is asked for, nothing is kept."),
    click.option("--workflow", is_flag=True, help="Through the BulkIngest state machine, here or with --backend aws."),
)


def _ingest_options(command: _Command) -> _Command:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@click.command(cls=Command, epilog=_EPILOG)
@click.argument("source", required=False)
@_ingest_options
@data_option
@backend_options
@json_option
def ingest(
    source: str | None,
    data_dir: Path,
    backend: str,
    stack: str | None,
    as_json: bool,
    dry_run: bool,
    workflow: bool,
    ignore_robots: bool,
    **asked: Any,
) -> int:
    """Fetch every image that SOURCE names, check, store and audit each, and write its metadata as JSONL and Parquet.

    Killed or interrupted at any instant, the same command goes on item by item. What was fetched before is asked for
    with its validators, and not sent again where the server says that it is unchanged.
    """
    from pupline.bulk import IngestRequest

    request = IngestRequest(source=source, heed_robots=not ignore_robots, **asked)
    if dry_run:
        return _dry_run(request, as_json=as_json)
    if backend == "aws":
        from pupline.cli._ingest_workflow import ingest_on_a_stack

        if not workflow:
            raise ConfigurationError("--backend aws goes with --workflow: a stack ingests through its state machine")
        return ingest_on_a_stack(stack_name(stack), request, as_json=as_json)
    check_local(stack)
    if workflow:
        from pupline.cli._ingest_workflow import ingest_through_the_workflow

        return ingest_through_the_workflow(data_dir, request, as_json=as_json)
    return _directly(request, data_dir, as_json=as_json)


def _directly(request: "IngestRequest", data_dir: Path, *, as_json: bool) -> int:
    from pupline.bulk import ingest as run_ingest

    with work_kept("the same command goes on"), IngestView(as_json=as_json) as view:
        report = run_ingest(data_dir, request, view.hear)
    output = SummaryOutput()
    with output:
        if as_json:
            print_json(_summary_of(report, data_dir))
        else:
            ended_directly(report, data_dir).show(view.examples)
    if report.trouble:
        message(listing_trouble(report))
    elif not report.counts.items and report.listed_complete:
        message(NOTHING_TO_FETCH)
    if report.interrupted:
        message(f"Interrupted; what is done is kept. Go on with: {_go_on(report.dataset, data_dir)}")
        return 130
    if report.tolerance_exceeded:
        return 3
    return output.exit_code(1 if report.unhad or report.trouble else 0)


def _go_on(dataset: str, data_dir: Path) -> str:
    return f"{program()} ingest --resume --dataset {shlex.quote(dataset)}{given_data(data_dir)}"


def _summary_of(report: "IngestReport", data_dir: Path) -> Mapping[str, Any]:
    """The run's summary.json; of a run that has not ended what is known so far."""
    written = data_dir / "buckets" / "dog-images" / summary_key(report.dataset, report.run_id)
    if report.status != "RUNNING" and written.is_file():
        found: dict[str, Any] = json.loads(written.read_bytes())
        return found
    counts = report.counts
    return {
        "run": report.run_id,
        "dataset": report.dataset,
        "status": report.status,
        "items": counts.items,
        "done": counts.done,
        "outcomes": dict(counts.outcomes),
        "reasons": dict(counts.reasons),
        "trouble": report.trouble,
    }


def _refuse_what_a_dry_run_cannot_tell(request: "IngestRequest") -> None:
    """A dry run looks at the source alone: what runs before it left, or know, it would show wrongly."""
    asked = {
        "--resume": request.resume,
        "--retry-failed": request.retry_failed,
        "--incremental": request.incremental,
        "--stop-after-known": request.stop_after_known,
    }
    for name, given in asked.items():
        if given:
            raise ConfigurationError(
                f"--dry-run shows what a source names, whatever was fetched before; leave {name} out"
            )


def _dry_run(request: "IngestRequest", *, as_json: bool) -> int:
    """Show what would be fetched: to people the first images and how many there are, to programs every one."""
    from pupline.bulk import preview
    from pupline.sources import piped_for_now

    _refuse_what_a_dry_run_cannot_tell(request)
    with piped_for_now(str(request.source)) as at_hand:
        return _previewed(preview(replace(request, source=at_hand)), request.count, as_json=as_json)


def _previewed(found: "Preview", count: int | None, *, as_json: bool) -> int:
    items = itertools.islice(found.items, count or (None if as_json else _PREVIEWED))
    shown = 0
    for item in items:
        shown += 1
        if as_json:
            print_json(item.as_dict())
        else:
            click.echo(printable(item.url, 2048))
    for note in found.notes:
        message(f"Note: {printable(note, 400)}")
    message(
        f"{_extent(shown, found.total, count or _PREVIEWED)} of {printable(found.source)} for the dataset "
        f"{found.dataset}. Nothing was fetched or kept."
    )
    if found.shortfall is None or shown == count:
        return 0
    message(incomplete(printable(found.shortfall, 400)))
    return 1


def _extent(shown: int, total: int | None, limit: int) -> str:
    if total is not None and shown < total:
        return f"{shown:,} of {plural(total, 'image')}"
    return plural(shown, "image") if shown < limit else f"The first {plural(shown, 'image')}"
