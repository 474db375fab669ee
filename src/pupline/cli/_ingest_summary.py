"""What an ingest came to, for people: outcomes with their reasons, an example of each failure, where everything is."""

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pupline.cli._output import OUTCOME_STYLES, cell, console, program, relative, undelivered
from pupline.cli._table import Column, show_table
from pupline.errors import FAILING_OUTCOMES
from pupline.tasks.layout import run_folder
from pupline.text import plural, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

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
    "blocked_address": "refused",
    "invalid_url": "refused",
    "too_large": "refused",
    "too_many_redirects": "refused",
    "robots_disallowed": "refused",
}
"""Reason to the outcome that it goes with; of all other reasons that is `failed`."""

NOTHING_TO_FETCH = "There was nothing to fetch."

_MAX_CAUSE = 400
_ENOUGH_TO_MEASURE = 500
"""Images from which on CPU time for each says something: in a short run it is that of starting."""

_COLUMNS = [Column("outcome"), Column("images", right=True), Column("why", needs=30)]
_EXAMPLE_COLUMNS = [Column("for example"), Column("", needs=50)]


class Examples:
    """Keeps one failed or refused image for each reason: the first that is heard of."""

    def __init__(self) -> None:
        self._first: dict[str, AuditRecord] = {}

    def __iter__(self) -> "Iterator[AuditRecord]":
        return iter(self._first.values())

    def add(self, done: "Sequence[ItemDone]") -> None:
        """More are done."""
        for one in done:
            if one.record.outcome in FAILING_OUTCOMES:
                self._first.setdefault(one.record.reason, one.record)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """An ingest that came to an end, of whatever way it went.

    given: the options that the next commands need, to be about the same data directory or stack.
    speed: how fast it was, in words. places: what lies where, title and path. next_commands: what to type next.
    """

    run_id: str
    items: int
    outcomes: Counter[str]
    reasons: Counter[str]
    given: str
    speed: str = ""
    notes: tuple[str, ...] = ()
    places: tuple[tuple[str, str], ...] = ()
    next_commands: tuple[str, ...] = field(default=())

    def show(self, examples: Examples) -> None:
        """Print it."""
        out = console()
        out.print(self._head(), style="bold")
        if self.outcomes:
            show_table(out, _COLUMNS, list(self._rows()))
        _show_examples(out, examples)
        out.print()
        for line in self._ending():
            out.print(line, soft_wrap=True)

    def _head(self) -> str:
        done = self.outcomes.total()
        listed = f" of {self.items:,} listed" if done < self.items else ""
        return f"Run {self.run_id}: {plural(done, 'image')}{listed}{self.speed}"

    def _rows(self) -> "Iterator[list[Text]]":
        """A row for each outcome that there is, with the reasons that led to it, the most frequent first."""
        for outcome, style in OUTCOME_STYLES.items():
            count = self.outcomes[outcome]
            if count:
                yield [cell(outcome, style), cell(f"{count:,}"), cell(", ".join(self._reasons_of(outcome, count)))]

    def _reasons_of(self, outcome: str, count: int) -> Iterator[str]:
        for reason, number in self.reasons.most_common():
            if OUTCOME_OF.get(reason, "failed") == outcome:
                yield reason if number == count else f"{number:,} {reason}"

    def _ending(self) -> Iterator[str]:
        yield from self.notes
        wide = max((len(title) for title, _ in self.places), default=0)
        for title, path in self.places:
            yield f"{title + ':':{wide + 1}} {printable(path, 400)}"
        yield "Look next:"
        for command in self.next_commands:
            yield f"  {program()} {command}{self.given}"


def _show_examples(out: "Console", examples: Examples) -> None:
    from rich.text import Text

    rows = [
        [cell(record.reason, OUTCOME_STYLES[record.outcome]), Text(printable(record.cause or "", _MAX_CAUSE))]
        for record in examples
    ]
    if rows:
        out.print()
        show_table(out, _EXAMPLE_COLUMNS, rows)


def not_there(unhad: int, done: int) -> str:
    """That the dataset lacks images that were asked for, which is what exit code 1 means."""
    return f"Not in the dataset: {unhad:,} of {plural(done, 'image')}, for the reasons above."


def given_data(data_dir: Path) -> str:
    """The option that names the data directory, where it is not the default one."""
    return "" if data_dir == Path("pupline-data") else f" --data {shlex.quote(str(data_dir))}"


def listing_trouble(report: "IngestReport") -> str:
    """Why the run's images are not all that the source has, and what to do about it."""
    told = printable(report.trouble or "", 400)
    if report.listed_complete:
        return incomplete(told)
    if report.status == "RUNNING":
        return f"The listing stopped: {told}. The same command goes on there."
    return f"The listing stopped: {told}. When the source is right again, ingest --resume goes on there."


def incomplete(told: str) -> str:
    """That a listing came to an end before the source's, which is what exit code 1 means."""
    return f"Not all that the source has: {told}."


def ended_directly(report: "IngestReport", data_dir: Path) -> Ended:
    """What `pupline.bulk.ingest` reported."""
    counts = report.counts
    return Ended(
        run_id=report.run_id,
        items=counts.items,
        outcomes=counts.outcomes,
        reasons=counts.reasons,
        given=given_data(data_dir),
        speed=_speed(report),
        notes=tuple(_notes(report)),
        places=tuple(_places(report, data_dir)),
        next_commands=tuple(_next_commands(report)),
    )


def _speed(report: "IngestReport") -> str:
    new = report.counts.done - report.began_done
    if not new or report.seconds <= 0:
        return ""
    of_them = f", {new:,} of them" if report.began_done else ""
    cpu = f", {report.cpu_seconds / new * 1e6:,.0f} µs CPU each" if new >= _ENOUGH_TO_MEASURE else ""
    return f"{of_them} in {report.seconds:.1f} s: {new / report.seconds:,.0f}/s{cpu}"


def _notes(report: "IngestReport") -> Iterator[str]:
    if report.unhad:
        yield not_there(report.unhad, report.counts.done)
    if report.repeated:
        yield f"Named again, and fetched once: {report.repeated:,}."
    if report.known:
        yield f"Left out, because the dataset has them: {report.known:,}."
    if report.tolerance_exceeded:
        yield "Stopped: more failed than --tolerate allows. With --resume and a larger one the rest is fetched."
    if report.counts.alerts:
        yield f"{plural(report.counts.alerts, 'image')} alerted: the first at once, the others in one digest."
    if report.undelivered:
        yield undelivered(report.undelivered)


def _places(report: "IngestReport", data_dir: Path) -> Iterator[tuple[str, str]]:
    bucket = data_dir.absolute() / "buckets" / "dog-images"
    pictures = bucket / "html" / report.dataset
    if pictures.is_dir():
        yield "Pictures", relative(pictures)
    if report.status != "RUNNING":
        yield "Metadata", relative(bucket / report.folder / "metadata" / "parquet")
        yield "This run", relative(bucket / run_folder(report.dataset, report.run_id))


def _next_commands(report: "IngestReport") -> Iterator[str]:
    if report.tolerance_exceeded:
        yield f"ingest --resume --dataset {report.dataset} --tolerate 100"
    if report.counts.outcomes["failed"] and report.status != "RUNNING":
        yield f"ingest --retry-failed {report.run_id}"
    yield f"insights --dataset {report.dataset}"
    yield f"audit --execution {report.run_id}"
    if report.counts.alerts:
        yield "alerts"
