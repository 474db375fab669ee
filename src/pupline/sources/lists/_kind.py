"""The format of a list's rows, from its name and its beginning."""

import json
from typing import Final, Literal, TypeAlias

from pupline.errors import ConfigurationError
from pupline.sources.lists._dialect import is_header

Kind: TypeAlias = Literal["txt", "csv", "json lines", "json array"]

_BLANKS: Final = b"\xef\xbb\xbf \t\r\n"
_LINES = 100


def kind_of(named: str, sample: bytes) -> Kind:
    """The format of a list. named: txt, csv, json or any, from its name. Raises: ConfigurationError."""
    lines = [line.strip(_BLANKS) for line in sample.split(b"\n")[:_LINES]]
    lines = [line for line in lines if line and not line.startswith(b"#")]
    first = lines[0] if lines else b""
    if named == "json":
        return _kind_of_json(lines)
    if named == "txt":
        # Excel's "Text (tab delimited)" is a table with a header.
        return "csv" if b"://" not in first and is_header(first.decode("utf-8", "replace")) else "txt"
    return "csv" if named == "csv" else _guessed(lines)


def _kind_of_json(lines: list[bytes]) -> Kind:
    if lines and lines[0].startswith(b"["):
        return "json array"
    if len(lines) > 1 and lines[0].startswith(b"{") and not _is_json(lines[0]) and not _is_json(lines[1]):
        raise ConfigurationError(
            "it is a JSON object over several lines; give an array of URLs or objects, or one object a line, such as "
            "from: jq -c '.images[]' FILE"
        )
    return "json lines"


def _guessed(lines: list[bytes]) -> Kind:
    """The format of a list without a telling name."""
    first = lines[0] if lines else b""
    if first.startswith(b"[") or (first.startswith((b"{", b'"')) and _is_json(first)):
        return _kind_of_json(lines)
    if b"://" in first:
        return "csv" if b"\t" in first or b'"' in first else "txt"
    if is_header(first.decode("utf-8", "replace")):
        return "csv"
    if not first:
        return "txt"
    raise ConfigurationError(
        "it is not clear what its lines are; call it .txt where each is a URL, .csv where the first names columns, or "
        ".jsonl"
    )


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line.removesuffix(b","))
    except (ValueError, RecursionError):
        return False
    return True
