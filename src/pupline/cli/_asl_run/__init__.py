"""`pupline asl run`: run a state machine on this machine, with mocks, functions, or both for its Tasks.

`_target` loads the definition and the mocks, `_functions` what --function names, `_template` a template's functions;
`_runner` runs a case, in virtual time or with `_pace` in real time; `_view` shows the end of an execution, and
`_skeleton` writes a file of mocks.
"""

import shlex
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import click

from pupline.cli._command import Command
from pupline.cli._json_option import json_object, json_value
from pupline.cli._options import json_option, substitution_option

_EPILOG = """\b
Exit codes:
  0    succeeded, or ended as its case expects
  1    failed, or differs from what its case expects, or covered less than --fail-under
  2    usage or configuration error, such as a Task that nothing answers
  130  interrupted

\b
Examples:
  pupline asl run order.asl.json --mocks-init --output mocks.json
  pupline asl run order.asl.json --mocks mocks.json --coverage --fail-under 90
  pupline asl run order.asl.json --mocks mocks.json --case HappyPath --graph
  pupline asl run template.yaml#OrderMachine --input @order.json --function Charge=payments:handler
  pupline asl run template.yaml --template template.yaml --input @order.json --wait-scale 0.1
"""


@click.command(cls=Command, epilog=_EPILOG)
@click.argument("file", metavar="FILE[#RESOURCE]")
@click.option(
    "--input", "given_input", metavar="JSON", default="{}", show_default=True, help="JSON, @FILE, or - (stdin)."
)
@click.option(
    "--mocks",
    metavar="FILE",
    help="Answers for Tasks: a MockConfigFile.json (or FILE#NAME), or the simple form, in JSON or YAML.",
)
@click.option("--case", "cases", multiple=True, metavar="NAME", help="Run this case of the mocks. May be repeated.")
@click.option(
    "--function",
    "functions",
    multiple=True,
    metavar="NAME=module:callable",
    help="What answers a Task. NAME: a state, a function, a Resource or a placeholder. May be repeated.",
)
@click.option(
    "--template",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A SAM or CloudFormation template: Tasks call the code of its Lambda functions.",
)
@substitution_option
@click.option("--context", metavar="JSON", help="Parts of the Context Object: JSON, or @FILE.")
@click.option("--name", metavar="NAME", help="The execution's name. [default: the case's name, or run]")
@click.option(
    "--type",
    "machine_type",
    type=click.Choice(["STANDARD", "EXPRESS"], case_sensitive=False),
    help="The type of state machine. [default: the template's, or STANDARD]",
)
@click.option("--graph", is_flag=True, help="Draw the path.")
@click.option("--history", is_flag=True, help="Show the events; with --json in the shape of GetExecutionHistory.")
@click.option("--coverage", is_flag=True, help="Show which states, Catchers, Retriers and rules were never taken.")
@click.option(
    "--fail-under", type=click.FloatRange(0, 100), metavar="PERCENT", help="Exit with 1 when the coverage is lower."
)
@click.option("--real-time", is_flag=True, help="Wait as long as the machine waits.")
@click.option(
    "--wait-scale", type=click.FloatRange(min=0), metavar="FACTOR", help="Wait FACTOR times as long, such as 0.1."
)
@click.option("--mocks-init", is_flag=True, help="Write mocks to start from, and run nothing.")
@click.option(
    "--output", type=click.Path(path_type=Path), help="With --mocks-init: the file to write. [default: stdout]"
)
@json_option
def run(
    file: str,
    given_input: str,
    mocks: str | None,
    cases: tuple[str, ...],
    functions: tuple[str, ...],
    template: Path | None,
    substitutions: dict[str, str],
    context: str | None,
    name: str | None,
    machine_type: str | None,
    graph: bool,
    history: bool,
    coverage: bool,
    fail_under: float | None,
    real_time: bool,
    wait_scale: float | None,
    mocks_init: bool,
    output: Path | None,
    as_json: bool,
) -> int:
    """Run the state machine in FILE: a definition in JSON or YAML, or a template (FILE#RESOURCE).

    Every Task needs an answer: from --mocks, --function or --template, asked in this order. Waits cost nothing.
    Mocks with several cases are run case by case; a case of the simple form may say what it expects.
    """
    from pupline.cli._asl_run._functions import load_functions
    from pupline.cli._asl_run._pace import Pacing
    from pupline.cli._asl_run._runner import Runner
    from pupline.cli._asl_run._skeleton import write_skeleton
    from pupline.cli._asl_run._target import chosen_cases, load_mocks, load_target
    from pupline.cli._asl_run._view import Wanted, report

    if output is not None and not mocks_init:
        raise click.UsageError("--output is for --mocks-init")
    if graph and as_json:
        raise click.UsageError("--graph and --json exclude each other: give one of them")
    if real_time and wait_scale is not None:
        raise click.UsageError("--real-time is --wait-scale 1: give one of them")
    target = load_target(file, substitutions, machine_type)
    if mocks_init:
        write_skeleton(target, output, _same_target(substitutions, machine_type))
        return 0
    if cases and mocks is None:
        raise click.UsageError("--case names a case of a file of mocks: give it with --mocks FILE")
    chosen = chosen_cases(None if mocks is None else load_mocks(mocks, target), cases)
    pacing = Pacing(1.0 if real_time else wait_scale)
    wanted = Wanted(graph, history, coverage or fail_under is not None, as_json, fail_under)
    value = json_value(given_input, "--input")
    parts = None if context is None else json_object(context, "--context")
    with _template_tasks(template) as tasks:
        runner = Runner(target, load_functions(functions, target.machine, tasks), value, parts, name, pacing)
        return report(runner, chosen, wanted)


def _same_target(substitutions: Mapping[str, str], machine_type: str | None) -> str:
    """The options of another command for the same machine."""
    given = [("--substitution", f"{name}={value}") for name, value in substitutions.items()]
    given += [("--type", machine_type)] if machine_type else []
    return "".join(f" {option} {shlex.quote(value)}" for option, value in given)


def _template_tasks(template: Path | None) -> AbstractContextManager[Mapping[str, Any]]:
    if template is None:
        return nullcontext({})
    from pupline.cli._asl_run._template import template_tasks

    return template_tasks(template)
