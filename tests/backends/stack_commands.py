"""Commands against a fake stack, as a user types them: the fixtures `deployed` and `pupline`."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pupline.cli import _invoke
from tests.backends.stack_fakes import PNG, STORED, FakeStack, VirtualTimer, not_found
from tests.backends.stack_fixtures import fake_stack

STACK = ("--backend", "aws", "--stack", "pupline")


@dataclass(frozen=True)
class Done:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> list[dict[str, Any]]:
        """Its JSON Lines."""
        return [json.loads(line) for line in self.out.splitlines()]


Pupline = Callable[..., Done]


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeStack]:
    """The stack `pupline`."""
    monkeypatch.setattr("pupline.backends.stack._backend.Timer", VirtualTimer)
    monkeypatch.chdir(tmp_path)
    with fake_stack(monkeypatch, tmp_path) as stack:
        yield stack


@pytest.fixture
def pupline(
    deployed: FakeStack,  # noqa: ARG001 - it has to be there
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Pupline:
    """Calls a command, in this process: moto lives here."""

    def call(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["pupline", *arguments])
        code = _invoke()  # `main` would end this process when interrupted
        printed = capsys.readouterr()
        assert "Traceback" not in printed.err
        return Done(code, printed.out, printed.err)

    return call


def three_kinds(deployed: FakeStack) -> None:
    """The second image is a PNG, the third is gone."""
    deployed.states.fetch = lambda name: {"2": PNG, "3": not_found()}.get(name[-1], STORED)
