"""Runs a small workflow, killed at the N-th step towards the disk, for every N: a program, for `kill_points` forks."""

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from pupline.asl import StateMachine
from pupline.json_values import JSON
from pupline.local import (
    TOPIC_ARN,
    DriverSettings,
    Invocation,
    LambdaRuntime,
    LocalBackend,
    StartRequest,
)
from pupline.tasks.ports import ObjectToCreate
from pupline.tasks.records import AuditRecord
from pupline.tasks.run_ids import execution_name
from tests.crash.kill_points import Trial, kill_at_every_step, rows

COUNT = 3
LAMBDA = "arn:aws:lambda:us-east-1:000000000000:function"
MACHINE = {
    "StartAt": "Store",
    "States": {
        "Store": {
            "Type": "Task",
            "Resource": f"{LAMBDA}:Store",
            "TimeoutSeconds": 60,
            "ResultPath": "$.stored",
            "Next": "Publish",
        },
        "Publish": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sns:publish",
            "Parameters": {"TopicArn": TOPIC_ARN, "Message.$": "$.stored.key"},
            "ResultPath": None,
            "Next": "Log",
        },
        "Log": {"Type": "Task", "Resource": f"{LAMBDA}:Log", "TimeoutSeconds": 60, "End": True},
    },
}


def body_of(execution: str) -> bytes:
    """What the execution stores."""
    return execution.encode() * 1000


def run(data_dir: Path) -> None:
    """Open, resume what there is, start what is missing, close."""
    with LocalBackend.open(data_dir, exclusive=True) as backend:
        bucket = backend.bucket()

        def store(_event: JSON, invocation: Invocation) -> JSON:
            # Another choice at each attempt: only what is remembered makes the second attempt choose the same.
            drawn = backend.write_once.remember(invocation.execution, f"html/{invocation.execution}-{os.getpid()}.jpg")
            body = body_of(invocation.execution)
            digest = hashlib.sha256(body).hexdigest()
            held = bucket.create(ObjectToCreate(drawn, body, digest, "image/jpeg", invocation.execution))
            return {"key": held.key, "mine": held.owner == invocation.execution}

        def log(event: Any, invocation: Invocation) -> JSON:
            record = AuditRecord(
                image_name=event["stored"]["key"],
                upload_timestamp="2026-01-02T03:04:05Z",
                alert_triggered=True,
                outcome="stored" if event["stored"]["mine"] else "duplicate",
                reason="accepted",
                execution=invocation.execution,
            )
            return backend.audit.put(record).as_item()

        runtime = LambdaRuntime({"Store": store, "Log": log}, concurrency=1)
        machine = StateMachine.parse(MACHINE)
        settings = DriverSettings(
            machine=machine, runtime=runtime, topic=backend.topic, clock=backend.clock, concurrency=2
        )
        backend.subscriptions.subscribe("file", str(data_dir / "alerts.jsonl"))
        deliverer = backend.deliverer()
        backend.runs.open("run", {})
        backend.driver(settings).drive(
            StartRequest(execution_name("run", index), {"n": index}, "run", index)
            for index in backend.runs.missing("run", COUNT)
        )
        deliverer.deliver_due()
        runtime.close()


def problems_before(data_dir: Path) -> list[str]:
    """What must hold at any instant: nothing is called stored, or recorded, that is not there whole."""
    found = []
    for path, digest in rows(data_dir, "SELECT path, sha256 FROM objects WHERE state = 'stored'"):
        file = data_dir / "buckets" / "dog-images" / path
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            found.append(f"{path} is called stored and is not there whole")
    orphans = "SELECT image_name FROM audit WHERE image_name NOT IN (SELECT key FROM objects WHERE state = 'stored')"
    found += [f"{name} is recorded and not stored" for (name,) in rows(data_dir, orphans)]
    unlogged = (
        "SELECT name FROM executions WHERE status <> 'RUNNING' AND (name NOT IN (SELECT execution FROM audit)"
        " OR name NOT IN (SELECT execution FROM alerts))"
    )
    return found + [f"{name} has ended without its record or alert" for (name,) in rows(data_dir, unlogged)]


def problems_after(data_dir: Path) -> list[str]:
    """What must hold when all is finished: one of everything for each execution, and nothing else."""
    names = [f"run-{index:05}" for index in range(1, COUNT + 1)]
    expected: dict[str, Any] = {
        "SELECT name, status FROM executions ORDER BY 1": [(name, "SUCCEEDED") for name in names],
        "SELECT execution, outcome FROM audit ORDER BY 1": [(name, "stored") for name in names],
        "SELECT execution FROM alerts ORDER BY 1": [(name,) for name in names],
        "SELECT owner, state FROM objects ORDER BY 1": [(name, "stored") for name in names],
        "SELECT DISTINCT delivered_at IS NULL FROM deliveries": [(0,)],
    }
    found = [f"{query}: {got}" for query, want in expected.items() if (got := rows(data_dir, query)) != want]
    files = sorted((data_dir / "buckets").rglob("*.*"))
    if [file.read_bytes() for file in files] != [body_of(name) for name in names]:
        found.append(f"files: {[file.name for file in files]}")
    left = list((data_dir / "tmp").iterdir())
    if left:
        found.append(f"left over: {left}")
    return found + delivery_problems(data_dir / "alerts.jsonl")


def delivery_problems(path: Path) -> list[str]:
    """Deliveries may come twice, after a kill between sending and noting; by message id there is one each."""
    lines = [json.loads(line) for line in path.read_text().splitlines() if line]
    messages = {line["MessageId"]: line["Message"] for line in lines}
    if len(messages) == COUNT == len(set(messages.values())) and len(lines) <= COUNT + 1:
        return []
    return [f"delivered: {lines}"]


if __name__ == "__main__":
    kill_at_every_step(Path(sys.argv[1]), Trial(run, problems_before, problems_after))
