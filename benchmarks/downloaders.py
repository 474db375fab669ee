"""Downloaders that neither hash, check nor record what they fetch: how much of their rate does `pupline ingest` reach?

Both make 16 requests at once, and write each file as it came.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import ROOT

REQUESTS = 16

DAFT_PYTHON = ROOT / ".venv" / "daft" / "bin" / "python"

_DAFT = """
import os
import sys
import daft
from daft.functions import download, upload

urls, folder, requests = sys.argv[1], sys.argv[2], int(sys.argv[3])
named = [line.strip() for line in open(urls)]
paths = [f"{folder}/{url.rpartition('/')[2]}" for url in named]
frame = daft.from_pydict({"url": named, "path": paths})
bodies = download(frame["url"], max_connections=requests, on_error="raise")
frame.select(upload(bodies, frame["path"], max_connections=requests)).collect()
os._exit(0)  # its threads can crash an interpreter that ends in order
"""


@dataclass(frozen=True, slots=True)
class Downloader:
    """command: fetches the URLs in a file into a directory. missing: how to install it; None where it is."""

    name: str
    command: Callable[[Path, Path], list[str]]
    missing: Callable[[], str | None]


def _aria2c(urls: Path, directory: Path) -> list[str]:
    return ["aria2c", f"--input-file={urls}", f"--dir={directory}", f"-j{REQUESTS}", "--file-allocation=none", "-q"]


def _aria2c_missing() -> str | None:
    return None if shutil.which("aria2c") else "not installed; on Debian or Ubuntu: apt-get install aria2"


def _daft(urls: Path, directory: Path) -> list[str]:
    return [str(DAFT_PYTHON), "-c", _DAFT, str(urls), str(directory), str(REQUESTS)]


def _daft_missing() -> str | None:
    return None if DAFT_PYTHON.exists() else "not installed: make .venv/daft/stamp"


DOWNLOADERS = (Downloader("aria2c", _aria2c, _aria2c_missing), Downloader("daft", _daft, _daft_missing))
