"""`pupline asl serve`: a process of its own, with signals, and a data directory that outlives it."""

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

PASS = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}})
ROLE = "arn:aws:iam::123456789012:role/any"


def command(data: Path, *words: str, port: int = 0) -> list[str]:
    """The command, by default on a free port."""
    return [sys.executable, "-m", "pupline", "asl", "serve", "--port", str(port), "--data", str(data), *words]


@contextlib.contextmanager
def served(data: Path, *words: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A server and its ready line, killed at the end if it is still there."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command(data, "--json", *words), stdout=pipe, stderr=pipe, text=True) as child:
        try:
            assert child.stdout is not None
            yield child, json.loads(child.stdout.readline())
        finally:
            child.kill()


def client_of(url: str) -> Any:
    """boto3's client of a server."""
    return boto3.client(
        "stepfunctions",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="any",
        aws_secret_access_key="any",  # noqa: S106
        config=Config(retries={"total_max_attempts": 1}),
    )


def test_the_server_ends_cleanly_on_a_signal(tmp_path: Path) -> None:
    """Exit code 0, one line, and the log of what was asked, on stderr."""
    with served(tmp_path) as (child, ready):
        client_of(ready["url"]).list_state_machines()
        child.send_signal(signal.SIGTERM)
        out, err = child.communicate(timeout=20)
    assert (child.returncode, out) == (0, "")
    first, last = err.splitlines()
    assert first.startswith("ListStateMachines ok ")
    assert last == "pupline: stopped"


def test_what_was_acknowledged_survives_a_kill(tmp_path: Path) -> None:
    """A machine, and an execution that waits: after SIGKILL both are there, and the execution ends."""
    wait = json.dumps({"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 1, "End": True}}})
    with served(tmp_path) as (_, ready):
        client = client_of(ready["url"])
        arn = client.create_state_machine(name="kept", definition=wait, roleArn=ROLE)["stateMachineArn"]
        execution = client.start_execution(stateMachineArn=arn)["executionArn"]
    with served(tmp_path, "--quiet", "--wait-scale", "0") as (_, ready):
        client = client_of(ready["url"])
        assert client.describe_state_machine(stateMachineArn=arn)["definition"] == wait
        while (found := client.describe_execution(executionArn=execution))["status"] == "RUNNING":
            pass
        assert found["status"] == "SUCCEEDED"


def test_what_cannot_be_served_is_said_in_one_line(tmp_path: Path) -> None:
    """A port in use, and a directory in use: exit code 2 and what to do."""
    with served(tmp_path / "one") as (_, ready):
        wrong = {
            "is in use by another program": command(tmp_path / "two", port=ready["port"]),
            "is in use by another pupline": command(tmp_path / "one"),
        }
        for text, words in wrong.items():
            done = subprocess.run(words, capture_output=True, text=True, timeout=30, check=False)
            assert (done.returncode, done.stdout) == (2, "")
            assert text in done.stderr
            assert len(done.stderr.splitlines()) == 1
