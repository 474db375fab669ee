"""Running the BulkIngest file in memory: the real functions over fakes, or stubs in their place."""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pupline.asl import Result, StateMachine, TaskError, execute
from tests.shared.batch_world import BatchWorld

FILE = Path(__file__).parents[2] / "statemachine" / "bulk_ingest.asl.json"
DEFINITION: dict[str, Any] = json.loads(FILE.read_text())
STATES: dict[str, Any] = DEFINITION["States"]
CHILD: dict[str, Any] = STATES["IngestBatches"]["ItemProcessor"]["States"]
TOPIC = "arn:aws:states:::sns:publish"
READER = "arn:aws:states:::s3:getObject"
WRITER = "arn:aws:states:::s3:putObject"
MANIFEST = "datasets/dogs/runs/r1/manifest.jsonl"


@cache
def machine(limit: int = 0) -> StateMachine:
    """The workflow with each placeholder filled by its own name; limit: BulkConcurrency of the stack, 0 for none."""
    text = FILE.read_text().replace("${BulkConcurrency}", str(limit))
    return StateMachine.parse(re.sub(r"\$\{(\w+?)(?:Arn)?\}", r"\1", text))


class BulkRun:
    """One world, in which executions can be run one after the other. tasks: stubs in place of functions.

    limit: BulkConcurrency of the stack.
    """

    def __init__(
        self, world: BatchWorld, manifest: list[Any], *, limit: int = 0, **tasks: Callable[[Any], Any]
    ) -> None:
        self.world = world
        self.machine = machine(limit)
        self.calls: list[tuple[str, Any]] = []
        self.written: dict[str, Any] = {}
        lines = "".join(json.dumps(line) + "\n" for line in manifest)
        world.store.put(MANIFEST, lines.encode(), "application/x-ndjson")
        functions = {"IngestBatch": world.batch, "SummariseIngest": world.summary, "publish": self._publish, **tasks}
        named = {"publish": TOPIC}
        self._tasks = {named.get(name, name): self._noted(name, task) for name, task in functions.items()}

    def run(self, given: Mapping[str, Any] | None = None, name: str = "r1") -> Result:
        """One execution."""
        tasks = {**self._tasks, READER: self._read, WRITER: self._write}
        asked = {"dataset": "dogs", "source": "kennel", **(given or {})}
        return execute(self.machine, asked, tasks=tasks, name=name)

    def given_to(self, label: str) -> list[Any]:
        """The payloads that this task got."""
        return [payload for called, payload in self.calls if called == label]

    def _noted(self, name: str, task: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def noted(payload: Any) -> Any:
            self.calls.append((name, payload))
            return task(payload)

        return noted

    def _publish(self, _: Any) -> Any:
        return {"MessageId": "1"}

    def _read(self, arguments: Any) -> bytes:
        assert arguments["Bucket"] == "ImageBucketName"
        try:
            return self.world.store.read(arguments["Key"])
        except KeyError as err:
            raise TaskError("S3.NoSuchKey", str(err)) from err

    def _write(self, arguments: Any) -> None:
        self.written[arguments["Key"]] = json.loads(arguments["Body"])


def entered(result: Result) -> list[str]:
    """The parent's states entered, in order."""
    return [
        event["stateEnteredEventDetails"]["name"] for event in result.history if event["type"].endswith("StateEntered")
    ]
