"""What an export did, for people: where it is, what is in it, and what is missing and why."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from pupline.cli._output import message, program, size
from pupline.text import plural, printable

if TYPE_CHECKING:
    from pupline.datasets import ExportReport

_WORDS = {"list": ("Listed", "list", "in")}
_IMAGES_THEMSELVES = {"folders", "webdataset"}
_LABELS = 8
_EXAMPLES = 3
_PROBLEMS = {
    "gone": "no longer in the bucket",
    "changed": "changed in the bucket after being stored",
    "has_credentials": "with a key or a signature in their address (--with-credentials to publish it)",
    "not_strippable": "not to be stripped of Exif without decoding",
}


def show(report: "ExportReport", place: str, options: str, *, dry_run: bool) -> None:
    """Print the report on stdout; what is missing on stderr. place: where it goes, or would go. options: of the
    backend.
    """
    done, planned, to = _WORDS.get(report.format, ("Exported", "export", "to"))
    amount = f" ({size(report.size_bytes)})" if report.location is not None else ""
    images = plural(report.images, "image")
    verb = f"Would {planned}" if dry_run else done
    click.echo(f"{verb} {images}{amount} of the dataset {printable(report.dataset)} {to} {printable(place, 400)}")
    for line in _contents(report):
        click.echo(f"  {line}")
    for line in _missing(report, options):
        message(f"pupline: {line}")


def _contents(report: "ExportReport") -> Iterator[str]:
    if len(report.splits) > 1:
        yield "splits: " + ", ".join(f"{name} {count:,}" for name, count in report.splits.items())
    named = [(label, count) for label, count in report.labels.most_common() if label]
    if named:
        shown = ", ".join(f"{printable(label, 40)} {count:,}" for label, count in named[:_LABELS])
        more = f", and {len(named) - _LABELS:,} more" if len(named) > _LABELS else ""
        yield f"{plural(len(named), 'label')}: {shown}{more}"
    if unlabelled := report.labels.get("", 0):
        yield f"without a label: {unlabelled:,}"
    if unlicensed := report.licenses.get("", 0):
        yield f"without a licence: {unlicensed:,} of {report.images:,}, such as {printable(report.unlicensed[0], 100)}"
    if report.location is not None and (report.format in _IMAGES_THEMSELVES or report.removed):
        removed = f", {plural(report.removed, 'file')} removed" if report.removed else ""
        yield f"written now: {report.added:,}{removed}"
    if report.choice.repeated:
        yield f"other addresses with the same bytes: {report.choice.repeated:,}"
    if report.choice.filtered:
        unrated = f", of which {report.choice.unrated:,} lack a column of --where" if report.choice.unrated else ""
        yield f"left out by filters: {report.choice.filtered:,}{unrated}"
    if report.findings.without_image:
        yield f"addresses without a good image: {report.findings.without_image:,}"
    if report.choice.label_conflicts:
        examples = " and ".join(printable(url, 100) for url in report.choice.conflict_examples[0])
        yield f"the same bytes under different labels: {report.choice.label_conflicts:,}, such as {examples}"


def _missing(report: "ExportReport", options: str) -> Iterator[str]:
    """What keeps the export from being whole, with the next step."""
    if not report.images:
        yield "no image is left to export"
    for problem, count in report.left_out.items():
        examples = [one.key for one in report.examples if one.problem == problem][:_EXAMPLES]
        shown = ", ".join(printable(key, 100) for key in examples)
        yield f"left out, {_PROBLEMS[problem]}: {plural(count, 'image')}, such as {shown}"
    if report.left_out.keys() & {"gone", "changed"}:
        yield "ingest their source again to have them back"
    yield from report.trouble
    if report.trouble:
        on_stack = "--stack" in options
        again = "the command that began it, with its --run-id" if on_stack else f"{program()} resume{options}"
        yield f"an unfinished run is finished with: {again}"
