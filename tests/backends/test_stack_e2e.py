"""The commands with --backend aws on a local AWS with the real template: what they print is what one machine prints."""

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.aws.aws_image_api import image_api
from tests.aws.aws_stack import local_aws
from tests.shared.installed import PUPLINE
from tests.shared.needed_tools import needs

pytestmark = [
    pytest.mark.long,
    pytest.mark.aws,
    needs(local_aws.missing()),
]

STACK = ("--backend", "aws", "--stack", "pupline")
IMAGES = {
    "plain": "pug/plain.jpg",
    "real": "pug/real.png",
    "gif": "pug/gif.jpg",
    "cut": "pug/cut.jpg",
    "gone": "pug/gone.jpg",
}


@dataclass(frozen=True)
class Both:
    """A stack on a local AWS and a data directory, both with the same executions; what `run --json` told of them."""

    environment: dict[str, str]
    data: Path
    told: dict[str, tuple[dict[str, Any], dict[str, Any]]]

    def on_stack(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command on the stack."""
        return command(self.environment, *words, *STACK)

    def lines(self, *words: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """What a reading command tells of the stack, and of one machine."""
        stack = self.on_stack(*words, "--json")
        machine = command(self.environment, *words, "--data", str(self.data), "--json")
        assert (stack.returncode, machine.returncode) == (0, 0), stack.stderr + machine.stderr
        return parsed(stack.stdout), parsed(machine.stdout)


def command(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """One command as a user calls it."""
    return subprocess.run([PUPLINE, *words], env=environment, capture_output=True, text=True, timeout=120, check=False)


def parsed(lines: str) -> list[dict[str, Any]]:
    """JSON Lines."""
    return [json.loads(line) for line in lines.splitlines()]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """Every image, run on the stack and on one machine under the same names."""
    directory = tmp_path_factory.mktemp("both")
    with image_api() as api, local_aws.LocalAws(directory / "ministack.log") as aws:
        aws.deploy("pupline", {"Source": f"{api.origin}/api"})
        keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"}
        where = {"AWS_ENDPOINT_URL": aws.endpoint, "AWS_DEFAULT_REGION": local_aws.REGION}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "PUPLINE_"))}
        environment, data = inherited | keys | where, directory / "data"
        told = {}
        for name, path in IMAGES.items():
            words = ("run", "--image-url", api.url(path), "--run-id", name, "--json")
            stack = command(environment, *words, *STACK)
            machine = command(environment, *words, "--data", str(data))
            assert stack.returncode == machine.returncode == (name == "gone"), stack.stderr + machine.stderr
            told[name] = (parsed(stack.stdout)[0], parsed(machine.stdout)[0])
        yield Both(environment, data, told)


@pytest.mark.parametrize("name", IMAGES)
def test_run_tells_the_same_of_both(both: Both, name: str) -> None:
    """Every field but the URL of the object, which names the place."""
    stack, machine = both.told[name]
    assert stack | {"image_url": None} == machine | {"image_url": None}
    assert (stack["image_url"] is None) == (machine["image_url"] is None)


def test_the_audits_are_the_same(both: Both) -> None:
    """Record by record, field by field, in the same order; only time and place differ."""
    stack, machine = both.lines("audit")
    differing = {"image_url": None, "upload_timestamp": None}
    assert [record | differing for record in stack] == [record | differing for record in machine]
    assert len(stack) == len(IMAGES)


def test_the_alerts_are_the_same(both: Both) -> None:
    """Words, image and execution; what SNS does not tell is null."""
    fields = ("subject", "message", "image_name", "execution")
    stack, machine = both.lines("alerts")
    assert [[alert[field] for field in fields] for alert in stack] == [
        [alert[field] for field in fields] for alert in machine
    ]
    assert {alert["deliveries"] for alert in stack} == {None}


def test_the_insights_are_the_same(both: Both) -> None:
    """All counts."""
    (stack,), (machine,) = both.lines("insights")
    when = {"first": None, "last": None, "alerts_by_day": None}
    assert stack | when == machine | when


def test_executions_took_the_same_way(both: Both) -> None:
    """The same states entered, in the same order; and the drawing shows them."""
    for name in ("real", "gone"):
        ways = []
        for found in both.lines("executions", f"{name}-00001"):
            entered = [event for event in found[0]["history"] if event["type"].endswith("StateEntered")]
            ways.append([event["stateEnteredEventDetails"]["name"] for event in entered])
        assert ways[0] == ways[1]
        drawing = both.on_stack("executions", f"{name}-00001", "--graph").stdout
        assert all(state in drawing for state in ways[0])


def test_a_run_asked_for_again_does_nothing_twice(both: Both) -> None:
    """The same results are told; no execution, record or object is added."""
    before = both.lines("audit")[0]
    again = both.on_stack("run", "--image-url", before[0]["source_url"], "--run-id", "plain", "--json")
    assert parsed(again.stdout) == [both.told["plain"][0]]
    assert both.lines("audit")[0] == before


def test_doctor_finds_the_stack_well(both: Both) -> None:
    """Everything is found through CloudFormation; nobody has subscribed, and the local AWS drops the memos' expiry."""
    done = both.on_stack("doctor", "--json")
    assert done.returncode == 0
    warned = {row["check"] for row in parsed(done.stdout) if row["status"] != "ok"}
    assert warned == {"alerts", "alarm subscriptions", "memo table"}


def test_redrive_leaves_the_handled_failure_alone(both: Both) -> None:
    """In the same words for both."""
    stack = both.on_stack("redrive", "--failed")
    machine = command(both.environment, "redrive", "--failed", "--data", str(both.data))
    assert (stack.returncode, machine.returncode) == (1, 1)
    without_options = stack.stderr.replace(" --backend aws --stack pupline", "")
    assert without_options == machine.stderr.replace(f" --data {both.data}", "")
    assert "gone-00001: not redriven" in stack.stderr
    assert "pupline run --image-url http://127.0.0.1" in stack.stderr
