"""`pupline ingest --workflow`: the same through the BulkIngest state machine, here or on a deployed stack."""

import contextlib
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pupline.cli._ingest_summary import Ended, given_data
from pupline.cli._ingest_view import IngestView
from pupline.cli._output import message, print_json, relative
from pupline.cli._streams import OutputLost
from pupline.text import printable

if TYPE_CHECKING:
    from pupline.bulk import IngestEvent, IngestRequest
    from pupline.pipeline import BatchDone, BulkReport


def ingest_through_the_workflow(data_dir: Path, request: "IngestRequest", *, as_json: bool) -> int:
    """Ingest on this machine; the exit code."""
    from pupline.pipeline import run_bulk_workflow

    with _WorkflowView(as_json=as_json) as view:
        report = run_bulk_workflow(data_dir, request, view.hear)
    folder = relative(data_dir.absolute() / "buckets" / "dog-images" / report.folder)
    return _tell(report, view, given_data(data_dir), folder, as_json=as_json)


def ingest_on_a_stack(stack: str, request: "IngestRequest", *, as_json: bool) -> int:
    """Ingest on a deployed stack, and follow it to its end; the exit code."""
    from pupline.stack import ingest_on_stack

    with _WorkflowView(as_json=as_json) as view:
        report = ingest_on_stack(stack, request, view.hear)
    given = f" --backend aws --stack {shlex.quote(stack)}"
    return _tell(report, view, given, report.folder, as_json=as_json)


class _WorkflowView(IngestView):
    """Hears of batches too, whose images it only counts: the state machine tells no more of them."""

    def hear(self, event: "IngestEvent | BatchDone") -> None:
        """One event of the ingest."""
        from pupline.pipeline import BatchDone

        if isinstance(event, BatchDone):
            self.progress.counted(event.outcomes)
        else:
            super().hear(event)


def _tell(report: "BulkReport", view: IngestView, given: str, folder: str, *, as_json: bool) -> int:
    with contextlib.suppress(OutputLost):
        if as_json:
            print_json(report.summary or {"run": report.run_id, "dataset": report.dataset, "status": report.status})
        else:
            _ended(report, given, folder).show(view.examples)
    if report.interrupted:
        message(f"Interrupted. Go on with the same command and --run-id {report.run_id}")
        return 130
    if report.tolerance_exceeded:
        return 3
    return 1 if report.failed or report.status != "SUCCEEDED" else 0


def _ended(report: "BulkReport", given: str, folder: str) -> Ended:
    return Ended(
        run_id=report.run_id,
        items=report.items,
        outcomes=report.outcomes,
        reasons=report.reasons,
        given=given,
        notes=tuple(_notes(report)),
        places=(("Results", folder),),
        next_commands=(f"executions {report.run_id}", f"audit --execution {report.run_id}", "alerts"),
    )


def _notes(report: "BulkReport") -> Iterator[str]:
    if report.error:
        yield f"The execution ended with {printable(report.error)}: {printable(report.cause or '', 400)}"
    if report.undelivered:
        yield f"{report.undelivered} alert deliveries wait for the next run: pupline alerts"
