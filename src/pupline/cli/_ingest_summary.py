"""The summary of an ingest for people: outcomes with their reasons, an example of each failure, where files are."""

import re
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from pupline.cli._columns_view import dropped_sentence
from pupline.cli._output import OUTCOME_STYLES, cell, console, program, undelivered
from pupline.cli._table import Column, show_table
from pupline.errors import FAILING_OUTCOMES
from pupline.tasks.layout import run_folder
from pupline.text import plural, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from pupline.backends import Backend
    from pupline.bulk import IngestReport
    from pupline.local import ItemDone
    from pupline.tasks.records import AuditRecord

OUTCOME_OF = {
    "accepted": "stored",
    "renamed": "stored",
    "same_content": "duplicate",
    "not_modified": "duplicate",
    "not_an_image": "quarantined",
    "damaged_image": "quarantined",
    "too_many_pixels": "quarantined",
    "hash_mismatch": "quarantined",
    "blocked_address": "refused",
    "invalid_url": "refused",
    "too_large": "refused",
    "too_many_redirects": "refused",
    "robots_disallowed": "refused",
}
"""The outcome of each reason; that of all other reasons is `failed`."""

RETRY_REFUSED = (
    "Refused images are asked for again by --retry-failed with the option that allows them, such as --allow-origin."
)

_ALLOWED_BY_OPTIONS = ("blocked_address", "robots_disallowed", "too_large")
_ALLOWING = re.compile(r"--allow-origin (\S+)\Z")
_MOST_ORIGINS = 8

NOTHING_TO_FETCH = "There was nothing to fetch."

_MAX_CAUSE = 400
_ENOUGH_TO_MEASURE = 500
"""Images from which on the CPU time per image is shown: in a short run it is that of starting."""

_COLUMNS = [Column("outcome"), Column("images", right=True), Column("why", needs=30)]
_EXAMPLE_COLUMNS = [Column("for example"), Column("", needs=50)]


class Examples:
    """Keeps the first failed or refused image of each reason. origins: that would have to be allowed."""

    def __init__(self) -> None:
        self._first: dict[str, AuditRecord] = {}
        self.origins: list[str] = []

    def __iter__(self) -> "Iterator[AuditRecord]":
        return iter(self._first.values())

    def add(self, done: "Sequence[ItemDone]") -> None:
        """Images that are done."""
        for one in done:
            if one.record.outcome in FAILING_OUTCOMES:
                self._first.setdefault(one.record.reason, one.record)
            if one.record.reason == "blocked_address" and (allowing := _ALLOWING.search(one.record.cause or "")):
                origin = allowing[1]
                if origin not in self.origins and len(self.origins) < _MOST_ORIGINS:
                    self.origins.append(origin)


def show_ingest(report: "IngestReport", backend: "Backend", examples: Examples, *, workflow: bool) -> None:
    """Print the result of an ingest, where its files are, and what to type next."""
    out = console()
    counts = report.counts
    listed = f" of {counts.items:,} listed" if counts.done < counts.items else ""
    out.print(f"Run {report.run_id}: {plural(counts.done, 'image')}{listed}{_speed(report)}", style="bold")
    if counts.done:
        show_table(out, _COLUMNS, list(_rows(counts.outcomes, counts.reasons)))
    _show_examples(out, examples)
    out.print()
    places = list(_places(report, backend))
    wide = max((len(title) for title, _ in places), default=0)
    lines = [
        *_notes(report, backend.options),
        *([] if workflow else _retry_of_refused(report, examples, backend.options)),
        *(f"{title + ':':{wide + 1}} {printable(path, 400)}" for title, path in places),
    ]
    commands = [f"  {program()} {command}{backend.options}" for command in _next_commands(report, workflow=workflow)]
    for line in [*lines, "Look next:", *commands]:
        out.print(line, soft_wrap=True)


def _rows(outcomes: Counter[str], reasons: Counter[str]) -> "Iterator[list[Text]]":
    """A row for each outcome that occurred, with the reasons that led to it, the most frequent first."""
    for outcome, style in OUTCOME_STYLES.items():
        if count := outcomes[outcome]:
            own = [pair for pair in reasons.most_common() if OUTCOME_OF.get(pair[0], "failed") == outcome]
            why = ", ".join(reason if number == count else f"{number:,} {reason}" for reason, number in own)
            yield [cell(outcome, style), cell(f"{count:,}"), cell(why)]


def _show_examples(out: "Console", examples: Examples) -> None:
    from rich.text import Text

    rows = [
        [cell(record.reason, OUTCOME_STYLES[record.outcome]), Text(printable(record.cause or "", _MAX_CAUSE))]
        for record in examples
    ]
    if rows:
        out.print()
        show_table(out, _EXAMPLE_COLUMNS, rows)


def _speed(report: "IngestReport") -> str:
    new = report.counts.done - report.began_done
    if not new or report.seconds <= 0:
        return ""
    of_them = f", {new:,} of them" if report.began_done else ""
    cpu = f", {report.cpu_seconds / new * 1e6:,.0f} µs CPU each" if new >= _ENOUGH_TO_MEASURE else ""
    return f"{of_them} in {report.seconds:.1f} s: {new / report.seconds:,.0f}/s{cpu}"


