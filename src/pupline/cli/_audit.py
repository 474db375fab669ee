"""`pupline audit`: the records."""

import os
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click

from pupline.cli._backend import backend_options
from pupline.cli._command import Command
from pupline.cli._options import json_option, limit_option
from pupline.cli._output import (
    OUTCOME_STYLES,
    cell,
    console,
    link,
    message,
    moment,
    print_csv,
    print_json,
    print_json_lines,
    rows_shown,
    size,
)
from pupline.cli._selection import no_such_run, selection_options
from pupline.cli._table import Column, show_table
from pupline.errors import ConfigurationError, Outcome
from pupline.insights import Selection
from pupline.tasks.record_files import RECORD_COLUMNS, record_file, record_values
from pupline.tasks.records import AuditRecord
from pupline.text import plural, printable

if TYPE_CHECKING:
    from pupline.backends import Backend

_COLUMNS = [
    Column("when (UTC)", left_out=1),
    Column("image", needs=18),
    Column("type"),
    Column("size", right=True, left_out=2),
    Column("outcome"),
    Column("why", needs=20),
    Column("execution", needs=21),
]

_NUMBERED = re.compile(r".+-[0-9]{5,8}")
"""An execution of a run: `monday-00007`, in bulk `monday-00000007`."""

_PAGE = 1_000
"""Records that are written together."""

_EPILOG = """\b
Examples:
  pupline audit --run monday --outcome failed
  pupline audit --dataset dogs --since yesterday --csv > dogs.csv
  pupline audit --execution monday-00007 --json
  pupline audit --dataset dogs --parquet dogs.parquet
"""


@dataclass(frozen=True, slots=True)
class _Filter:
    selection: Selection
    outcome: str | None
    file_type: str | None
    breed: str | None
    alerts: bool

    def matches(self, record: AuditRecord) -> bool:
        return (
            self.outcome in {None, record.outcome}
            and self.file_type in {None, record.file_type}
            and (self.breed is None or _is_of_breed(record.breed, self.breed))
            and (not self.alerts or record.alert_triggered)
            and self.selection.is_recent(record.upload_timestamp)
            and self.selection.has_execution(record.execution)
        )


def _of_execution(backend: "Backend", name: str) -> Iterator[AuditRecord]:
    """The record of an execution; or, where none has that name, those of a run.

    What the name looks like decides which is looked for first: on a stack the wrong question costs more.
    Raises: ConfigurationError where there is neither.
    """
    by_execution, by_run = partial(backend.records, execution=name), partial(backend.records, run=name)
    for ask in (by_execution, by_run) if _NUMBERED.fullmatch(name) else (by_run, by_execution):
        found = ask()
        first = next(found, None)
        if first is not None:
            yield first
            yield from found
            return
    if next(backend.runs(run=name), None) is None:
        raise ConfigurationError(no_such_run(backend, name, "run or execution"))


def _is_of_breed(breed: str | None, wanted: str) -> bool:
    return breed is not None and f"{breed}/".startswith(f"{wanted}/")


@click.command(cls=Command, epilog=_EPILOG)
@backend_options
@selection_options
@click.option("--outcome", type=click.Choice(get_args(Outcome)), help="Only this outcome.")
@click.option("--type", "file_type", help="Only this type by content, such as png.")
@click.option("--breed", metavar="BREED", help="Only this breed, such as hound/afghan; hound is every hound.")
@click.option("--execution", metavar="NAME", help="Only this execution; a run's ID means the run.")
@click.option("--alerts", is_flag=True, help="Only images that alerted.")
@limit_option
@click.option("--export", is_flag=True, help="Export all records of a stack into its bucket, for Athena.")
@click.option("--csv", "as_csv", is_flag=True, help="CSV on stdout (RFC 4180), with no cell a formula.")
@click.option(
    "--parquet",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write Parquet to FILE instead; needs pupline[parquet].",
)
@json_option
def audit(
    backend: "Backend",
    selection: Selection,
    execution: str | None,
    limit: int | None,
    as_csv: bool,
    parquet: Path | None,
    as_json: bool,
    **others: Any,
) -> int:
    """The audit records, oldest first: one per requested image, whatever its outcome.

    With --run the records of the run, in the order in which its images were requested.

    On a stack, --run, --execution, --dataset and --since need no scan of the table; without them, the other options
    filter a scan of all of it, at about 2 cents for a million records. For many questions, ask Athena: docs/queries.md.
    """
    if as_csv + as_json + (parquet is not None) > 1:
        raise click.UsageError("give one of --csv, --json and --parquet")
    if execution is not None and selection.run is not None:
        raise click.UsageError("give --run or --execution, not both")
    if others.pop("export"):
        narrowed = [not selection.is_all, execution, limit, as_csv, parquet, *others.values()]
        return _export(backend, as_json=as_json, narrowed=any(narrowed))
    if execution is not None:
        records = _of_execution(backend, execution)
    else:
        records = backend.records(run=selection.run, dataset=selection.dataset, since=selection.since)
    wanted = _Filter(selection, **others)
    found = (record for record in records if wanted.matches(record))
    if parquet is not None:
        message(f"{plural(_write_parquet(_pages(found, limit), parquet), 'record')} in {printable(str(parquet))}")
    elif as_csv:
        print_csv([RECORD_COLUMNS])
        for page in _pages(found, limit):
            print_csv(record_values(record) for record in page)
    elif as_json:
        for page in _pages(found, limit):
            print_json_lines(record.as_dict() for record in page)
    elif not _show(found, rows_shown(limit), backend):
        click.echo(f"No records match. All records: pupline audit{backend.options}")
    return 0


