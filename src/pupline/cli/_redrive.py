"""`pupline redrive`: executions that did not succeed, from where they stopped."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pupline.cli._backend import backend_options, check_local, stack_name
from pupline.cli._command import Command
from pupline.cli._output import data_option, json_option, message, proxy_option
from pupline.cli._progress import RunProgress
from pupline.cli._run import RunView, conclude
from pupline.cli._trouble import work_kept
from pupline.errors import ConfigurationError
from pupline.text import printable

if TYPE_CHECKING:
    from pupline.http import Proxy
    from pupline.tasks.ports import Reader

_CONCURRENCY = 8


@click.command(cls=Command)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--failed", is_flag=True, help="All that failed, timed out or were aborted, instead of NAME.")
@click.option("--run", "run_id", help="With --failed: only the executions of this run.")
@proxy_option
@data_option
@backend_options
@json_option
def redrive(
    names: tuple[str, ...],
    failed: bool,
    run_id: str | None,
    proxy: "Proxy | None",
    data_dir: Path,
    backend: str,
    stack: str | None,
    as_json: bool,
) -> int:
    """Let the executions called NAME go on from the state that did not succeed, and wait for them.

    Name, input and definition stay the same, and what succeeded is not run again. It mends what was aborted, timed out
    or broken off by an error of its own. An execution whose failure was handled and recorded ended in a Fail state; a
    redrive would only enter that again, so those are named and left alone.

    Exits with 1 when an execution failed again or was left alone.
    """
    if failed == bool(names):
        raise click.UsageError("say which: NAME..., or --failed for all that did not succeed")
    if run_id and not failed:
        raise click.UsageError("--run goes with --failed")
    view = RunView(as_json=as_json)
    if backend == "aws":
        return _on_stack(stack_name(stack), view, names, run_id)
    check_local(stack)
    return _on_one_machine(data_dir, view, names, run_id, proxy)


def _on_stack(stack: str, view: RunView, names: tuple[str, ...], run_id: str | None) -> int:
    from pupline.backends.stack import StackReader, StackRedrive
    from pupline.cli._run_aws import watch

    with StackReader.open(stack) as reader:
        redriving = StackRedrive(reader)
        begun = list(redriving.redrive(names or redriving.failed(run_id)))
        for one in redriving.left:
            _leave(one.execution, one.reason)
        if not begun:
            return _nothing(left=bool(redriving.left))
        code = watch(reader, view, len(begun), lambda run: run.watch(iter(begun)))
    return code or (1 if redriving.left else 0)


def _on_one_machine(
    data_dir: Path, view: RunView, names: tuple[str, ...], run_id: str | None, proxy: "Proxy | None"
) -> int:
    from pupline.backends.machine import LocalReader, OneMachine

    if not data_dir.is_dir():
        raise ConfigurationError(f"there is no data directory {data_dir}; nothing was ever started there")
    with LocalReader.open(data_dir) as reader:
        asked = list(names or _unsuccessful(reader, run_id))
        chosen = [name for name in asked if _can_be_redriven(reader, name)]
    if not chosen:
        return _nothing(left=bool(asked))
    with (
        work_kept("the same command goes on"),
        OneMachine.open(data_dir, _CONCURRENCY, view.hear, proxy) as machine,
        RunProgress(len(chosen)) as view.progress,
    ):
        report = machine.redrive(chosen)
    return conclude(report, view, data_dir) or (1 if len(chosen) < len(asked) else 0)


def _unsuccessful(reader: "Reader", run_id: str | None) -> Iterator[str]:
    from pupline.backends._redrive import UNSUCCESSFUL

    for status in UNSUCCESSFUL:
        yield from (row.name for row in reader.executions(status=status, run=run_id))


def _can_be_redriven(reader: "Reader", name: str) -> bool:
    from pupline.backends._redrive import Ended, why_not_redriven

    story = reader.execution(name)
    reason = why_not_redriven(Ended(story.row.status, story.input, reversed(story.history)))
    if reason is not None:
        _leave(name, reason)
    return reason is None


def _leave(name: str, reason: str) -> None:
    message(f"pupline: {printable(name)}: not redriven: {printable(reason, 400)}")


def _nothing(*, left: bool) -> int:
    if not left:
        message("Nothing to redrive: no execution failed, timed out or was aborted.")
    return 1 if left else 0