def _notes(report: "IngestReport", options: str) -> Iterator[str]:
    if report.error:
        yield f"The execution ended with {printable(report.error)}: {printable(report.cause or '', 400)}"
    elif report.tolerance_exceeded:
        yield "Stopped: more failed than --tolerate allows. With --resume and a larger value the rest is fetched."
    if report.parquet_trouble:
        yield without_parquet(report)
    if report.unaccepted:
        done = plural(report.counts.done, "image")
        yield f"Not in the dataset: {report.unaccepted:,} of {done}, for the reasons above."
    if report.counts.verification.total():
        yield _verification(report.counts.verification)
    if report.columns_dropped:
        yield dropped_sentence(report.columns_dropped)
    if report.left_out:
        yield f"Left out of the listing: {report.left_out.sentence}.{_first_example(report.left_out.examples)}"
    if report.repeated:
        yield f"Repeated, and fetched once: {report.repeated:,}."
    if report.known:
        yield f"URLs left out, because the dataset has them: {report.known:,}, repeats included."
    if report.other_shards:
        yield f"Left to other shards, whose hosts they are of: {report.other_shards:,}."
    if report.counts.alerts:
        yield f"{plural(report.counts.alerts, 'image')} alerted: the first at once, the others in one digest."
    if report.undelivered:
        yield undelivered(report.undelivered, options)


def _retry_of_refused(report: "IngestReport", examples: Examples, options: str) -> Iterator[str]:
    """How refused images are asked for again, where an option allows them."""
    if examples.origins:
        allowed = " ".join(f"--allow-origin {shlex.quote(origin)}" for origin in examples.origins)
        again = f"{program()} ingest --retry-failed {report.run_id} {allowed}{options}"
        yield f"If you trust these hosts, ask for the refused images again with: {again}"
    elif any(report.counts.reasons[reason] for reason in _ALLOWED_BY_OPTIONS):
        yield RETRY_REFUSED


def _verification(results: Counter[str]) -> str:
    """How many images still have the hashes that the list declares."""
    counts = ", ".join(f"{results[result]:,} {result}" for result in ("verified", "changed", "gone"))
    where = " The changed ones are kept in quarantine." if results["changed"] else ""
    return f"By the hashes in the list: {counts}.{where}"


def _first_example(examples: Sequence[str]) -> str:
    return f" The first: {printable(examples[0], 200)}" if examples else ""


def _places(report: "IngestReport", backend: "Backend") -> Iterator[tuple[str, str]]:
    from pupline.backends import has_parquet

    if report.counts.outcomes["stored"] or report.counts.outcomes["duplicate"]:
        yield "Pictures", backend.location(f"html/{report.dataset}")
    if report.summary.get("files"):
        lines = f"jsonl/run={report.run_id}"
        metadata = "parquet" if has_parquet(report.summary) else lines
        yield "Metadata", backend.location(f"{report.folder}metadata/{metadata}")
        yield "This run", backend.location(run_folder(report.dataset, report.run_id))


def _next_commands(report: "IngestReport", *, workflow: bool) -> Iterator[str]:
    if workflow:
        yield f"executions {report.run_id}"
    elif report.tolerance_exceeded:
        yield f"ingest --resume --run-id {report.run_id} --tolerate 100"
    if report.counts.outcomes["failed"] and report.status != "RUNNING" and not workflow:
        yield f"ingest --retry-failed {report.run_id}"
    yield f"insights --dataset {shlex.quote(report.dataset)}"
    yield f"audit --run {report.run_id}"
    if report.counts.alerts:
        yield "alerts"


def listing_trouble(report: "IngestReport", options: str) -> str:
    """Why the run's images are not all that was asked for, and what to do about it."""
    reason = printable(report.trouble or "", 400)
    if report.listing_ended:
        return incomplete(reason)
    if report.status == "RUNNING":
        return f"The listing stopped: {reason}. The same command continues there."
    again = f"{program()} resume --run {report.run_id}{options}"
    return f"The listing stopped: {reason}. When the source works again, this continues there: {again}"


def incomplete(reason: str) -> str:
    """That a listing ended with less than was asked for, which is what exit code 1 means."""
    return f"Not all that was asked for: {reason}."


def empty_hint(source: str | None) -> str | None:
    """What to look at where a source with params of the user's has nothing; None for any other source."""
    from pupline.specs import split_params

    if source is None or "?" not in source or "://" in source.partition("?")[0]:
        return None
    name, params = split_params(source)
    given = ", ".join(f"{param}={value}" for param, value in params.items())
    return f"{printable(name)} answered with an empty list for {printable(given)}; check the values."


def without_parquet(report: "IngestReport") -> str:
    """Why a run has no Parquet, and how to get it."""
    from pupline.parquet import MISSING

    again = f"the same command with --run-id {report.run_id}"
    if report.parquet_trouble == MISSING:
        return f"The metadata was written as JSON Lines only. {MISSING}. After that, {again} writes the Parquet."
    return (
        "The metadata is there as JSON Lines only, because the Parquet could not be written:"
        f" {printable(report.parquet_trouble or '', 400)}. T{again[1:]} and credentials that may write it"
        " does so."
    )
