"""Stopping a run whose source does not answer."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.shared.installed import PUPLINE


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(60)
        yield server


@pytest.mark.parametrize("second", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_says_what_happens_and_the_second_does_not_wait(
    tmp_path: Path, silent: socket.socket, second: signal.Signals
) -> None:
    """Not even for a function that waits for its server for a minute more; the execution is kept."""
    base_url = f"http://127.0.0.1:{silent.getsockname()[1]}/api"
    child = subprocess.Popen(
        [PUPLINE, "run", "--source", base_url, "--timeout", "60", "--data", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with child:
        connection, _ = silent.accept()
        assert child.stderr is not None
        child.send_signal(signal.SIGINT)
        said = next(line for line in child.stderr if line.strip())
        assert "Ctrl-C again" in said
        asked = time.monotonic()
        child.send_signal(second)
        _, errors = child.communicate(timeout=50)
    connection.close()
    assert child.returncode == 130, errors
    assert time.monotonic() - asked < 20
    assert "Traceback" not in errors
    listed = subprocess.run(
        [PUPLINE, "executions", "--json", "--data", str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert '"status":"RUNNING"' in listed.stdout


INTERRUPTING = """
import os, signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
"""


@pytest.mark.parametrize("module", ["pupline.cli", "click", "pupline.cli._audit"])
def test_ctrl_c_while_the_command_loads_is_no_traceback(tmp_path: Path, module: str) -> None:
    """Nothing was begun: one line, and 130."""
    (tmp_path / "sitecustomize.py").write_text(INTERRUPTING.format(module=module))
    done = subprocess.run(
        [PUPLINE, "audit", "--data", tmp_path],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr.strip()) == (130, "pupline: interrupted")
