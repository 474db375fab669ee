"""The format of a list's rows, from its name and its beginning."""

import json
import re
from contextlib import suppress
from typing import Final, Literal, TypeAlias

from pupline.errors import ConfigurationError
from pupline.sources.lists._columns import is_url_name
from pupline.sources.lists._dialect import is_header

Kind: TypeAlias = Literal["txt", "csv", "json lines", "json array"]

_BLANKS: Final = b"\xef\xbb\xbf \t\r\n"
_LINES = 100
_MEMBER = re.compile(r'[\s,]*("(?:[^"\\]|\\.)*+")\s*:\s*')
_LIST = re.compile(r'\[\s*(?:\{|"https?://)')


def kind_of(named: str, sample: bytes, column: str | None = None) -> Kind:
    """The format of a list. named: txt, csv, json or any, from its name. Raises: ConfigurationError.

    column: of the URLs, where the user named one.
    """
    lines = [line.strip(_BLANKS) for line in sample.split(b"\n")[:_LINES]]
    lines = [line for line in lines if line and not line.startswith(b"#")]
    first = lines[0] if lines else b""
    if named == "json":
        return _kind_of_json(lines, column)
    if named == "txt":
        # Excel's "Text (tab delimited)" is a table with a header.
        return "csv" if b"://" not in first and is_header(first.decode("utf-8", "replace")) else "txt"
    return "csv" if named == "csv" else _guessed(lines, column)


def _kind_of_json(lines: list[bytes], column: str | None) -> Kind:
    if lines and lines[0].startswith(b"["):
        return "json array"
    if not lines or not lines[0].startswith(b"{"):
        return "json lines"
    inner = _list_inside(b"\n".join(lines).decode("utf-8", "replace"))
    if len(lines) > 1:
        is_one = not _is_json(lines[0]) and not _is_json(lines[1])
    else:
        is_one = inner is not None and column is None
    if is_one:
        raise ConfigurationError(
            f"it is one JSON object{' over several lines' if len(lines) > 1 else ''}; give an array of URLs or "
            f"objects, or one object a line, such as from: jq -c '.{inner or 'images'}[]' FILE"
        )
    return "json lines"


def _list_inside(text: str) -> str | None:
    """The name of the longest list of objects or URLs in the object that `text` begins with, and may break off in.

    None where there is no such list, or where the object has a URL of its own.
    """
    read, at, found = json.JSONDecoder().raw_decode, 1, dict[str, int]()
    with suppress(ValueError, RecursionError):  # the sample ends
        while member := _MEMBER.match(text, at):
            name, begin = json.loads(member[1]), member.end()
            if is_url_name(name) and text.startswith('"', begin):
                return None
            is_list = _LIST.match(text, begin) is not None and re.fullmatch(r"\w{1,40}", name, re.ASCII) is not None
            if is_list:
                found[name] = len(text) - begin
            at = read(text, begin)[1]
            if is_list:
                found[name] = at - begin
    return max(found, key=lambda name: found[name], default=None)


def _guessed(lines: list[bytes], column: str | None) -> Kind:
    """The format of a list without a telling name."""
    first = lines[0] if lines else b""
    is_cut = len(lines) == 1 and first.startswith(b'{"')  # a first line that is longer than the sample
    if first.startswith(b"[") or is_cut or (first.startswith((b"{", b'"')) and _is_json(first)):
        return _kind_of_json(lines, column)
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
