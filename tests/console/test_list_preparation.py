"""The thread that keeps the index of the lists up to date."""

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest

from pupline.console.web import _list_preparation
from pupline.console.web._list_preparation import ListPreparation


def test_trouble_with_the_disk_ends_no_preparation(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be opened now is tried again later."""
    monkeypatch.setattr(_list_preparation, "_PAUSE_SECONDS", 0.0)
    prepared, attempts = threading.Event(), iter((True, False))

    @contextmanager
    def reader() -> Iterator[Any]:
        if next(attempts, False):
            raise OSError(errno.EIO, os.strerror(errno.EIO), "pupline.sqlite")
        yield SimpleNamespace(pages=SimpleNamespace(prepare=prepared.set))

    preparation = ListPreparation(reader)
    preparation.start()
    assert prepared.wait(20)
    preparation.stop()
