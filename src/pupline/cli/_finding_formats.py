"""The forms in which `pupline validate` reports: for people, for programs, for GitHub."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pupline import __version__
from pupline.cli._findings import Finding
from pupline.text import printable

_RULES = {
    "CANNOT_BE_READ": "A file cannot be read.",
    "DUPLICATE_KEY": "A key occurs more than once in an object.",
    "DUPLICATE_STATE_NAME": "Two states have the same name.",
    "INVALID_JSON_DESCRIPTION": "The definition is not valid JSON.",
    "INVALID_TEMPLATE": "The template has no definition that can be read.",
    "INVALID_YAML_DESCRIPTION": "The definition is not valid YAML.",
    "INVALID_JSONATA_EXPRESSION": "A JSONata expression is not valid.",
    "LITERAL_JSONATA": "A text looks like JSONata, but is not evaluated.",
    "LITERAL_JSONPATH": "A text looks like a path, but is not evaluated.",
    "MISSING_END_STATE": "No state ends the state machine.",
    "MISSING_TRANSITION_TARGET": "A transition leads to a state that does not exist, or a state cannot be reached.",
    "NOT_SUPPORTED": "The definition has something that pupline does not run.",
    "NO_DOLLAR": "A path is not evaluated, as the name of its field does not end in .$.",
    "NO_PATH": "A path stands where the field takes a value; its path has a field of its own.",
    "PASS_RESULT_IS_STATIC": "A Pass state's Result is not evaluated.",
    "SCHEMA_VALIDATION_FAILED": "The definition does not follow the States Language.",
    "SHADOWED_VARIABLE": "A variable hides another of the same name.",
    "UNDEFINED_VARIABLE": "A variable is read that is not assigned.",
    "UNKNOWN_ERROR_NAME": "An Error Name is not one of the States Language.",
    "UNSUPPORTED_JSONATA_EXPRESSION": "A JSONata expression has something that AWS does not run.",
}
"""A sentence for each code that is common; others are described by their names."""


def text_line(finding: Finding) -> str:
    """`machine.asl.json:4:5: error: $.States.Pay.Next: Missing 'Next' target: Z [MISSING_TRANSITION_TARGET]`."""
    place = f"{printable(finding.file, 1000)}:{finding.position.line}:{finding.position.column}"
    where = f"{printable(finding.path, 500)}: " if finding.path else ""
    return f"{place}: {finding.level}: {where}{printable(finding.message, 1000)} [{finding.code}]"


def github_line(finding: Finding) -> str:
    """A workflow command, of which GitHub makes an annotation. Source: GitHub, "Workflow commands"."""
    properties = {
        "file": _relative(finding.file),
        "line": str(finding.position.line),
        "col": str(finding.position.column),
        "title": finding.code,
    }
    listed = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in properties.items())
    message = f"{finding.path}: {finding.message}" if finding.path else finding.message
    return f"::{finding.level} {listed}::{_escaped(printable(message, 2000))}"


def sarif(findings: Sequence[Finding]) -> dict[str, Any]:
    """A SARIF 2.1.0 log, as GitHub's code scanning takes it. Columns count characters."""
    codes = sorted({one.code for one in findings})
    driver = {
        "name": "pupline",
        "semanticVersion": __version__,
        "rules": [_sarif_rule(code) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": all(one.code != "CANNOT_BE_READ" for one in findings)}],
        "results": [_sarif_result(one, codes.index(one.code)) for one in findings],
    }
    return {"$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run]}


def _sarif_rule(code: str) -> dict[str, Any]:
    """A rule with all the texts that code scanning shows."""
    text = {"text": _described(code)}
    return {"id": code, "shortDescription": text, "fullDescription": text, "help": text}


def _sarif_result(finding: Finding, rule: int) -> dict[str, Any]:
    line, column = finding.position
    location: dict[str, Any] = {
        "physicalLocation": {
            "artifactLocation": {"uri": _uri(finding.file)},
            "region": {"startLine": line, "startColumn": column},
        }
    }
    if finding.path:
        location["logicalLocations"] = [{"fullyQualifiedName": finding.path, "kind": "property"}]
    return {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": finding.level,
        "message": {"text": f"{finding.path}: {finding.message}" if finding.path else finding.message},
        "locations": [location],
    }


def _described(code: str) -> str:
    return _RULES.get(code, code.replace("_", " ").capitalize() + ".")


def _uri(file: str) -> str:
    """A relative URI for a file below the working directory, which code scanning takes for the repository's root."""
    path = _relative(file)
    return Path(path).absolute().as_uri() if os.path.isabs(path) else quote(os.fsencode(path))  # noqa: PTH117 - as text


def _relative(file: str) -> str:
    found = os.path.relpath(file)
    return str(Path(file).absolute()) if found.startswith("..") else Path(found).as_posix()


def _escaped(text: str, more: str = "") -> str:
    """A text inside a workflow command: neither a line break nor a separator of its own."""
    for character in "%\r\n" + more:
        text = text.replace(character, f"%{ord(character):02X}")
    return text
