"""An ingest with its progress, its summary and its exit code, for the commands that begin or continue one."""

from typing import TYPE_CHECKING

from pupline.cli._ingest_summary import (
    NOTHING_TO_FETCH,
    RETRY_REFUSED,
    empty_hint,
    listing_trouble,
    show_ingest,
    without_parquet,
)
from pupline.cli._ingest_view import IngestView, print_results
from pupline.cli._local_trouble import explain_local_trouble
from pupline.cli._output import message, print_json, program, undelivered
from pupline.cli._selection import suggesting
from pupline.cli._streams import SummaryOutput
from pupline.text import plural, printable

if TYPE_CHECKING:
    from pupline.backends import Backend
    from pupline.bulk import IngestReport, IngestRequest

_GOES_ON = "What is done is kept; the same command continues"


def ingest_and_show(backend: "Backend", request: "IngestRequest", *, workflow: bool, as_json: bool) -> int:
    """Ingest, or resume, and show it; the exit code of `pupline ingest`."""
    view = IngestView(as_json=as_json)
    named = request.retry_failed or request.run_id or ""
    with suggesting(backend, named), explain_local_trouble(_GOES_ON), view.progress:
        report = backend.ingest(request, view.receive, workflow=workflow)
    output = SummaryOutput()
    with output:
        if not as_json:
            show_ingest(report, backend, view.examples, workflow=workflow)
        else:
            if workflow:  # its events are about batches only
                print_results(backend.records(run=report.run_id))
            print_json(report.summary)
    if as_json and report.parquet_trouble:
        message(without_parquet(report))
    if as_json and report.undelivered:
        message(undelivered(report.undelivered, backend.options))
    if report.trouble:
        message(listing_trouble(report, backend.options))
    elif not report.counts.items and report.listed_complete:
        others = f" {plural(report.other_shards, 'image')} of other shards' hosts." if report.other_shards else ""
        message(f"{NOTHING_TO_FETCH}{others}")
        if request.retry_failed:
            message(_nothing_failed(request.retry_failed, backend))
        elif not report.known and (hint := empty_hint(request.source)):
            message(hint)
    if report.interrupted:
        command = _next_command(report, backend, workflow=workflow)
        message(f"Interrupted; what is done is kept. Continue with: {command}")
        return 130
    if report.tolerance_exceeded:
        return 3
    is_complete = report.status == "SUCCEEDED" and not report.unaccepted and not report.trouble
    return output.exit_code(0 if is_complete else 1)


def _nothing_failed(run: str, backend: "Backend") -> str:
    """That a run has nothing to retry; where it has refused images, what would ask for these."""
    of_run = next(iter(backend.runs(run=run)), None)
    has_refused = of_run is not None and bool((of_run.outcomes or {}).get("refused"))
    return f"Nothing failed in the run {printable(run)}.{f' {RETRY_REFUSED}' if has_refused else ''}"


def _next_command(report: "IngestReport", backend: "Backend", *, workflow: bool) -> str:
    if workflow:
        return f"the same command and --run-id {report.run_id}"
    return f"{program()} resume --run {report.run_id}{backend.options}"
