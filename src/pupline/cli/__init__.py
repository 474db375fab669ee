"""The `pupline` command. Subcommands are imported when they are called, so that help and errors appear at once.

Exit codes: 0 all good, 1 finished but some failed, 2 usage or configuration error, 3 stopped by --tolerate,
130 interrupted.
"""

import os
import sys
import threading
from collections.abc import Callable
from typing import Any

import click

from pupline import __version__
from pupline.cli._lazy_group import LazyGroup, Sections
from pupline.cli._signals import INTERRUPTED, end_on_signals
from pupline.cli._streams import OutputLost, prepare_streams
from pupline.errors import ConfigurationError, DamagedDatabase, PuplineError, TaskFailure, local_trouble

_SECTIONS: Sections = {
    "Fetch images": {
        "run": ("_run", "Fetch images, check, alert and audit them, through the workflow."),
        "ingest": ("_ingest", "Fetch every image of a source, once, and write its metadata."),
        "sources": ("_sources", "Where images can come from: list, show, validate and test sources."),
    },
    "See what became of them": {
        "serve": ("_console", "The console: executions, images, records and alerts in a browser."),
        "insights": ("_insights", "Image types and alert frequency, then reasons, breeds, duplicates, bytes."),
        "audit": ("_audit", "The audit records: one per requested image."),
        "alerts": ("_alerts", "The alerts, and the status of their deliveries."),
        "subscribe": ("_subscribe", "Send alerts to the console, a file, a webhook, e-mail or an Apprise URL."),
    },
    "Runs": {
        "runs": ("_runs", "List runs of every kind: their state, counts, and how to continue them."),
        "resume": ("_resume", "Finish what a stopped or killed process left unfinished."),
        "stop": ("_stop", "End an execution, or an unfinished run."),
        "discard": ("_discard", "Remove a run or a dataset, with the images that nothing else needs."),
        "executions": ("_executions", "List executions; show one with its history or as a graph."),
        "redrive": ("_redrive", "Resume failed executions at the failed state."),
    },
    "Datasets": {
        "datasets": ("_runs", "List the datasets with their images, bytes and runs."),
        "quality": ("_quality", "Decode a dataset's pictures: near-duplicates, blur, darkness, changed images."),
        "export": ("_export", "Put the clean dataset in one place, from all its runs."),
        "merge": ("_merge", "Join the bulk ingests of several data directories, exactly."),
    },
    "State machines": {
        "asl": ("_asl", "Any state machine of your own: validate, run, mock, cover and serve it."),
        "validate": ("_validate", "Check state machine definitions; all problems at once."),
        "test-state": ("_test_state", "Run one state alone and show each stage of its data flow."),
    },
    "Workflows and AWS": {
        "init": ("_init", "Make a directory with a workflow, a source and a test of your own."),
        "package": ("_package", "Package the Lambda functions for tools other than SAM."),
        "cost": ("_cost", "What a number of images costs on AWS, by design."),
    },
    "The data directory": {
        "doctor": ("_doctor", "What is configured, reachable and writable."),
        "prune": ("_prune", "Delete the journals of executions that ended long ago."),
    },
}

_EPILOG = """\b
Exit codes:
  0    all good
  1    finished, but some failed
  2    usage or configuration error
  3    stopped by --tolerate
  130  interrupted; the state is saved

\b
Examples:
  pupline run --source sample --count 12
  pupline run --count 100 --concurrency 8 --run-id monday
  pupline ingest dog-ceo --count 1000
  pupline audit --outcome quarantined
  pupline executions monday-00007 --graph
"""


@click.command(
    cls=LazyGroup,
    sections=_SECTIONS,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="pupline")
def cli() -> None:
    """Fetch dog images, check what they really are, alert on them and audit them.

    The workflow is statemachine/dog_uploader_pipeline.asl.json, run on this machine exactly as Step Functions runs
    it on AWS. Everything is kept in one data directory (--data, or PUPLINE_DATA; ./pupline-data by default).
    """


def main() -> None:
    """Run the command line and exit with its code. Errors of our own end in one line, not in a traceback."""
    prepare_streams()
    try:
        code = _invoke(_dispatch_with_signals)
        if code == INTERRUPTED or _has_working_threads():
            # Unfinished work is in the journal. A function may still wait for a slow server in its thread, or hang
            # there, and the interpreter would wait for it.
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        sys.exit(code)
    except KeyboardInterrupt:  # while the last lines were printed
        os._exit(INTERRUPTED)
    except OutputLost as error:  # while an error was printed
        sys.exit(0 if error.reader_gone else 1)


def _has_working_threads() -> bool:
    return any(thread is not threading.main_thread() and not thread.daemon for thread in threading.enumerate())


def _dispatch() -> Any:
    return cli.main(standalone_mode=False)


def _dispatch_with_signals() -> Any:
    end_on_signals()
    return _dispatch()


def _invoke(command: Callable[[], Any] = _dispatch) -> int:
    """The exit code. A program that calls this keeps its own signal handlers."""
    try:
        code = command()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("pupline: interrupted", err=True)
        return INTERRUPTED
    except OutputLost as error:
        if error.next_step:
            click.echo(f"pupline: {error}. {error.next_step}", err=True)
            return INTERRUPTED
        if error.reader_gone:  # `pupline audit | head`: the reader has enough
            return 0
        click.echo(f"pupline: {error}", err=True)
        return 1
    except ConfigurationError as error:
        click.echo(f"pupline: {error}", err=True)
        return 2
    except DamagedDatabase as error:
        click.echo(f"pupline: {error.message}", err=True)
        return 2
    except PuplineError as error:
        # The text of a failure with details is JSON, for a Catcher.
        click.echo(f"pupline: {error.message if isinstance(error, TaskFailure) else error}", err=True)
        return 1
    except Exception as error:
        trouble = local_trouble(error)  # such as no memory for an import, which no room of ours could report
        if trouble is None:
            raise
        click.echo(f"pupline: {trouble.message}", err=True)
        return 1
    return code if isinstance(code, int) else 0
