"""The report of `pupline validate`, in one of its forms, and the exit code."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import click

from pupline.cli._finding_formats import github_line, sarif, text_line
from pupline.cli._findings import Finding
from pupline.cli._output import is_terminal, message, print_json
from pupline.cli._source_excerpt import source_excerpt
from pupline.definitions import LoadedDefinition, Position, Skipped, Unread
from pupline.text import plural, printable

Format = Literal["text", "json", "sarif", "github"]
_FOLDERS_NAMED = 5


@dataclass
class Report:
    """What was found so far.

    is_brief: valid definitions are only counted. is_strict: warnings are problems too. has_folders: definitions were
    looked for, so that none is an error.
    """

    format: Format
    is_brief: bool
    is_strict: bool
    has_folders: bool
    checked: int = 0
    unreadable: int = 0
    levels: Counter[str] = field(default_factory=Counter)
    _all: list[Finding] = field(default_factory=list)
    _skipped_folders: list[Path] = field(default_factory=list)
    _told: set[Finding] = field(default_factory=set)

    def definition(self, loaded: LoadedDefinition, findings: list[Finding], not_for_bulk: str | None) -> None:
        """Report a definition that was read. not_for_bulk: why bulk ingestion cannot use it, if that is so."""
        self.checked += 1
        is_valid = self.is_valid(findings)
        self._findings(findings)
        if self.format == "json":
            _print_row(loaded, findings, is_valid=is_valid, not_for_bulk=not_for_bulk)
        elif self.format == "text" and is_valid and not self.is_brief:
            states = plural(len(loaded.definition["States"]), "state")
            click.echo(f"{printable(loaded.name, 1000)}: valid, {loaded.type}, {states} at the top level")

    def broken(self, finding: Finding) -> None:
        """Report a file that is not JSON or YAML."""
        self.checked += 1
        self._findings([finding])
        if self.format == "json":
            print_json({"file": finding.file, "valid": False, "problems": [_problem(finding)]})

    def failed(self, one: Unread) -> None:
        """Report what cannot be read at all."""
        self.unreadable += 1
        if self.format in ("text", "json"):
            message(f"pupline: {one.error}")
        else:
            self._findings([Finding(one.path, Position(1, 1), "ERROR", "CANNOT_BE_READ", str(one.error))])

    def skipped(self, one: Skipped) -> None:
        """Report what was not checked."""
        if one.path.is_dir():
            self._skipped_folders.append(one.path)
        else:
            message(f"skipped {printable(str(one.path), 1000)}: {one.why}")

    def exit_code(self, problems: int) -> int:
        """0 when all is valid, `problems` when something is not; 2 for what cannot be read, or where nothing is."""
        if self.unreadable or (self.has_folders and not self.checked):
            return 2
        return problems if self.levels["error"] or (self.is_strict and self.levels["warning"]) else 0

    def is_valid(self, findings: list[Finding]) -> bool:
        """Whether these leave a definition valid."""
        return not any(one.severity == "ERROR" or self.is_strict for one in findings)

    def _findings(self, findings: list[Finding]) -> None:
        """Report each finding once: a file may belong to several state machines."""
        for one in findings:
            if one in self._told:
                continue
            self._told.add(one)
            self.levels[one.level] += 1
            self._all.append(one)
            if self.format == "text":
                click.echo(text_line(one))
                if is_terminal():
                    click.echo("\n".join(source_excerpt(one)))
            elif self.format == "github":
                click.echo(github_line(one))

    def end(self) -> None:
        """Print what stands at the end: the log in SARIF, what was skipped, and the figures."""
        if self.format == "sarif":
            print_json(sarif(self._all))
        if self._skipped_folders:
            names = sorted({path.name for path in self._skipped_folders})
            more = f" and {len(names) - _FOLDERS_NAMED} more" if len(names) > _FOLDERS_NAMED else ""
            shown = ", ".join(printable(name) for name in names[:_FOLDERS_NAMED])
            message(f"skipped folders that are hidden or hold dependencies: {shown}{more}")
        figures = [plural(self.levels[level], noun) for level, noun in (("error", "problem"), ("warning", "warning"))]
        found = ", ".join(text for text in figures if not text.startswith("0 "))
        checked = plural(self.checked, "definition")
        if found:
            message(f"{checked} checked: {found}")
        elif self.is_brief and self.checked and self.format == "text":
            click.echo(f"{checked} checked: all valid" if self.checked > 1 else f"{checked} checked: valid")
        if not self.checked and not self.unreadable:
            message("no state machine definition was found")


def _print_row(loaded: LoadedDefinition, findings: list[Finding], *, is_valid: bool, not_for_bulk: str | None) -> None:
    """A line of JSON for a definition; `resource` and `template` only where it is in a template."""
    row: dict[str, Any] = {"file": str(loaded.file), "valid": is_valid}
    row["problems"] = [_problem(one) for one in findings if one.severity == "ERROR"]
    if warnings := [_problem(one) for one in findings if one.severity == "WARNING"]:
        row["warnings"] = warnings
    if loaded.template is not None:
        row |= {"template": str(loaded.template), "resource": loaded.resource}
    if not_for_bulk:
        row["not_for_bulk"] = not_for_bulk
    print_json(row)


def _problem(finding: Finding) -> dict[str, Any]:
    line, column = finding.position
    message = f"{finding.code}: {finding.message}"
    return {"path": finding.path, "message": message, "code": finding.code, "line": line, "column": column}
