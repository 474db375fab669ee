"""The executions whose journals are kept; `python -m tests.replay.journal_cases` records those that are not there yet.

A journal that is there is never recorded anew: it stands for what an earlier version has written, and today's engine
has to resume it.
"""

import json
import random
from pathlib import Path
from typing import Any

from pupline.asl import (
    CancelCommand,
    Execution,
    ExecutionRedriven,
    Fact,
    InvokeTask,
    ItemsRead,
    ReadItems,
    StartTimer,
    StateMachine,
    TaskFailed,
    TaskSucceeded,
    TimerFired,
    WriteResults,
    fact_to_json,
)

JOURNALS = Path(__file__).parent / "journals"
START = 1_800_000_000.0
LAMBDA = "arn:aws:states:::lambda:invoke"


def task(function: str, **more: Any) -> dict[str, Any]:
    """A Task that calls `function` with its input."""
    return {"Type": "Task", "Resource": LAMBDA, "Parameters": {"FunctionName": function, "Payload.$": "$"}, **more}


RETRY = [{"ErrorEquals": ["Boom"], "MaxAttempts": 2, "JitterStrategy": "FULL", "MaxDelaySeconds": 9}]
CATCH = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.failure", "Assign": {"failed": True}, "Next": "Told"}]

RETRY_AND_CATCH = {
    "StartAt": "Try",
    "TimeoutSeconds": 3600,
    "States": {
        "Try": task("fails-2", TimeoutSeconds=60, Retry=RETRY, ResultPath="$.first", Next="Pause"),
        "Pause": {"Type": "Wait", "Seconds": 5, "Next": "Again"},
        "Again": task("fails-9", Retry=RETRY, Catch=CATCH, End=True),
        "Told": {
            "Type": "Pass",
            "Parameters": {"failed.$": "$failed", "id.$": "States.UUID()", "was.$": "$"},
            "End": True,
        },
    },
}
BRANCHES_AND_ITERATIONS = {
    "StartAt": "Both",
    "States": {
        "Both": {
            "Type": "Parallel",
            "Branches": [
                {"StartAt": "Left", "States": {"Left": task("fails-0", End=True)}},
                {
                    "StartAt": "Each",
                    "States": {
                        "Each": {
                            "Type": "Map",
                            "ItemsPath": "$.items",
                            "MaxConcurrency": 2,
                            "ItemSelector": {"n.$": "$$.Map.Item.Value"},
                            "ItemProcessor": {
                                "StartAt": "One",
                                "States": {"One": task("fails-1", Retry=RETRY, End=True)},
                            },
                            "End": True,
                        }
                    },
                },
            ],
            "End": True,
        }
    },
}
DISTRIBUTED = {
    "StartAt": "All",
    "States": {
        "All": {
            "Type": "Map",
            "Label": "All",
            "ItemReader": {
                "Resource": "arn:aws:states:::s3:getObject",
                "ReaderConfig": {"InputType": "JSON"},
                "Parameters": {"Bucket": "b", "Key": "k"},
            },
            "ItemBatcher": {"MaxItemsPerBatch": 2},
            "MaxConcurrency": 2,
            "ItemProcessor": {
                "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
                "StartAt": "Batch",
                "States": {"Batch": task("fails-1", Retry=RETRY, End=True)},
            },
            "ResultWriter": {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": "b", "Prefix": "p"}},
            "End": True,
        }
    },
}
JSONATA = {
    "QueryLanguage": "JSONata",
    "StartAt": "Ask",
    "States": {
        "Ask": {
            "Type": "Task",
            "Resource": LAMBDA,
            "Arguments": {"FunctionName": "fails-0", "Payload": "{% $states.input %}"},
            "Assign": {"answer": "{% $states.result.Payload %}"},
            "Output": {"n": "{% $states.input.n * 2 %}", "id": "{% $uuid() %}"},
            "Next": "Choose",
        },
        "Choose": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $exists($answer) %}", "Next": "Done"}],
            "Default": "Done",
        },
        "Done": {"Type": "Succeed", "Output": {"all": "{% $states.input %}", "answer": "{% $answer %}"}},
    },
}
FAILS_THEN_REDRIVEN = {
    "StartAt": "Each",
    "States": {
        "Each": {
            "Type": "Map",
            "ItemsPath": "$.items",
            "ItemProcessor": {"StartAt": "One", "States": {"One": task("until-mended", End=True)}},
            "End": True,
        }
    },
}

CASES: dict[str, dict[str, Any]] = {
    "retry_and_catch": RETRY_AND_CATCH,
    "branches_and_iterations": BRANCHES_AND_ITERATIONS,
    "distributed": DISTRIBUTED,
    "jsonata": JSONATA,
    "redriven": FAILS_THEN_REDRIVEN,
}
INPUT = {"n": 21, "items": [1, 2, 3]}


def answer(command: Any, *, mended: bool) -> Fact:
    """A function named fails-N fails at its attempts 0 to N-1; until-mended fails for 2 until it is mended."""
    if isinstance(command, StartTimer):
        return TimerFired(command.id)
    if isinstance(command, ReadItems):
        return ItemsRead(command.id, [1, 2, 3])
    if isinstance(command, WriteResults):
        return TaskSucceeded(command.id)
    assert isinstance(command, InvokeTask)
    attempt = int(command.id.rpartition("#")[2])
    if command.resource == "until-mended":
        fails = not mended and command.payload == 2
    else:
        fails = attempt < int(command.resource.removeprefix("fails-"))
    return TaskFailed(command.id, "Boom", "as told") if fails else TaskSucceeded(command.id, {"did": command.payload})


def status_of(execution: Execution) -> str:
    """The status, read anew: `receive` changes it."""
    return execution.status


def record(name: str) -> dict[str, Any]:
    """Run a case; its journal, and what came of it."""
    machine = StateMachine.parse(CASES[name])
    execution = Execution(machine, INPUT, name=name, now=START)
    choose, now = random.Random(name), START
    waiting: dict[str, Any] = {}
    journal: list[list[Any]] = []
    while status_of(execution) == "RUNNING":
        for command in execution.commands():
            if isinstance(command, CancelCommand):
                waiting.pop(command.id, None)
            else:
                waiting[command.id] = command
        command = waiting.pop(choose.choice(sorted(each for each in waiting if "timeout" not in each)))
        now = max(now + 0.5, command.due if isinstance(command, StartTimer) else 0)
        fact = answer(command, mended=execution.redrive_count > 0)
        journal.append([fact_to_json(fact), now])
        execution.receive(fact, now=now)
        if status_of(execution) == "FAILED" and name == "redriven":
            journal.append([fact_to_json(ExecutionRedriven()), now + 60])
            execution.receive(ExecutionRedriven(), now=now + 60)
            waiting.clear()
            now += 60
    return {
        "definition": CASES[name],
        "digest": machine.digest,
        "input": INPUT,
        "name": name,
        "start": START,
        "journal": journal,
        "status": execution.status,
        "output": execution.output,
        "history": execution.history,
    }


def main() -> None:
    """Record the journals that are not there yet."""
    for name in CASES:
        path = JOURNALS / f"{name}.json"
        if not path.exists():
            path.write_text(json.dumps(record(name), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
