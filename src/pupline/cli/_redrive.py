"""`pupline redrive`: executions that did not succeed, resumed where they failed."""

from typing import TYPE_CHECKING

import click

from pupline.cli._backend import backend_options
from pupline.cli._command import Command
from pupline.cli._name_completion import complete_run
from pupline.cli._options import json_option, machine_option, proxy_option
from pupline.cli._run_view import show_run
from pupline.cli._selection import check_run
from pupline.text import printable

if TYPE_CHECKING:
    from pupline.backends import Backend
    from pupline.http import Proxy


@click.command(cls=Command)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--failed", is_flag=True, help="All executions that failed, timed out or were aborted; give no NAME.")
@click.option("--run", "run_id", shell_complete=complete_run, help="With --failed: only the executions of this run.")
@machine_option
@proxy_option
@backend_options
@json_option
def redrive(
    names: tuple[str, ...],
    failed: bool,
    run_id: str | None,
    workflow: str | None,
    proxy: "Proxy | None",
    backend: "Backend",
    as_json: bool,
) -> int:
    """Resume the executions called NAME at the state that did not succeed, and wait for them.

    Name, input and definition stay the same, and what succeeded is not run again. This helps executions that were
    aborted, timed out or ended with an error of their own. An execution whose failure was handled and recorded ended in
    a Fail state, which a redrive would only enter again, so such executions are named and left alone.

    With --failed it also finishes what a killed process left running.

    With --backend aws, executions of every state machine; NAME may be an ARN. Of BulkIngest it runs the batches of its
    Map Run that failed.

    Exits with 1 when an execution failed again or was left alone.
    """
    from pupline.backends import RedriveSelection

    if run_id and not failed:
        raise click.UsageError("--run goes with --failed")
    if workflow and not failed:
        raise click.UsageError("--workflow goes with --failed")
    if names and failed:
        raise click.UsageError("give NAME or --failed, not both")
    if not names and not failed:
        raise click.UsageError("give NAME, or --failed for all that did not succeed")
    if run_id is not None:
        check_run(backend, run_id)
    request = RedriveSelection(names, run_id, proxy, workflow)
    return show_run(
        backend,
        lambda listener: backend.redrive(request, listener),
        nothing_done=lambda: _nothing_to_redrive(run_id),
        as_json=as_json,
    )


def _nothing_to_redrive(run_id: str | None) -> str:
    if run_id is None:
        return "Nothing to redrive: no execution failed, timed out or was aborted."
    return f"Nothing to redrive: no execution of the run '{printable(run_id)}' failed, timed out or was aborted."
