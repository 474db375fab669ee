"""What applies to the tests of the AWS side."""

import time
from types import SimpleNamespace

import pytest


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """botocore repeats requests at once."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(**{**vars(time), "sleep": lambda _: None}))
