"""The output of executions while they run, and their summary."""

import os
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from pupline.cli._local_trouble import explain_local_trouble
from pupline.cli._output import message, print_json, undelivered
from pupline.cli._progress import Progress
from pupline.cli._streams import OutputLost, SummaryOutput
from pupline.cli._summary import RunSummary
from pupline.text import plural, printable

if TYPE_CHECKING:
    from pupline.backends import Backend, ExecutionResult, RunEvent, RunReport

STOPPING = b"\nStopping when current executions have ended, 30 seconds at most. Ctrl-C again: at once.\n"


def show_run(
    backend: "Backend",
    work: "Callable[[Callable[[RunEvent], None]], RunReport]",
    *,
    nothing_done: Callable[[], str],
    as_json: bool,
) -> int:
    """Show the progress of `work` and its summary; the exit code. nothing_done: what to say if nothing was to be done.

    130 when interrupted, 1 when an execution failed or was refused, or the summary was lost, else 0.
    """
    summary = RunSummary()
    view = RunView(summary, backend.unfinished_work, as_json=as_json)
    with explain_local_trouble(backend.unfinished_work), view.progress:
        report = work(view.receive)
    output = SummaryOutput()
    if report.finished and not as_json:
        with output:
            summary.show(backend, notes=tuple(_notes(report, backend.options)))
    elif not (report.finished or report.refused or report.interrupted):
        message(nothing_done())
    if report.waited:
        left = undelivered(report.undelivered, backend.options) if report.undelivered else "none is left"
        message(f"{plural(report.waited, 'alert delivery', 'alert deliveries')} waited; {left}")
    elif report.undelivered and (as_json or not report.finished):
        message(undelivered(report.undelivered, backend.options))
    if report.interrupted:
        message(f"Interrupted. {backend.unfinished_work}")
        return 130
    return output.exit_code(1 if report.failed or report.refused else 0)


def _notes(report: "RunReport", options: str) -> Iterator[str]:
    if report.leftovers:
        yield f"Also finished: {plural(report.leftovers, 'execution')} of earlier runs."
    if report.undelivered:
        yield undelivered(report.undelivered, options)


class RunView:
    """Receives the events of a run."""

    def __init__(self, summary: RunSummary, unfinished_work: str, *, as_json: bool) -> None:
        self.progress = Progress()
        self._summary = summary
        self._unfinished_work = unfinished_work
        self._as_json = as_json
        self._ended = 0  # results still to come of executions that had ended before

    def receive(self, event: "RunEvent") -> None:
        """One event. Raises: OutputLost where the JSON cannot be written any more."""
        from pupline import backends

        match event:
            case backends.ExecutionResult():
                self._add(event)
            case backends.AttemptFailed():
                self.progress.attempt_failed()
            case backends.RunStarted(total=total, unfinished=unfinished, ended=ended):
                self._ended = ended
                if unfinished:
                    message(f"Resuming {plural(unfinished, 'execution')} that an earlier run left unfinished.")
                self.progress.listed(total, total, complete=True)
            case backends.Refused(execution=execution, reason=reason):
                message(f"pupline: {printable(execution)}: {printable(reason, 400)}")
            case backends.Note(text=text):
                message(text)
            case backends.Stopping():
                # In a signal handler: the stream may be in use by the code that was interrupted.
                os.write(2, STOPPING)

    def _add(self, result: "ExecutionResult") -> None:
        self._summary.add(result)
        if self._as_json:
            try:
                print_json(result.as_dict())
            except OutputLost as lost:  # the results of a run whose output is lost can be had later
                lost.next_step = self._unfinished_work
                raise
        if self._ended:
            self._ended -= 1
            self.progress.resume({result.outcome or "": 1}, alerts=result.alerted)
            return
        size_bytes = result.record.size_bytes or 0 if result.record else 0
        self.progress.add({result.outcome or "": 1}, size_bytes, alerts=result.alerted)
