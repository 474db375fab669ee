"""Data directories on file systems without hard links, or that ignore case and normalise Unicode, as exFAT and HFS+ do.

Only root may mount one; elsewhere the tests are skipped.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import pytest

from tests.e2e.dog_api import jpeg
from tests.e2e.ingest_checks import check_metadata, check_outcomes, objects, records_of
from tests.e2e.ingest_kennel import Kennel, kennel_of, serving
from tests.shared.installed import PUPLINE, pupline

COUNT = 60
ALIKE = ("Rex", "rEX", "REX", "\u00e9te", "e\u0301te", "\u00c9TE", "stra\u00dfe", "STRASSE")
"""Names that are one name on some file system."""

pytestmark = [pytest.mark.long]


@contextmanager
def mounted(place: Path, *options: str) -> Iterator[Path]:
    """An odd file system at a new directory."""
    place.mkdir()
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.file_systems.odd_file_system", str(place), *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout
        if server.stdout.readline() != "mounted\n":
            pytest.skip(f"no file system can be mounted here: {server.communicate()[1].splitlines()[-1]}")
        yield place
    finally:
        server.communicate()


def alike_kennel() -> Kennel:
    """Images with some of everything, and others whose names are alike."""
    kennel = kennel_of(COUNT)
    kennel.flaws = {path: flaw for path, flaw in kennel.flaws.items() if not flaw.startswith("wait")}
    for number, name in enumerate(ALIKE):
        kennel.images[f"pug/{quote(name)}.jpg"] = jpeg(10_000 + number)
    return kennel


@pytest.mark.parametrize("options", [["no-links"], ["folds-names"], ["folds-names", "no-links"]])
def test_an_ingest_killed_on_an_odd_file_system_has_every_image_once(tmp_path: Path, options: list[str]) -> None:
    """Names that are alike are both kept, with the bytes that were served; nothing half-done stays."""
    kennel = alike_kennel()
    with mounted(tmp_path / "disk", *options) as disk, serving(kennel) as base_url:
        data = disk / "data"
        command = ["ingest", base_url, "--dataset", "dogs", "--run-id", "r", "--workers", "1"]
        killed = subprocess.Popen(
            [PUPLINE, *command, "--data", str(data)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 120
        while killed.poll() is None and not list((data / "buckets").rglob("*.jpg")):
            assert time.monotonic() < deadline
            time.sleep(0.002)
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        done = pupline(data, *command)
        assert done.returncode == 1, done.stderr
        assert "Traceback" not in done.stderr
        _check(data, kennel)
        doctor = pupline(data, "doctor")
        assert doctor.returncode == 0, doctor.stdout


def _check(data: Path, kennel: Kennel) -> None:
    records = records_of(data, "r")
    by_url = {record["source_url"]: record for record in records.values()}
    assert {unquote(url) for url in by_url} == {unquote(kennel.url(path)) for path in kennel.images}
    check_outcomes(kennel, {kennel.url(path): by_url[kennel.url(path)] for path in kennel.images})
    stored = {record["image_url"]: record["sha256"] for record in records.values() if record["image_url"]}
    for url, digest in stored.items():
        assert sha256(Path(unquote(urlsplit(url).path)).read_bytes()).hexdigest() == digest, url
    files = objects(data, "html") | objects(data, "quarantine")
    assert sorted(files.values()) == sorted(set(stored.values()))
    check_metadata(data, "r", records)
    assert list((data / "tmp").iterdir()) == []
