"""A proxy (microburst) between the functions and the local AWS that makes AWS fail as AWS does."""

import json
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.aws.aws_stack import local_aws


class Faults:
    """A running proxy. `endpoint` is AWS for the functions."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint

    def inject(self, *rules: dict[str, Any]) -> None:
        """From now on these rules, and a clean log."""
        self._call("DELETE", "fired")
        self._call("POST", "rules", list(rules))

    def fired(self) -> list[str]:
        """What was injected since: `s3 PutObject error:SlowDown`, one per fault."""
        return [f"{fault['service']} {fault['operation']} {fault['action']}" for fault in self._call("GET", "fired")]

    def answers(self) -> bool:
        """Whether the proxy is up."""
        try:
            self._call("GET", "health")
        except OSError:
            return False
        return True

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        url, data = f"{self.endpoint}/_microburst/{path}", None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310  our own URL
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310  our own URL
            return json.loads(answer.read() or b"null")


@contextmanager
def faults_before(upstream: str, log: Path) -> Iterator[Faults]:
    """A proxy in front of `upstream`, ended with the `with` block."""
    port = local_aws.free_port()
    program = local_aws.PYTHON.with_name("microburst")
    command = [str(program), "--upstream", upstream, "--port", str(port)]
    with (
        log.open("wb") as out,
        subprocess.Popen(command, stdout=out, stderr=out, env=local_aws.plain_environment()) as process,
    ):
        try:
            faults = Faults(f"http://127.0.0.1:{port}")
            give_up = time.monotonic() + 30
            while not faults.answers():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < give_up, log.read_text()
                time.sleep(0.05)
            yield faults
        finally:
            process.terminate()
