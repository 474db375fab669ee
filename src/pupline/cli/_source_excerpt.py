"""The line of a file that a finding is about, with a caret under its place, for a terminal."""

from functools import lru_cache
from pathlib import Path

from pupline.cli._findings import Finding
from pupline.files import read_text
from pupline.text import printable

_SHOWN = 100
"""Characters of a line: a definition may be one line of a megabyte."""


def source_excerpt(finding: Finding) -> list[str]:
    """The line and a line with the caret; nothing where the file cannot be read again, as from a pipe."""
    from rich.cells import cell_len

    lines = _lines(finding.file)
    line, column = finding.position
    if not 0 < line <= len(lines):
        return []
    text = lines[line - 1]
    start = max(0, column - 1 - _SHOWN // 2)
    before, after = text[start : column - 1], text[column - 1 : start + _SHOWN]
    before = printable(before.replace("\t", " "), _SHOWN)
    after = printable(after.replace("\t", " ").rstrip(), _SHOWN)
    number = f"{line:5} | "
    return [f"{number}{before}{after}", " " * (len(number) + cell_len(before)) + "^"]


@lru_cache(maxsize=1)
def _lines(file: str) -> list[str]:
    try:
        return read_text(Path(file)).split("\n") if Path(file).is_file() else []
    except (OSError, UnicodeDecodeError):
        return []
