"""Every environment variable of pupline stands in the table of docs/commands.md, and the table names no other."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAME = re.compile(r"PUPLINE_[A-Z_]+")


def test_the_table_of_settings_is_complete() -> None:
    """What the code reads, the page explains."""
    read = {name for path in (ROOT / "src").rglob("*.py") for name in NAME.findall(path.read_text())}
    section = (
        (ROOT / "docs" / "commands.md").read_text().split("### Settings in the environment\n")[1].split("\n## ")[0]
    )
    rows = re.findall(r"^\| `(PUPLINE_[A-Z_]+)` \|", section, re.MULTILINE)
    assert set(rows) == read
    assert len(rows) == len(set(rows))
