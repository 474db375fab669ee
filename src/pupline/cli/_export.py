"""`pupline export`: the clean dataset in one place."""

import re
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pupline.cli._backend import backend_options, was_typed
from pupline.cli._command import Command
from pupline.cli._count_line import CountLine
from pupline.cli._dataset_names import dataset_summaries
from pupline.cli._export_view import show
from pupline.cli._name_completion import complete_run
from pupline.cli._options import json_option, with_options
from pupline.cli._output import print_json
from pupline.cli._streams import SummaryOutput
from pupline.errors import ConfigurationError
from pupline.text import nearest, printable

if TYPE_CHECKING:
    from pupline.backends import Backend
    from pupline.datasets import ExportRequest, ExportTarget, Filters

_S3 = re.compile(r"s3://(?P<bucket>[^/]+)/(?P<prefix>.+)")
_NUMBER = click.IntRange(min=1)


def _filter_options(command: Any) -> Any:
    """Options that choose images; the command gets them by name."""
    return with_options(
        command,
        click.option("--label", "labels", multiple=True, metavar="L", help="Only this label. May be repeated."),
        click.option(
            "--type", "file_types", multiple=True, metavar="T", help="Only this type by content, such as jpg."
        ),
        click.option("--license", "licenses", multiple=True, metavar="L", help="Only this licence. May be repeated."),
        click.option("--min-width", type=_NUMBER, metavar="N", help="Only images of at least N pixels in width."),
        click.option("--min-height", type=_NUMBER, metavar="N", help="The same, in height."),
        click.option("--min-bytes", type=_NUMBER, metavar="N", help="Only files of at least N bytes."),
        click.option("--verified-only", is_flag=True, help="Only images with the hash that their list declares."),
        click.option("--where", metavar="EXPR", help="Only where this holds, such as 'blur < 0.5 and width >= 512'."),
    )


@click.command(cls=Command)
@click.argument("dataset")
@click.option("--to", "place", metavar="DIR", help="A directory, or s3://BUCKET/PREFIX. [default: exports/DATASET]")
@click.option(
    "--format",
    "form",
    type=click.Choice(["folders", "webdataset", "jsonl", "csv", "parquet"]),
    default="folders",
    show_default=True,
    help="Folders by label with metadata.jsonl, tar shards, or a table without the images.",
)
@click.option("--list", "list_file", metavar="FILE", help="Publish a list: FILE.csv, .jsonl or .parquet, for ingest.")
@click.option("--with-credentials", is_flag=True, help="With --list: also addresses with a key or signature in them.")
@click.option(
    "--run",
    "runs",
    multiple=True,
    metavar="ID",
    shell_complete=complete_run,
    help="Only what this run brought. May be repeated.",
)
@click.option("--split", metavar="P/P/P", help="Percent of train, validation and test, such as 90/5/5; or 80/20.")
@_filter_options
@click.option("--per-address", is_flag=True, help="An image for each address, even with the bytes of another.")
@click.option("--shard-size", type=_NUMBER, default=1000, show_default=True, metavar="N", help="Images in a shard.")
@click.option("--copy", is_flag=True, help="Copy images, never link them to the files of the data directory.")
@click.option("--strip-exif", is_flag=True, help="Cut Exif (with GPS), XMP and comments out of the images.")
@click.option("--dry-run", is_flag=True, help="Say what would be exported, and write nothing.")
@backend_options
@json_option
def export(
    dataset: str,
    place: str | None,
    form: Any,
    list_file: str | None,
    split: str | None,
    backend: "Backend",
    as_json: bool,
    dry_run: bool,
    copy: bool,
    **options: Any,
) -> int:
    """Put the clean dataset in one place, from all its runs: each good image once.

    \b
    Repeating the command updates the export: new images are added, those that
    are gone are removed. Files that the export did not make are never touched.

    \b
    Exit codes: 0 everything that was asked for, 1 something is missing, which
    the last lines say, 2 usage or configuration error.
    """
    from pupline.datasets import ExportRequest, Split, export_dataset, list_kind
    from pupline.parquet import require

    _check_together(form, list_file)
    request = ExportRequest(
        dataset=dataset,
        format="list" if list_file else form,
        list_kind=list_kind(Path(list_file)) if list_file else "jsonl",
        with_credentials=options["with_credentials"],
        filters=_filters(options),
        per_address=options["per_address"],
        shard_size=options["shard_size"],
        strip_exif=options["strip_exif"],
        **_runs(dataset_summaries(backend, dataset), options["runs"]),
    )
    request = replace(request, split=Split.parse(split)) if split else request
    if "parquet" in {request.format, request.list_kind if list_file else None}:
        require()  # before a file is made
    place = list_file or place or f"{backend.exports}/{dataset}"
    with ExitStack() as opened:
        progress = opened.enter_context(CountLine())
        target = None if dry_run else _target(place, request, backend, opened, link=not copy)
        report = export_dataset(backend.bucket(), request, target, progress)
    summary = SummaryOutput()
    with summary:
        if as_json:
            print_json(report.as_dict())
        else:
            show(report, place, backend.options, dry_run=dry_run)
    return summary.exit_code(0 if report.is_whole else 1)


