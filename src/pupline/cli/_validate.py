"""`pupline validate`: check a state machine definition as CreateStateMachine does, with all problems at once."""

import json
from collections import Counter
from pathlib import Path

import click

from pupline.cli._command import Command
from pupline.cli._options import json_option
from pupline.cli._output import message, print_json
from pupline.cli._workflow_option import own_workflow
from pupline.errors import ConfigurationError
from pupline.files import read_text
from pupline.text import plural, printable
from pupline.workflow_files import FILES, workflow_path


@click.command(cls=Command)
@click.argument("file", metavar="[FILE]", required=False, type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--type",
    "machine_type",
    type=click.Choice(["STANDARD", "EXPRESS"], case_sensitive=False),
    default="STANDARD",
    show_default=True,
    help="What the definition will run as.",
)
@json_option
def validate(file: Path | None, machine_type: str, as_json: bool) -> int:
    """Check FILE, an Amazon States Language definition in JSON, and list every problem with its JSON path.

    Without FILE: both workflows of the project that this directory is in, of PUPLINE_WORKFLOW, or of pupline itself.
    Placeholders such as ${TopicArn} are allowed where SAM's DefinitionSubstitutions replace them. Exits with 2 when
    there are problems.
    """
    if file is not None:
        return _validate(file, machine_type, as_json=as_json)
    chosen = own_workflow(None)
    files = [workflow_path(name, chosen) for name in FILES]
    return max([_validate(path, machine_type, as_json=as_json) for path in files])


def _validate(file: Path, machine_type: str, *, as_json: bool) -> int:
    from pupline.asl import DefinitionError, StateMachine

    definition = read_definition(file)
    problems: list[tuple[str, str]] = []
    states = 0
    try:
        machine = StateMachine.parse(definition, type="EXPRESS" if machine_type.upper() == "EXPRESS" else "STANDARD")
        states = len(machine.definition["States"])
        problems = _repeated_keys(definition)
    except DefinitionError as error:
        problems = error.problems
    rules, unheeded = ([], None) if problems else _alert_rules(definition, file)
    if as_json:
        found = [{"path": path, "message": text} for path, text in problems]
        not_for_bulk = {"not_for_bulk": unheeded} if unheeded else {}
        print_json({"file": str(file), "valid": not problems, "problems": found, **not_for_bulk})
    elif problems:
        for path, text in problems:
            click.echo(f"{printable(path) or file}: {printable(text)}")
        message(f"{file}: {plural(len(problems), 'problem')}")
    else:
        click.echo(f"{file}: valid, {machine_type.upper()}, {plural(states, 'state')} at the top level")
        if rules:
            click.echo(f"  alert rules: {', '.join(rules)}")
        if unheeded:
            message(f"pupline run can use it; pupline ingest cannot: {unheeded}")
    return 2 if problems else 0


def _alert_rules(definition: str, file: Path) -> tuple[list[str], str | None]:
    """The names of the alert rules in a valid definition, and why bulk ingestion cannot heed them, if it has any."""
    from pupline.tasks.alert_rules import CHOICE, AlertRules

    parsed = json.loads(definition)
    if CHOICE not in parsed["States"]:
        return [], None
    names = list(AlertRules.readable(parsed).names)
    try:
        AlertRules.of(parsed, str(file))
    except ConfigurationError as error:
        return names, str(error)
    return names, None


def _repeated_keys(definition: str) -> list[tuple[str, str]]:
    """A problem for each repeated key of an object: JSON parsers keep the last, and a whole state may be lost."""
    found: list[tuple[str, str]] = []

    def note(pairs: list[tuple[str, object]]) -> dict[str, object]:
        for key, times in Counter(key for key, _ in pairs).items():
            if times > 1:
                found.append(("", f"'{key}' occurs {times} times in one object; only the last would count"))
        return dict(pairs)

    json.loads(definition, object_pairs_hook=note)
    return found


def read_definition(file: Path) -> str:
    """The text of a definition. Raises: ConfigurationError when the file cannot be read as text."""
    try:
        return read_text(file)
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{file}: is not {error.encoding.upper()} text (byte {error.start}); a definition is JSON"
        ) from error
