"""The summary of a run for people: the most telling results as a table, then the counts. Memory stays flat."""

from collections import Counter
from typing import TYPE_CHECKING

from pupline.cli._audit import why
from pupline.cli._output import OUTCOME_STYLES, cell, console, link, program, size
from pupline.cli._table import Column, show_table
from pupline.text import plural, printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from pupline.backends import Backend, ExecutionResult

_ROWS = 24
_COLUMNS = [
    Column("no.", needs=9),
    Column("image", needs=18),
    Column("type"),
    Column("size", right=True, left_out=1),
    Column("outcome"),
    Column("why", needs=20),
]


class RunSummary:
    """Counts results, and keeps those that the summary shows: all of a short run, the most telling of a long one."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.alerts = 0
        self._total = 0
        self._stored_at: str | None = None
        self._first: list[ExecutionResult] = []
        self._notable: list[ExecutionResult] = []

    def add(self, result: "ExecutionResult") -> None:
        """One more result."""
        self._total += 1
        if result.outcome:
            self.outcomes[result.outcome] += 1
        self.alerts += result.alerted
        if self._stored_at is None and result.outcome in {"stored", "duplicate"} and result.record:
            self._stored_at = result.record.image_url
        _keep(self._first, result)
        if _is_notable(result):
            _keep(self._notable, result)

    @property
    def first(self) -> str | None:
        """The name of the first execution, if there is any."""
        return min((result.execution for result in self._first), default=None)

    def show(self, backend: "Backend", notes: tuple[str, ...] = ()) -> None:
        """Print it. notes: further lines."""
        out = console()
        if self._first:
            self._show_table(out)
        if self.outcomes:
            out.print(self._counts())
        if self._stored_at:
            out.print(f"Pictures: {printable(backend.folder(self._stored_at), 400)}")
        for result in self._shown():
            if result.summary:
                where = printable(backend.location(result.summary), 400)
                out.print(f"Bulk ingest {printable(result.execution)}: {where}", soft_wrap=True)
        for note in notes:
            out.print(note)
        out.print("Look next:")
        history = [] if backend.unlisted else [f"executions {self.first or 'NAME'} --graph"]
        for command in ("insights", "audit", *history):
            out.print(f"  {program()} {command}{backend.options}")

    def _shown(self) -> "list[ExecutionResult]":
        first = sorted(self._first, key=_by_name)[:_ROWS]
        if self._total <= _ROWS:
            return first
        notable = sorted(self._notable, key=_by_name)[:_ROWS]
        return [*notable, *(result for result in first if not _is_notable(result))][:_ROWS]

    def _show_table(self, out: "Console") -> None:
        shown, total = self._shown(), self._total
        title = "" if len(shown) == total else f"showing {len(shown)} of {total:,}: alerts and failures first"
        runs = {result.execution.rpartition("-")[0] for result in shown}
        run = next(iter(runs)) if len(runs) == 1 else ""
        if run:  # its name once above, not in every row, leaves room for the reasons
            title = f"{run}-…" + (f": {title}" if title else "")
        rows = [_row(result, result.execution.removeprefix(f"{run}-")) for result in shown]
        show_table(out, _COLUMNS, rows, title)

    def _counts(self) -> "Text":
        from rich.text import Text

        line = Text(f"{plural(self.outcomes.total(), 'image')}: ", style="bold")
        for outcome, style in OUTCOME_STYLES.items():
            if self.outcomes[outcome]:
                line.append(f"{self.outcomes[outcome]:,} {outcome}  ", style=style)
        line.append(plural(self.alerts, "alert"))
        return line


def _row(result: "ExecutionResult", name: str) -> "list[Text]":
    record = result.record
    return [
        cell(name),
        link(result.image_name or "-", record.image_url if record else None),
        cell(record.file_type if record else None),
        cell(size(record.size_bytes if record else None)),
        cell(result.outcome, OUTCOME_STYLES.get(result.outcome or "", "")),
        cell(_why(result)),
    ]


def _by_name(result: "ExecutionResult") -> str:
    return result.execution


def _keep(kept: "list[ExecutionResult]", result: "ExecutionResult") -> None:
    """Keep the first results by name, in any order of arrival; the rest is cut at twice as many as are shown."""
    kept.append(result)
    if len(kept) > 2 * _ROWS:
        kept.sort(key=_by_name)
        del kept[_ROWS:]


def _is_notable(result: "ExecutionResult") -> bool:
    return result.alerted or result.status != "SUCCEEDED"


def _why(result: "ExecutionResult") -> str:
    """The reason, and the cause of a failure without the URL that it usually starts with."""
    record = result.record
    cause = result.cause or ""
    if record and record.source_url:
        cause = cause.removeprefix(f"{record.source_url}: ")
    if record:
        return why(record, printable(cause, 70))
    return f"internal_error: {printable(cause, 70)}" if result.outcome else "a bulk ingest: see its summary"
