"""An export from beginning to end: the rows, the plan, the images, the tables."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from pupline.datasets._objects import BucketObjects, ImageBytes, MissingImage
from pupline.datasets.export._forms import (
    TABLE_WRITERS,
    ExportForm,
    ExportFormat,
    Folders,
    Shards,
    TableAlone,
    metadata_kind,
)
from pupline.datasets.export._images import Prepare, checked_images, listed_images
from pupline.datasets.export._list import LIST_WRITERS, ListKind, has_credentials
from pupline.datasets.export._plan import ExportPlan, PlannedSample
from pupline.datasets.export._report import ExportReport, LeftOut
from pupline.datasets.export._target import ExportTarget
from pupline.datasets.selection import EVERYTHING, WHOLE, Choice, Filters, GoodRows, MetadataFindings, Row, Split
from pupline.datasets.training import FETCH_COLUMNS, SchemaScan
from pupline.images import without_private_metadata
from pupline.tasks.ports import ObjectStore
from pupline.text import plural, printable

Progress: TypeAlias = Callable[[str, int, int | None], None]
"""Called now and then: what is being counted, how many so far, of how many."""

_EXAMPLES = 5
_TABLES = frozenset({"jsonl", "csv", "parquet"})
_OF_EXIF = frozenset({"has_exif", "has_gps", "camera", "taken_at"})
"""Columns of the quality pass that say what was in the Exif part of the stored image."""

_WITH_IMAGES = frozenset({"folders", "webdataset"})
_NOT_IN_ROWS = FETCH_COLUMNS | {"run"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportRequest:
    """What to export. runs: whose rows count; all if empty. per_address: a sample for each address, not one for
    identical bytes. shard_size: images a shard. strip_exif: write images without Exif, XMP and IPTC data. list_kind: of
    a list, whose addresses have no credentials unless with_credentials says so. summaries: of these runs, as
    summary.json has them; of unfinished ones as far as they are known.
    """

    dataset: str
    runs: frozenset[str] = frozenset()
    format: ExportFormat = "folders"
    filters: Filters = EVERYTHING
    split: Split = WHOLE
    per_address: bool = False
    shard_size: int = 1000
    strip_exif: bool = False
    list_kind: ListKind = "jsonl"
    with_credentials: bool = False
    summaries: tuple[Mapping[str, Any], ...] = ()


def export_dataset(
    store: ObjectStore, request: ExportRequest, target: ExportTarget | None, progress: Progress = lambda *_: None
) -> ExportReport:
    """Export a dataset. target: entered already; None to say only what would be exported.

    Raises: ConfigurationError, also for a column in `--where` that does not exist; StorageError.
    """
    objects = BucketObjects(store)
    with ExitStack() as opened:
        reading = GoodRows.read(objects, request.dataset, lambda n: progress("rows read", n, None), request.runs)
        rows = opened.enter_context(reading)
        plan = ExportPlan(SchemaScan(_left_out_columns(request)))
        opened.callback(plan.close)
        report = _planned(rows, plan, request)
        if target is not None:
            report.location = target.location
        if target is None or not plan.count:
            return report
        form = _form(request, target, plan, opened)
        target.begin(form.paths(plan))
        report.begin(request.split.names)
        for done, (sample, image) in enumerate(_images(objects, plan, request), 1):
            row = rows.row(sample.address_id)
            if isinstance(image, MissingImage):
                report.leave_out(LeftOut(row["url"], image.key, image.problem))
            else:
                form.add(sample, _exported_row(row, image, request), image)
                report.add(sample.split, row)
                report.size_bytes += len(image.body) or row.get("size_bytes") or 0
            progress("images", done, plan.count)
        form.finish()
        report.removed, report.added = target.finish(), target.added
    return report


def _left_out_columns(request: ExportRequest) -> frozenset[str]:
    """Columns that the rows do not have."""
    found = _NOT_IN_ROWS - {"image_url"} if request.format in _TABLES else _NOT_IN_ROWS
    return found | _OF_EXIF if request.strip_exif else found


def _planned(rows: GoodRows, plan: ExportPlan, request: ExportRequest) -> ExportReport:
    """Fill the plan; the report as far as it is known without the images."""
    choice = Choice(request.filters, request.split, per_address=request.per_address)
    report = ExportReport(dataset=request.dataset, format=request.format, addresses=rows.count)
    report.begin(request.split.names)
    for sample in choice.samples(rows.by_content()):
        if request.format == "list" and not request.with_credentials and has_credentials(sample.row["url"]):
            shown = sample.row["url"].partition("?")[0].rpartition("@")[2]
            report.leave_out(LeftOut(f"{shown}?...", sample.keys[0], "has_credentials"))
            continue
        row = sample.row | _added_columns(request, sample.row["sha256"])
        plan.add(replace(sample, row=row), is_one_of_many=request.per_address)
        report.add(sample.split, row)
    choice.check_names(has_quality=rows.findings.has_quality)
    plan.finish()
    report.choice, report.findings = choice.counts, rows.findings
    report.trouble = tuple(_trouble(rows.findings, request.summaries))
    return report


def _form(request: ExportRequest, target: ExportTarget, plan: ExportPlan, opened: ExitStack) -> ExportForm:
    schema = plan.schema()
    if request.format == "folders":
        return Folders(target, schema, opened, metadata_kind(schema, plan.sizes()))
    if request.format == "webdataset":
        return Shards(target, schema, opened, request.shard_size)
    if request.format == "list":
        return TableAlone(target, schema, opened, name="list", writer=LIST_WRITERS[request.list_kind])
    name = f"{{split}}.{request.format}"
    return TableAlone(target, schema, opened, name=name, writer=TABLE_WRITERS[request.format])


def _images(
    objects: BucketObjects, plan: ExportPlan, request: ExportRequest
) -> Iterator[tuple[PlannedSample, ImageBytes | MissingImage]]:
    """The samples with their images; with empty ones where neither the form nor a directory needs them to be read."""
    if request.format in _WITH_IMAGES or objects.is_directory:
        return checked_images(objects, plan.samples(), _preparation(request))
    return listed_images(objects, plan.samples())


def _preparation(request: ExportRequest) -> Prepare:
    def strip(sample: PlannedSample, image: ImageBytes) -> ImageBytes | MissingImage:
        body = without_private_metadata(image.body, sample.file_type)
        if body is None:
            return MissingImage(sample.keys[0], "not_strippable")
        return image if body is image.body else ImageBytes(body, None)

    return strip if request.strip_exif else lambda _sample, image: image


def _added_columns(request: ExportRequest, sha256: str) -> dict[str, Any]:
    """Columns of the export itself. The final values come later; the schema needs only their kinds."""
    return {
        **({"file_name": "..."} if request.format == "folders" else {}),
        **({"exported_sha256": sha256} if request.strip_exif else {}),
    }


def _exported_row(row: Row, image: ImageBytes, request: ExportRequest) -> Row:
    if not request.strip_exif:
        return row
    return row | {"exported_sha256": hashlib.sha256(image.body).hexdigest()}


def _trouble(findings: MetadataFindings, summaries: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Why the metadata may not hold all of the dataset, a line for each reason."""
    known = set()
    for summary in summaries:
        run, done = str(summary.get("run")), summary.get("done")
        known.add(run)
        rows = findings.rows.get(run, 0)
        if summary.get("status") == "RUNNING":
            yield f"run {printable(run)} is unfinished: {plural(rows, 'of its images is', 'of its images are')} known"
        elif isinstance(done, int) and rows < done:
            yield f"run {printable(run)}: its metadata has {rows:,} of {plural(done, 'row')}; the rest is not exported"
    for run in sorted(findings.rows.keys() - known):
        yield f"run {printable(run)} is unfinished, or its summary.json is gone"
    for key in findings.unreadable[:_EXAMPLES]:
        yield f"{printable(key, 400)} is gone or cannot be read"
    if len(findings.unreadable) > _EXAMPLES:
        yield f"{len(findings.unreadable) - _EXAMPLES:,} more metadata files are gone or cannot be read"
    if findings.broken_lines:
        yield f"{plural(findings.broken_lines, 'line')} of metadata cannot be read"
