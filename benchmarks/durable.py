"""Executions per second with every fact on disk before it counts: `python -m benchmarks.durable [DIR]`.

The data directory is made in DIR, by default the directory for temporary files; name one on the disk to measure.
Functions are stubs in the real pool of threads; the journal is the real one, in WAL mode with synchronous=FULL. Each
figure is the best of three runs, each in its own directory, which another connection checks afterwards.
"""

import hashlib
import platform
import sqlite3
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

from pupline.asl import StateMachine
from pupline.backends import load_workflow
from pupline.local import DriverSettings, LambdaHandler, LambdaRuntime, LocalBackend, StartRequest
from pupline.tasks.ports import ObjectToCreate
from pupline.tasks.run_ids import execution_name

ARN = "arn:aws:lambda:us-east-1:000000000000:function:Stub"
TASK_CHOICE_TASK = {
    "StartAt": "First",
    "States": {
        "First": {"Type": "Task", "Resource": ARN, "TimeoutSeconds": 60, "ResultPath": "$.first", "Next": "IsStored"},
        "IsStored": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.first.status", "StringEquals": "success", "Next": "Second"}],
            "Default": "Second",
        },
        "Second": {"Type": "Task", "Resource": ARN, "TimeoutSeconds": 60, "End": True},
    },
}
IMAGE: dict[str, Any] = {
    "status": "success",
    "uploaded_image": "a.jpg",
    "image_url": "https://b.example/html/a.jpg",
    "outcome": "stored",
    "file_type": "jpg",
    "extension_agrees": True,
    "alert_reasons": [],
}
STUBS: dict[str, LambdaHandler] = {
    "Stub": lambda _event, _invocation: {"status": "success"},
    "FetchAndUploadDogImage": lambda _event, _invocation: IMAGE,
    "LogToDynamoDB": lambda _event, _invocation: {"status": "success", "logged_item": {}},
}


def main() -> None:
    """Measure and print the table."""
    where = Path(sys.argv[1] if len(sys.argv) > 1 else tempfile.gettempdir())
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {platform.machine()}, in {where}")
    two_tasks, pipeline = StateMachine.parse(TASK_CHOICE_TASK), load_workflow()
    for concurrency in (16, 64, 256):
        for name, machine in (("Task, Choice, Task", two_tasks), ("the pipeline, stub tasks", pipeline)):
            rate = max(executions_per_second(where, machine, concurrency, 3_000) for _ in range(3))
            print(f"{name:<28} {concurrency:>4} at once  {rate:>10,.0f} executions/s")
    for threads in (1, 16):
        rate = max(objects_per_second(where, threads, 2_000) for _ in range(3))
        print(f"{'objects of 70 KB stored':<28} {threads:>4} threads  {rate:>10,.0f} objects/s")


def executions_per_second(where: Path, machine: StateMachine, concurrency: int, count: int) -> float:
    """Start and finish `count` executions."""
    with tempfile.TemporaryDirectory(dir=where) as data_dir:
        with LocalBackend.open(Path(data_dir), exclusive=True) as backend:
            runtime = LambdaRuntime(STUBS, concurrency=8)
            backend.runs.open("bench", {})
            driver = backend.driver(
                DriverSettings(
                    machine=machine,
                    runtime=runtime,
                    topic=backend.topic,
                    clock=backend.clock,
                    concurrency=concurrency,
                )
            )
            start = time.perf_counter()
            driver.drive(
                StartRequest(execution_name("bench", number), {}, "bench", number) for number in range(1, count + 1)
            )
            seconds = time.perf_counter() - start
            runtime.close()
        with closing(sqlite3.connect(f"{data_dir}/pupline.sqlite")) as connection:
            found = connection.execute("SELECT status, count(*) FROM executions GROUP BY status").fetchall()
        assert found == [("SUCCEEDED", count)], found
    return count / seconds


def objects_per_second(where: Path, threads: int, count: int) -> float:
    """Store `count` objects, each with its fsyncs and two commits."""
    bodies = [number.to_bytes(4, "big") * 17_500 for number in range(64)]
    digests = [hashlib.sha256(body).hexdigest() for body in bodies]
    with tempfile.TemporaryDirectory(dir=where) as data_dir:
        with LocalBackend.open(Path(data_dir), exclusive=True) as backend:
            bucket = backend.bucket()

            def store(number: int) -> None:
                which = number % len(bodies)
                key = f"html/{number}.jpg"
                bucket.create(ObjectToCreate(key, bodies[which], digests[which], "image/jpeg", "bench"))

            start = time.perf_counter()
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(store, range(count)))
            seconds = time.perf_counter() - start
        assert len(list(Path(data_dir, "buckets").rglob("*.jpg"))) == count
    return count / seconds


if __name__ == "__main__":
    main()
