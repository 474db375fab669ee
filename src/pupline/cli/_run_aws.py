"""`pupline run` and `pupline redrive` on a deployed stack."""

import contextlib
import shlex
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pupline.cli._output import message, program
from pupline.cli._progress import RunProgress
from pupline.cli._streams import OutputLost, SummaryOutput
from pupline.text import plural, printable

if TYPE_CHECKING:
    from pupline.backends.stack import StackReader, StackRun, StackRunReport
    from pupline.cli._run import RunView


@dataclass(frozen=True, slots=True)
class RunAsked:
    """What `pupline run --backend aws` was asked for. given: the executions' input, None for what was left out."""

    count: int
    concurrency: int
    run_id: str | None
    given: Mapping[str, str | None]


def run_on_stack(stack: str, view: "RunView", asked: RunAsked) -> int:
    """Start what the run misses on the stack, wait for all of it, show the results; the exit code."""
    from pupline.backends.stack import StackReader, StackRunRequest
    from pupline.tasks.run_ids import check_run_id, new_run_id

    run_id = asked.run_id or new_run_id()
    check_run_id(run_id)
    given = {name: value for name, value in asked.given.items() if value is not None}
    request = StackRunRequest(run_id, asked.count, asked.concurrency, given)
    with StackReader.open(stack) as reader:
        message(
            f"Run {run_id} on the stack {printable(stack)}. If this is cut short, repeat it with --run-id {run_id}."
        )
        return watch(reader, view, asked.count, lambda run: run.run(request))


def watch(reader: "StackReader", view: "RunView", total: int, work: "Callable[[StackRun], StackRunReport]") -> int:
    """Let `work` start executions or follow them, show what comes of it; the exit code."""
    from pupline.backends.stack import StackRun

    given = f" --backend aws --stack {shlex.quote(reader.stack.name)}"
    try:
        with _sigterm_as_ctrl_c(), RunProgress(total) as view.progress:
            report = work(StackRun(reader, view.hear))
    except OutputLost as lost:
        message(f"pupline: {lost}; what was started goes on in AWS. See: {program()} executions{given}")
        return 130
    if report.interrupted:
        message(f"Interrupted; {plural(report.unfinished, 'execution')} of it may go on in AWS.")
    output = SummaryOutput()
    if not view.as_json and view.tally.outcomes:
        with output:
            view.tally.show(given=given)
    if report.interrupted:
        return 130
    return output.exit_code(1 if report.failed else 0)


@contextlib.contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """Being asked to end is being interrupted: what was heard is summed up, and the exit code says so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
