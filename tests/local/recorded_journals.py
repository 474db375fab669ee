"""Records a journal of this version: `python -m tests.local.recorded_journals VERSION` writes journals/VERSION.sql.

Executions of one machine with every kind of fact, some finished, some interrupted after the k-th call. Beside the dump,
VERSION.json holds each execution's history as this version gave it. Later versions must give the same, and finish what
was interrupted; so a recording of a released version is never made again.
"""

import itertools
import json
import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Any

from pupline.local import TOPIC_ARN, Driver, DriverSettings, ExecutionFinished, Invocation, LocalBackend, StartRequest
from tests.local.local_fakes import START, InlineRuntime, VirtualClock, machine, task

JOURNALS = Path(__file__).with_name("journals")

RETRY: Any = [{"ErrorEquals": ["Flaky"], "IntervalSeconds": 2, "MaxAttempts": 2, "JitterStrategy": "FULL"}]
CATCH: Any = [{"ErrorEquals": ["States.Timeout"], "ResultPath": "$.late", "Next": "Each"}]
MACHINE = machine(
    {
        "First": task("Echo", ResultPath="$.first", Next="Both"),
        "Both": {
            "Type": "Parallel",
            "ResultPath": "$.both",
            "Next": "Pick",
            "Branches": [
                {"StartAt": "Try", "States": {"Try": task("Flaky", Retry=RETRY)}},
                {
                    "StartAt": "Wait",
                    "States": {"Wait": {"Type": "Wait", "Seconds": 3, "Next": "Then"}, "Then": task("Echo")},
                },
            ],
        },
        "Pick": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.n", "NumericGreaterThan": 100, "Next": "Slow"}],
            "Default": "Each",
        },
        "Slow": task("Hang", TimeoutSeconds=30, Catch=CATCH, Next="Each"),
        "Each": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "ItemProcessor": {"StartAt": "One", "States": {"One": task("Echo")}},
            "ResultPath": "$.each",
            "Next": "Publish",
        },
        "Publish": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sns:publish",
            "Parameters": {"TopicArn": TOPIC_ARN, "Message.$": "States.Format('dog {}', $.n)"},
            "ResultPath": None,
            "Next": "Judge",
        },
        "Judge": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.n", "NumericEquals": 7, "Next": "Bad"}],
            "Default": "Good",
        },
        "Bad": {"Type": "Fail", "Error": "Seven", "Cause": "not a good number"},
        "Good": {"Type": "Succeed"},
    }
)


class Flaky(Exception):
    """What the first attempt of a task raises."""


def functions() -> dict[str, Any]:
    """The functions of MACHINE."""

    def flaky(event: Any, invocation: Invocation) -> Any:
        if invocation.command_id.endswith("#0"):
            raise Flaky("first attempt")
        return event["n"]

    return {"Echo": lambda event, _invocation: event, "Flaky": flaky, "Hang": lambda *_: InlineRuntime.HANG}


def inputs() -> list[StartRequest]:
    """Executions that between them take every way."""
    return [StartRequest(f"dog-{n}", {"n": n, "items": [n, {"deep": [n]}, "é"]}) for n in (1, 7, 101)]


def drive(data_dir: Path, starts: list[StartRequest], stop_after: int | None) -> dict[str, ExecutionFinished]:
    """Run what is there and `starts`, and leave, as if killed, at the call with that number."""
    ended: dict[str, ExecutionFinished] = {}
    holder: list[Driver] = []
    count = itertools.count(1)

    def hooked(call: Any) -> Any:
        def function(event: Any, invocation: Invocation) -> Any:
            if next(count) == stop_after:
                holder[0].stop_starting()
                return InlineRuntime.HANG
            result = call(event, invocation)
            if result is InlineRuntime.HANG:
                holder[0].active.open_calls.clear()  # as if nobody worked, so that the clock goes to the time-out
            return result

        return function

    def listen(event: Any) -> None:
        if isinstance(event, ExecutionFinished):
            ended[event.execution] = event

    clock = VirtualClock()
    with LocalBackend.open(data_dir, exclusive=True, clock=clock) as backend:
        last = backend.database.rows("SELECT max(now) FROM facts")[0][0]
        clock.time = max(last or 0.0, START)
        settings = DriverSettings(
            machine=MACHINE,
            runtime=InlineRuntime({name: hooked(call) for name, call in functions().items()}),
            topic=backend.topic,
            clock=clock,
            listener=listen,
            grace_seconds=0.0,
        )
        holder.append(backend.driver(settings))
        holder[0].drive(starts)
    return ended


def main(version: str) -> None:
    """Record."""
    with tempfile.TemporaryDirectory() as directory:
        data_dir = Path(directory)
        drive(data_dir, inputs(), None)
        for k in range(1, 6):  # five functions are called; at the sixth nothing is left to interrupt
            # `resume` would go on with the ones before: each interrupted execution is made in a directory of its own.
            other = data_dir / str(k)
            drive(other, [StartRequest(f"cut-{k}", {"n": k, "items": [k]})], k)
            _adopt(data_dir / "pupline.sqlite", other / "pupline.sqlite", 100 + k)
        with LocalBackend.open(data_dir, exclusive=False) as backend:
            rows = sorted(backend.journal.executions(), key=lambda row: row.execution_id)
            histories = {row.name: backend.journal.history(row.name) for row in rows}
        with closing(sqlite3.connect(data_dir / "pupline.sqlite")) as connection:
            pragmas = [f"PRAGMA {name} = {connection.execute(f'PRAGMA {name}').fetchone()[0]};" for name in _PRAGMAS]
            dump = "\n".join([*pragmas, *connection.iterdump(), ""])
    JOURNALS.mkdir(exist_ok=True)
    (JOURNALS / f"{version}.sql").write_text(dump, encoding="utf-8")
    (JOURNALS / f"{version}.json").write_text(json.dumps(histories) + "\n", encoding="utf-8")


_PRAGMAS = ("application_id", "user_version")


def _adopt(database: Path, other: Path, execution_id: int) -> None:
    """Copy the only execution of `other`, its facts and alerts, into `database`."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("ATTACH ? AS other", (str(other),))
        connection.execute("INSERT OR IGNORE INTO definitions SELECT * FROM other.definitions")
        connection.execute("UPDATE other.executions SET execution_id = ?", (execution_id,))
        connection.execute("UPDATE other.facts SET execution_id = ?", (execution_id,))
        for table in ("executions", "facts"):
            connection.execute(f"INSERT INTO {table} SELECT * FROM other.{table}")  # noqa: S608 - the names are ours
        connection.commit()


if __name__ == "__main__":
    main(sys.argv[1])