def _export(backend: "Backend", *, as_json: bool, narrowed: bool) -> int:
    """Export everything, and say how to ask for it."""
    if narrowed:
        raise click.UsageError("--export takes all records: give no other option but --json")
    done = backend.export_audit(lambda note: message(note.text))
    if as_json:
        print_json(asdict(done))
        return 0
    click.echo(f"{plural(done.records, 'record')} ({size(done.bytes)}) in {done.location}")
    click.echo(f"Ask Athena, in the table records, WHERE export = '{done.export}'; docs/queries.md has the queries")
    return 0


def _pages(records: Iterator[AuditRecord], limit: int | None) -> Iterator[list[AuditRecord]]:
    found = iter(_newest(records, limit))
    while page := list(islice(found, _PAGE)):
        yield page


def _write_parquet(pages: Iterator[list[AuditRecord]], path: Path) -> int:
    """Write the file, whole or not at all; how many records it has."""
    count = 0

    def counted() -> Iterator[list[AuditRecord]]:
        nonlocal count
        for page in pages:
            count += len(page)
            yield page

    aside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with aside.open("xb") as file:
            for chunk in record_file(counted(), "parquet"):
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError as err:
        raise ConfigurationError(f"{printable(str(path))} cannot be written: {err.strerror}") from err
    finally:
        aside.unlink(missing_ok=True)
    return count


def _newest(records: Iterator[AuditRecord], limit: int | None) -> Iterable[AuditRecord]:
    return records if limit is None else deque(records, maxlen=limit)


def _show(records: Iterator[AuditRecord], limit: int, backend: "Backend") -> bool:
    """Whether there were any."""
    count = 0
    kept: deque[AuditRecord] = deque(maxlen=limit)
    for record in records:
        count += 1
        kept.append(record)
    if not count:
        return False
    rows = [
        [
            cell(moment(record.upload_timestamp)),
            link(record.image_name, record.image_url),
            cell(record.file_type),
            cell(size(record.size_bytes)),
            cell(record.outcome, OUTCOME_STYLES.get(record.outcome, "")),
            cell(why(record)),
            cell(record.execution),
        ]
        for record in kept
    ]
    out = console()
    show_table(out, _COLUMNS, rows)
    shown = f"the newest {len(kept):,} of " if count > len(kept) else ""
    stored = next((record.image_url for record in kept if record.image_url and record.outcome != "quarantined"), None)
    where = f"; kept under {printable(backend.folder(stored), 400)}" if stored else ""
    out.print(f"{shown}{plural(count, 'record')}{where}{'; for more: --limit N, or --json' if shown else ''}")
    return True


def why(record: AuditRecord, failure: str = "") -> str:
    """The reason, unless the outcome is enough; the failure; the reasons to alert."""
    parts = [] if record.reason == "accepted" else [f"{record.reason}: {failure}" if failure else record.reason]
    if record.alert_triggered:
        unsent = " (not sent)" if record.alert_sent is False else ""
        parts.append(f"alert: {', '.join(record.alert_reasons) or 'yes'}{unsent}")
    return "; ".join(parts)
