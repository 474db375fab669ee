"""The Python code of docs/library.md runs as it is written, from the first block to the last."""

import re
from pathlib import Path

import pytest

import pupline.asl
from pupline.testing import load_machine

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "library.md").read_text()


def test_the_code_on_the_page_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks share their names, as in one session; a test on the page is called with the example's files."""
    monkeypatch.chdir(ROOT / "examples" / "orders")
    names: dict[str, object] = {"__name__": "library"}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(compile(block, "docs/library.md", "exec"), names)  # noqa: S102 - our own page
    tests = [value for name, value in names.items() if name.startswith("test_") and callable(value)]
    assert len(tests) == 1
    tests[0](load_machine)


@pytest.mark.parametrize("name", sorted(set(re.findall(r"from pupline\.asl import ([\w, ]+)", PAGE))))
def test_the_names_on_the_page_are_public(name: str) -> None:
    """Each name that the page imports is in the face of the engine."""
    assert {each.strip() for each in name.split(",")} <= set(pupline.asl.__all__)
