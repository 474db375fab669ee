"""What a quality pass found, for people: counts, and the worst examples with their names."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pupline.cli._output import message
from pupline.tasks.layout import quality_key
from pupline.text import plural, printable

if TYPE_CHECKING:
    from pupline.backends import Backend
    from pupline.quality import QualityReport

_EXAMPLES = 3
_SCORES = {"blur": "blurred", "darkness": "dark", "single_colour": "of a single colour"}
_SUMMARY: Mapping[str, str] = {
    "groups": "groups of similar images",
    "near_duplicates": "near-duplicates",
    "blurred": "blurred",
    "dark": "dark",
    "single_colour": "of a single colour",
    "undecodable": "undecodable",
    "changes": "changed since listed",
}
_CHANGES: Mapping[str, str] = {
    "same_picture": "the same picture, encoded or resized again",
    "other_picture": "another picture",
    "placeholder": "a placeholder",
    "unknown": "not comparable: no perceptual hash in the list, or no picture",
}


def show(report: "QualityReport", backend: "Backend", contact_sheet: Path | None) -> None:
    """Print the report on stdout; what is missing on stderr."""
    also = ", with changed ones in quarantine" if report.changes and report.examined else ""
    now = f"; decoded now: {report.examined:,}{also}" if report.examined != report.images else ""
    click.echo(f"Examined {plural(report.images, 'image')} of the dataset {printable(report.dataset)}{now}")
    for line in _findings(report):
        click.echo(f"  {line}")
    click.echo(f"Written: {printable(backend.location(quality_key(report.dataset)), 400)}")
    if contact_sheet is not None:
        click.echo(f"Contact sheet: {printable(str(contact_sheet), 400)}")
    if report.missing:
        message(
            f"pupline: {plural(report.missing, 'image is', 'images are')} no longer in the bucket, or changed there"
        )


def show_summaries(summaries: Mapping[str, Mapping[str, Any]]) -> None:
    """Print the summaries of passes by dataset, a line for each; nothing where there is none."""
    if summaries:
        click.echo("\nQuality (of the last pass)")
    for dataset, summary in summaries.items():
        counts = [f"{_number(summary, name):,} {word}" for name, word in _SUMMARY.items() if _number(summary, name)]
        found = ", ".join(counts) or "nothing to remark"
        click.echo(f"  {printable(dataset, 60)}: {plural(_number(summary, 'images'), 'image')}; {found}")


def _number(summary: Mapping[str, Any], name: str) -> int:
    """A count of a summary; of counts by reason, their sum."""
    value = summary.get(name)
    if isinstance(value, Mapping):
        return sum(count for count in value.values() if isinstance(count, int))
    return value if isinstance(value, int) else 0


def _findings(report: "QualityReport") -> Iterator[str]:
    if report.groups:
        repeated = plural(report.near_duplicates, "near-duplicate")
        yield f"{plural(report.groups, 'group')} of similar images, {repeated} besides the keepers"
        yield from _examples(report, "group")
    else:
        yield "no near-duplicates"
    for name, word in _SCORES.items():
        if count := report.above[name]:
            yield f"{count:,} {word}"
            yield from _examples(report, name)
    if count := report.undecodable.total():
        reasons = ", ".join(f"{reason} {number:,}" for reason, number in sorted(report.undecodable.items()))
        yield f"{count:,} undecodable: {reasons}"
    if count := report.counts["has_gps"]:
        yield f"{count:,} with a place (GPS) in the file; pupline export --strip-exif leaves it out"
    if report.reviews:
        yield "decided: " + ", ".join(f"{count:,} {decision}" for decision, count in sorted(report.reviews.items()))
    for change, meaning in _CHANGES.items():
        if count := report.changes[change]:
            yield f"{count:,} changed since listed: {meaning}"


def _examples(report: "QualityReport", name: str) -> Iterator[str]:
    for one in report.worst(name)[:_EXAMPLES]:
        value = f"{one.value:,} images" if name == "group" else f"{name} {one.value:.2f}"
        yield f"    {one.sha256[:12]}  {value}  {printable(one.image_name, 80)}"
