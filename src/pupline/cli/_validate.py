"""`pupline validate`: check state machine definitions as CreateStateMachine does, with all problems at once."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Literal

import click

from pupline.cli._command import Command
from pupline.cli._findings import findings_of, unreadable
from pupline.cli._options import json_option, substitution_option
from pupline.cli._output import message
from pupline.cli._validation_report import Format, Report
from pupline.cli._workflow_option import own_workflow
from pupline.definitions import LoadedDefinition, Skipped, UnreadableDefinition, find_definitions
from pupline.errors import ConfigurationError
from pupline.workflow_files import FILES, workflow_path


@click.command(cls=Command)
@click.argument("paths", metavar="[FILE|FOLDER]...", nargs=-1)
@click.option(
    "--type",
    "machine_type",
    type=click.Choice(["STANDARD", "EXPRESS"], case_sensitive=False),
    help="The type of state machine. [default: what a template says, else STANDARD]",
)
@substitution_option
@click.option("--strict", is_flag=True, help="Warnings are problems too.")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "json", "sarif", "github"]),
    help="What to print: lines for people, JSON Lines (as --json), a SARIF log, or annotations for GitHub. "
    "[default: text]",
)
@json_option
def validate(
    paths: tuple[str, ...],
    machine_type: Literal["STANDARD", "EXPRESS"] | None,
    substitutions: dict[str, str],
    strict: bool,
    output_format: Format | None,
    as_json: bool,
) -> int:
    """Check state machine definitions in the Amazon States Language, and list every problem with its place.

    FILE is a definition in JSON or YAML, or a template of SAM, CloudFormation or the Serverless Framework;
    template.yaml#Resource names one of its state machines. FOLDER stands for all definitions and templates below it.
    Without either: the workflows of the project that this directory is in, of PUPLINE_WORKFLOW, or of pupline itself.

    Placeholders such as ${TopicArn} may stand wherever a value can.

    Exits with 0 when all is valid, with 1 when there are problems, with 2 when something cannot be read. The command
    `pupline validate` of one FILE also exits with 2 for problems, as it always did; `pupline asl validate` does not.
    """
    if as_json and output_format not in (None, "json"):
        raise click.UsageError(f"--json and --format {output_format} exclude each other")
    chosen = own_workflow(None) if not paths else None
    named: Iterable[str | Path] = paths or [workflow_path(name, chosen) for name in FILES]
    has_folders = any(Path(path).is_dir() for path in paths)
    is_brief = has_folders or len(paths) > 1
    report = Report("json" if as_json else output_format or "text", is_brief, strict, has_folders)
    for found in find_definitions(named, substitutions):
        if isinstance(found, LoadedDefinition):
            _check(found if machine_type is None else replace(found, type=machine_type), report)
        elif isinstance(found, Skipped):
            report.skipped(found)
        elif isinstance(found.error, UnreadableDefinition):
            report.broken(unreadable(found.error))
        else:
            report.failed(found)
    report.end()
    return report.exit_code(problems=1 if is_brief or _is_below_asl() else 2)


def _is_below_asl() -> bool:
    parent = click.get_current_context().parent
    return parent is not None and parent.info_name == "asl"


def _check(loaded: LoadedDefinition, report: Report) -> None:
    findings = findings_of(loaded)
    is_valid = report.is_valid(findings)
    rules, unheeded = _alert_rules(loaded) if is_valid and not report.is_brief else ([], None)
    report.definition(loaded, findings, unheeded)
    if report.format == "text" and rules:
        click.echo(f"  alert rules: {', '.join(rules)}")
    if report.format == "text" and unheeded:
        message(f"pupline run can use it; pupline ingest cannot: {unheeded}")


def _alert_rules(loaded: LoadedDefinition) -> tuple[list[str], str | None]:
    """The names of the alert rules in a valid definition, and why bulk ingestion cannot heed them, if it has any."""
    from pupline.tasks.alert_words import CHOICE

    if CHOICE not in loaded.definition["States"]:
        return [], None
    from pupline.tasks.alert_rules import AlertRules

    names = list(AlertRules.readable(loaded.definition).names)
    try:
        AlertRules.of(loaded.definition, str(loaded.file))
    except ConfigurationError as error:
        return names, str(error)
    return names, None
