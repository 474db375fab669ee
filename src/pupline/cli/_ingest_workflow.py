"""`pupline ingest --workflow`: the same through the BulkIngest state machine, here or on a deployed stack."""

import itertools
import shlex
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pupline.cli._ingest_summary import NOTHING_TO_FETCH, Ended, given_data, incomplete, not_there
from pupline.cli._ingest_view import IngestView, result_of
from pupline.cli._output import message, print_json, print_json_lines, relative, undelivered
from pupline.cli._streams import SummaryOutput
from pupline.cli._trouble import work_kept
from pupline.text import plural, printable

if TYPE_CHECKING:
    from pupline.backends.machine import BatchDone, BulkReport
    from pupline.bulk import IngestEvent, IngestRequest
    from pupline.tasks.ports import Reader

_LINES_AT_ONCE = 256


def ingest_through_the_workflow(data_dir: Path, request: "IngestRequest", *, as_json: bool) -> int:
    """Ingest on this machine; the exit code."""
    from pupline.backends.machine import LocalReader, run_bulk_workflow

    with work_kept("the same command goes on"), _WorkflowView(as_json=as_json) as view:
        report = run_bulk_workflow(data_dir, request, view.hear)
    bucket = data_dir.absolute() / "buckets" / "dog-images"
    where = _Where(given_data(data_dir), lambda key: relative(bucket / key), partial(LocalReader.open, data_dir))
    return _tell(report, view, where, as_json=as_json)


def ingest_on_a_stack(stack: str, request: "IngestRequest", *, as_json: bool) -> int:
    """Ingest on a deployed stack, and follow it to its end; the exit code."""
    from pupline.backends.stack import StackReader, ingest_on_stack

    with _WorkflowView(as_json=as_json) as view:
        report = ingest_on_stack(stack, request, view.hear)
    given = f" --backend aws --stack {shlex.quote(stack)}"
    return _tell(report, view, _Where(given, lambda key: key, partial(StackReader.open, stack)), as_json=as_json)


@dataclass(frozen=True, slots=True)
class _Where:
    """Where it was ingested. given: the options that name it. place: of an object's key. open_reader: its records."""

    given: str
    place: Callable[[str], str]
    open_reader: "Callable[[], AbstractContextManager[Reader]]"


class _WorkflowView(IngestView):
    """Hears of batches too, whose images it only counts: the state machine tells no more of them."""

    def hear(self, event: "IngestEvent | BatchDone") -> None:
        """One event of the ingest."""
        from pupline.backends.machine import BatchDone

        if isinstance(event, BatchDone):
            self.progress.counted(event.outcomes)
        else:
            super().hear(event)


def _tell(report: "BulkReport", view: IngestView, where: _Where, *, as_json: bool) -> int:
    output = SummaryOutput()
    with output:
        if as_json:
            _print_results(report, where)
        else:
            _ended(report, where).show(view.examples)
    if report.trouble and as_json:
        message(_without_parquet(report, report.trouble))
    if report.listing_trouble:
        message(incomplete(printable(report.listing_trouble, 400)))
    elif not report.items:
        message(NOTHING_TO_FETCH)
    if report.interrupted:
        message(f"Interrupted. Go on with the same command and --run-id {report.run_id}")
        return 130
    if report.tolerance_exceeded:
        return 3
    is_whole = report.status == "SUCCEEDED" and not report.unhad and not report.listing_trouble
    return output.exit_code(0 if is_whole else 1)


def _print_results(report: "BulkReport", where: _Where) -> None:
    """A line for each image, from its audit record, since the state machine tells only of batches; then the summary."""
    with where.open_reader() as reader:
        of_run = reader.records(run=report.run_id)
        while some := list(itertools.islice(of_run, _LINES_AT_ONCE)):
            print_json_lines(map(result_of, some))
    print_json(report.summary or {"run": report.run_id, "dataset": report.dataset, "status": report.status})


def _ended(report: "BulkReport", where: _Where) -> Ended:
    metadata = "parquet" if report.has_parquet else f"jsonl/run={report.run_id}"
    return Ended(
        run_id=report.run_id,
        items=report.items,
        outcomes=report.outcomes,
        reasons=report.reasons,
        given=where.given,
        notes=tuple(_notes(report)),
        places=(
            ("Pictures", where.place(f"html/{report.dataset}")),
            ("Metadata", where.place(f"{report.folder}metadata/{metadata}")),
            ("This run", where.place(f"{report.folder}runs/{report.run_id}")),
        ),
        next_commands=(f"executions {report.run_id}", f"audit --execution {report.run_id}", "alerts"),
    )


def _notes(report: "BulkReport") -> Iterator[str]:
    if report.error:
        yield f"The execution ended with {printable(report.error)}: {printable(report.cause or '', 400)}"
    if report.trouble:
        yield _without_parquet(report, report.trouble)
    if report.unhad:
        yield not_there(report.unhad, report.done)
    if report.alerts:
        yield f"{plural(report.alerts, 'image')} alerted: the first at once, the others in one digest."
    if report.undelivered:
        yield undelivered(report.undelivered)


def _without_parquet(report: "BulkReport", trouble: str) -> str:
    return (
        f"The metadata is there as JSON Lines alone, for the Parquet could not be written: {printable(trouble, 400)}. "
        f"The same command with --run-id {report.run_id} and credentials that may write it does so."
    )