def _runs(summaries: tuple[Mapping[str, Any], ...], runs: tuple[str, ...]) -> dict[str, Any]:
    """The chosen runs with their summaries. Raises: ConfigurationError for a run that the dataset does not have."""
    known = {str(summary["run"]): summary for summary in summaries}
    for run in runs:
        if run not in known:
            near = nearest(run, known)
            hint = f"did you mean {near}?" if near else "see: pupline runs"
            raise ConfigurationError(f"the dataset has no run '{printable(run, 80)}'; {hint}")
    return {"runs": frozenset(runs), "summaries": tuple(known[run] for run in runs) if runs else summaries}


def _check_together(form: str, list_file: str | None) -> None:
    """Raises: ConfigurationError for options that do not go together."""
    if was_typed("--shard-size") and form != "webdataset":
        raise ConfigurationError("--shard-size goes with --format webdataset")
    if was_typed("--strip-exif") and form not in {"folders", "webdataset"}:
        raise ConfigurationError(f"--strip-exif goes with images; --format {form} has none")
    if list_file is None:
        if was_typed("--with-credentials"):
            raise ConfigurationError("--with-credentials goes with --list")
        return
    for option in ("--to", "--format", "--split", "--copy", "--strip-exif"):
        if was_typed(option):
            raise ConfigurationError(f"{option} does not go with --list, which writes one file of addresses")


def _filters(options: Mapping[str, Any]) -> "Filters":
    from pupline.datasets import Filters, parse_where

    return Filters(
        labels=frozenset(label.casefold() for label in options["labels"]),
        file_types=frozenset(_file_type(name) for name in options["file_types"]),
        licenses=frozenset(name.casefold() for name in options["licenses"]),
        min_width=options["min_width"] or 0,
        min_height=options["min_height"] or 0,
        min_bytes=options["min_bytes"] or 0,
        verified_only=options["verified_only"],
        where=parse_where(options["where"]) if options["where"] is not None else None,
    )


def _file_type(name: str) -> str:
    """The type of that name. Raises: ConfigurationError."""
    from pupline.images import IMAGE_TYPES

    found = {"jpeg": "jpg", "tif": "tiff"}.get(name.lower(), name.lower()).removeprefix(".")
    if found not in IMAGE_TYPES:
        raise ConfigurationError(f"--type '{printable(name, 40)}': images are of the types {', '.join(IMAGE_TYPES)}")
    return found


def _target(
    place: str, request: "ExportRequest", backend: "Backend", opened: ExitStack, *, link: bool
) -> "ExportTarget":
    """Where the export goes. Raises: ConfigurationError for a bucket that is not the backend's."""
    from pupline.datasets import ExportDirectory, ExportHeader, ExportPrefix, ListFile

    _check_outside_of_data(place, backend.exports, request.dataset)
    if request.format == "list":
        return opened.enter_context(ListFile(Path(place).expanduser()))

    header = ExportHeader(request.dataset, request.format)
    if not place.startswith("s3://"):
        return opened.enter_context(ExportDirectory(Path(place).expanduser(), header, link=link))
    found = _S3.fullmatch(place.rstrip("/"))
    if found is None or found["bucket"] != backend.bucket_name:
        raise ConfigurationError(
            f"--to {printable(place, 400)}: exports go to a directory, or to s3://{backend.bucket_name}/PREFIX"
        )
    if not found["prefix"].startswith("exports/"):
        raise ConfigurationError(
            f"--to {printable(place, 400)}: in the bucket, exports go below exports/, such as"
            f" s3://{backend.bucket_name}/exports/{printable(request.dataset)}"
        )
    store = opened.enter_context(backend.writable_bucket())
    return opened.enter_context(ExportPrefix(store, found["prefix"], header, place.rstrip("/")))


def _check_outside_of_data(place: str, exports: str, dataset: str) -> None:
    """Raises: ConfigurationError for a place among the files of the data directory, where nobody else may write."""
    if place.startswith("s3://") or exports.startswith("s3://"):
        return
    chosen, data = Path(place).expanduser().resolve(), Path(exports).resolve().parent
    if chosen == data or chosen.is_relative_to(data / "buckets"):
        raise ConfigurationError(
            f"{printable(place, 400)} is in the data directory, among its own files; choose another place, such as"
            f" {printable(exports, 400)}/{printable(dataset)}"
        )
