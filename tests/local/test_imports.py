"""Rooms that bulk runs do not need are not loaded by them: a run begins sooner."""

import subprocess
import sys

import pytest

import pupline.local


def test_bulk_runs_load_only_what_they_need() -> None:
    """An ingest begins without the interpreter of ASL, the console's lists, paginators, and pyarrow."""
    program = (
        "import sys\nimport pupline.bulk._run_ingest\n"
        "rooms = {'pupline.asl', 'pupline.local.pages', 'pupline.sources.api', 'pyarrow'}\n"
        "assert not rooms & set(sys.modules), rooms & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr


def test_every_name_of_the_package_is_there() -> None:
    """Also those that are loaded late; a name that is none is an AttributeError, as of any module."""
    assert all(getattr(pupline.local, name) is not None for name in pupline.local.__all__)
    with pytest.raises(AttributeError, match=r"'pupline\.local' has no attribute 'nothing'"):
        _ = pupline.local.nothing
