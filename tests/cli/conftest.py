"""Commands called in process, and one data directory that the reading tests share."""

import contextlib
import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from pupline.cli import _invoke


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """What it printed with --json: every line is an object."""
        return [json.loads(line) for line in self.stdout.splitlines()]


def pupline(*arguments: object) -> Done:
    """`pupline ARGUMENTS` in this process, as `main` runs it but for the exit."""
    out, err = io.StringIO(), io.StringIO()
    words = ["pupline", *map(str, arguments)]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), mock.patch.object(sys, "argv", words):
        code = _invoke()
    return Done(code, out.getvalue(), err.getvalue())


Command = Callable[..., Done]


@pytest.fixture(scope="session")
def command() -> Command:
    """The function that runs a command."""
    return pupline


@pytest.fixture(scope="session")
def kennel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with two runs: `friendly` (12, with a file subscription) and `hostile` (12). Only to be read."""
    data = tmp_path_factory.mktemp("kennel") / "data"
    assert pupline("subscribe", "file", data.parent / "alerts.jsonl", "--data", data).code == 0
    friendly = ("run", "--source", "sample", "--count", "12", "--run-id", "friendly", "--data", data)
    assert pupline(*friendly).code == 0
    hostile = ("run", "--source", "sample-hostile", "--count", "12", "--run-id", "hostile", "--data", data)
    assert pupline(*hostile).code == 1
    return data
