"""A data directory with something of everything that the console shows, made once and read by many tests.

It takes seconds to make, so pytest's cache keeps it until the code that made it changes. Tests that change something
take a copy.
"""

import fcntl
import hashlib
import shutil
from pathlib import Path

from pupline.backends import MachineBackend, RunRequest, RunSettings
from pupline.bulk import IngestRequest
from tests.shared.functions_fakes import picture
from tests.shared.image_host import image_host

SAMPLE_RUN = "sample"
"""Four executions that succeeded, with two alerts: sample-00001 to sample-00004."""

HOSTILE_RUN = "hostile"
"""Twelve executions: 3 and 5 quarantined, 7 failed with NotFound, 9 and 11 were refused, 8 is a GIF named .jpg."""

FAILED = "hostile-00007"
REFUSED = "hostile-00009"
QUARANTINED = "hostile-00003"
SUCCEEDED = "sample-00001"
ALERTED = "sample-00002"

INGEST_RUN = "bulk"
"""A bulk ingest of six images into the dataset `sample`."""

HOSTILE_NAME_RUN = "names"
"""Two executions with an image URL full of markup: one stored, one failed."""

HOSTILE_PATH = "/%3Cimg%20src=x%20onerror=alert(1)%3E%22'%0A%E2%80%AE.png"
"""Markup, quotes, a line feed and a right-to-left override."""

_ROOT = Path(__file__).parents[2]


def shared_world(cache: Path) -> Path:
    """The directory, made unless it is in the cache. Processes wait for the first one."""
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = cache / _digest()
        if not made.exists():
            for old in cache.iterdir():
                if old.is_dir():
                    shutil.rmtree(old)
            build_world(cache / "new")
            (cache / "new").rename(made)
    return made


def build_world(folder: Path) -> None:
    """Make the directory, in an existing or a new folder."""
    with MachineBackend(folder) as backend:
        _run(backend, RunSettings(source="sample"), 4, SAMPLE_RUN)
        _run(backend, RunSettings(source="sample-hostile"), 12, HOSTILE_RUN)
        with image_host({HOSTILE_PATH: picture("PNG")}) as host:
            for number, path in enumerate((HOSTILE_PATH, f"/missing{HOSTILE_PATH}"), 1):
                settings = RunSettings(image_url=f"{host.origin}{path}")
                _run(backend, settings, 1, f"{HOSTILE_NAME_RUN}-{number}")
        request = IngestRequest(source="sample", count=6, workers=1, run_id=INGEST_RUN)
        backend.ingest(request, lambda _event: None, workflow=False)


def _run(backend: MachineBackend, settings: RunSettings, count: int, run_id: str) -> None:
    backend.run(RunRequest(settings, count=count, run_id=run_id, concurrency=16), lambda _event: None)


def _digest() -> str:
    """Of all that can change what is in the directory: the code below the console, and this file."""
    found = hashlib.sha256(Path(__file__).read_bytes())
    source = _ROOT / "src" / "pupline"
    for path in sorted(source.rglob("*.py")):
        if not path.is_relative_to(source / "console") and not path.is_relative_to(source / "cli"):
            found.update(path.read_bytes())
    return found.hexdigest()[:16]
