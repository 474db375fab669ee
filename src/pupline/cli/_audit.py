"""`pupline audit`: the records."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

import click

from pupline.cli._backend import backend_options
from pupline.cli._command import Command
from pupline.cli._options import json_option, limit_option
from pupline.cli._output import OUTCOME_STYLES, cell, console, link, moment, print_json, rows_shown, size
from pupline.cli._table import Column, show_table
from pupline.errors import Outcome
from pupline.tasks.ports import Reader
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


@dataclass(frozen=True, slots=True)
class _Filter:
    outcome: str | None
    file_type: str | None
    alerts: bool

    def matches(self, record: AuditRecord) -> bool:
        return (
            self.outcome in {None, record.outcome}
            and self.file_type in {None, record.file_type}
            and (not self.alerts or record.alert_triggered)
        )


def _records(reader: Reader, execution: str | None) -> Iterator[AuditRecord]:
    """All records; or those of a run; or, where no run has that name, that of an execution."""
    if execution is None:
        yield from reader.records()
        return
    of_run = reader.records(run=execution)
    first = next(of_run, None)
    if first is not None:
        yield first
        yield from of_run
    else:
        run = execution.rpartition("-")[0]  # `monday` is the run of `monday-00007`
        yield from (record for record in reader.records(run=run) if record.execution == execution)


@click.command(cls=Command)
@backend_options
@click.option("--outcome", type=click.Choice(get_args(Outcome)), help="Only this outcome.")
@click.option("--type", "file_type", help="Only this type by content, such as png.")
@click.option("--execution", help="Only this execution, or this run.")
@click.option("--alerts", is_flag=True, help="Only images that alerted.")
@limit_option
@json_option
def audit(
    backend: "Backend",
    outcome: str | None,
    file_type: str | None,
    execution: str | None,
    alerts: bool,
    limit: int | None,
    as_json: bool,
) -> int:
    """The audit records, oldest first: one per requested image, whatever its outcome.

    With --execution RUN the records of the run, in the order in which its images were requested.
    """
    wanted = _Filter(outcome, file_type, alerts)
    found = (record for record in _records(backend, execution) if wanted.matches(record))
    if as_json:
        for record in _newest(found, limit):
            print_json(record.as_dict())
    else:
        if not _show(found, rows_shown(limit), backend):
            nothing = execution is not None and next(_records(backend, execution), None) is None
            which = (
                f"No records of a run or execution '{printable(execution or '')}'." if nothing else "No records match."
            )
            click.echo(f"{which} All records: pupline audit")
    return 0


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
            cell(record.outcome, OUTCOME_STYLES[record.outcome]),
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
