"""docs/threat-model.md names tests that exist, and one for each sentence of the rules of reliability."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "threat-model.md").read_text()
RULES = ROOT.parent / "shared" / "reliability.md"

ROWS = re.findall(r"^\| (.+) \| (.+) \|$", PAGE.partition("## Promises")[2], re.MULTILINE)
"""First words of a sentence, and its tests."""


@cache
def functions_of(path: Path) -> frozenset[str]:
    """The names of all functions in a file."""
    tree = ast.parse(path.read_text())
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def sentences(text: str) -> Iterator[str]:
    """What lies between full stops, colons and semicolons of the paragraphs and items of a page."""
    text = re.sub(r"^#.*$", "", text, flags=re.MULTILINE)
    for block in re.split(r"\n\s*\n|\n(?=- |\d+\. )", text):
        plain = " ".join(re.sub(r"^(- |\d+\. )", "", block.strip()).split())
        yield from filter(None, re.split(r"(?<=[.:])\s+(?=[A-Z`])|(?<=;)\s+", plain))


def test_every_test_of_the_page_exists() -> None:
    """A test that is renamed or removed takes its promise along, unless the page says where it is now."""
    named = re.findall(r"`([\w/]+\.py)::(\w+)`", PAGE)
    assert len(named) > len(ROWS) > 50
    missing = [(file, name) for file, name in named if name not in functions_of(ROOT / "tests" / file)]
    assert missing == []


def test_every_row_has_a_test() -> None:
    """No threat and no promise stands there without one."""
    rows = [
        line
        for line in PAGE.splitlines()
        if line.startswith("| ") and not line.startswith(("| ---", "| the", "| threat"))
    ]
    assert [row for row in rows if "::test_" not in row] == []


def test_every_sentence_has_its_row() -> None:
    """One row for each sentence of the rules, and none for a sentence that is not there."""
    if not RULES.exists():
        pytest.skip("../shared/reliability.md is absent")
    beginnings = [begin for begin, _ in ROWS if not begin.startswith(("the sentence", "---"))]
    found = list(sentences(RULES.read_text()))
    without = [sentence for sentence in found if not any(sentence.startswith(begin) for begin in beginnings)]
    assert without == []
    unused = [begin for begin in beginnings if not any(sentence.startswith(begin) for sentence in found)]
    assert unused == []
    assert [begin for begin, count in Counter(beginnings).items() if count > 1] == []
