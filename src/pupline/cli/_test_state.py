"""`pupline test-state`: run one state of a definition and show each stage of its data flow."""

import json
from pathlib import Path
from typing import Any

import click

from pupline.cli._command import Command
from pupline.cli._json_option import json_object, json_value
from pupline.cli._options import json_option, substitution_option, values_needed
from pupline.cli._output import cell, console, print_json
from pupline.definitions import load_definition
from pupline.errors import ConfigurationError
from pupline.text import printable

_STAGES = {
    "input": "Input",
    "afterArguments": "after Arguments",
    "afterInputPath": "after InputPath",
    "afterParameters": "after Parameters",
    "afterItemsPath": "after ItemsPath",
    "afterItemSelector": "after ItemSelector",
    "afterItemBatcher": "after ItemBatcher",
    "result": "Result",
    "afterResultSelector": "after ResultSelector",
    "afterResultPath": "after ResultPath",
}
"""The stages in the order in which the States Language applies them, by TestState's names."""

_STYLES = {"SUCCEEDED": "green", "CAUGHT_ERROR": "yellow", "RETRIABLE": "yellow", "FAILED": "red"}


@click.command("test-state", cls=Command)
@click.argument("file", metavar="FILE[#RESOURCE]", type=click.Path(dir_okay=False, path_type=Path))
@click.argument("state")
@click.option(
    "--input",
    "state_input",
    metavar="JSON",
    default="{}",
    show_default=True,
    help="The state's input: JSON, @FILE, or - (stdin).",
)
@click.option("--variables", metavar="JSON", help="What $name reads: a JSON object, or @FILE.")
@click.option("--context", metavar="JSON", help="Parts of the Context Object: JSON, or @FILE.")
@click.option(
    "--result",
    metavar="JSON",
    help="What the task answers: JSON, or @FILE. Task, Map and Parallel need this or --error.",
)
@click.option("--error", metavar="NAME", help="The Error Name that the task fails with.")
@click.option("--cause", default="", help="With --error: the Cause.")
@substitution_option
@json_option
def test_state(
    file: Path,
    state: str,
    state_input: str,
    variables: str | None,
    context: str | None,
    result: str | None,
    error: str | None,
    cause: str,
    substitutions: dict[str, str],
    as_json: bool,
) -> int:
    """Run STATE of the definition in FILE alone, as TestState does, and show each stage of its data flow.

    Nothing is called: --result or --error stand for the answer of a task. Exits with 1 when the state fails.
    """
    from pupline.asl import DefinitionError, TestStateError, TestStateRequest, run_test_state

    if result is not None and error is not None:
        raise click.UsageError("--result and --error exclude each other")
    mock: dict[str, Any] | None = None if result is None else {"result": json.dumps(json_value(result, "--result"))}
    if error is not None:
        mock = {"errorOutput": {"error": error, "cause": cause}}
    request = TestStateRequest(
        definition=load_definition(file, substitutions).definition,
        input=json_value(state_input, "--input"),
        state_name=state,
        inspection_level="DEBUG",
        variables=None if variables is None else json_object(variables, "--variables"),
        context=None if context is None else json_object(context, "--context"),
        mock=mock,
    )
    try:
        answer = run_test_state(request)
    except DefinitionError as error_of_file:
        problem = values_needed(error_of_file.unfilled) if error_of_file.unfilled else str(error_of_file)
        raise ConfigurationError(f"{file}, state '{printable(state)}': {printable(problem, 2000)}") from error_of_file
    except TestStateError as refused:
        problem = "nothing is called here; give what it answers with --result, or how it fails with --error"
        if not refused.needs_mock:
            problem = printable(str(refused), 2000)
        raise ConfigurationError(f"{file}, state '{printable(state)}': {problem}") from refused
    if as_json:
        print_json(answer)
    else:
        _show(state, answer)
    return 1 if answer["status"] == "FAILED" else 0


def _show(state: str, answer: dict[str, Any]) -> None:
    from rich.text import Text

    out = console()
    out.print(cell(f"{state}  {answer['status']}", _STYLES.get(answer["status"], "")))
    stages = answer.get("inspectionData", {})
    for key, title in _STAGES.items():
        if key in stages:
            _stage(title, stages[key])
    if "output" in answer:
        _stage("Output", answer["output"])
    if variables := stages.get("variables"):
        _stage("Variables", variables)
    if details := stages.get("errorDetails"):
        _stage("Error details", json.dumps(details))
    if answer.get("error"):
        out.print()
        out.print(Text(f"{printable(answer['error'])}: {printable(answer.get('cause') or '', 1000)}", "red"))
    if answer.get("nextState"):
        out.print()
        out.print(cell(f"Next: {answer['nextState']}", "bold"))


def _stage(title: str, text: str) -> None:
    try:
        shown = json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        shown = text
    out = console()
    out.print()
    out.print(cell(title, "bold"))
    for line in shown.splitlines():
        out.print(cell(f"  {line}"))
