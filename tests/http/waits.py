"""Both ways of bounding a wait, on a machine that has both."""

import sys

import pytest


@pytest.fixture(params=["kernel", "python"])
def bounded_by(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whose time-outs bound each wait of a plain connection: the kernel's, as on Linux, or Python's, as elsewhere."""
    way = str(request.param)
    if way == "kernel" and sys.platform != "linux":
        pytest.skip("only Linux bounds a whole call")
    monkeypatch.setattr("pupline.http._connection._KERNEL_BOUNDS_CALLS", way == "kernel")
    return way
