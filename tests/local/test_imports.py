"""The engine is loaded only by those who run executions: bulk runs begin without it."""

import subprocess
import sys

import pytest

import pupline.local


def test_bulk_runs_load_no_engine() -> None:
    """Opening a data directory's package, with all that an ingest uses of it, leaves the interpreter of ASL out."""
    program = (
        "import sys\nfrom pupline.local import Arrival, Ingests, GroupCommitter, LocalBackend, NewIngest\n"
        "assert 'pupline.asl' not in sys.modules, 'pupline.asl'\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr


def test_every_name_of_the_package_is_there() -> None:
    """Also those that are loaded late; a name that is none is an AttributeError, as of any module."""
    assert all(getattr(pupline.local, name) is not None for name in pupline.local.__all__)
    with pytest.raises(AttributeError, match=r"'pupline\.local' has no attribute 'nothing'"):
        _ = pupline.local.nothing
