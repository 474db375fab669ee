"""Run a state machine in memory: tasks are plain callables, and a Wait of an hour costs nothing."""

from pupline.asl import StateMachine, TaskError, execute

MACHINE = StateMachine.parse(
    {
        "StartAt": "Fetch",
        "States": {
            "Fetch": {
                "Type": "Task",
                "Resource": "arn:aws:states:::lambda:invoke",
                "Parameters": {"FunctionName": "Fetch", "Payload.$": "$"},
                "ResultSelector": {"dog.$": "$.Payload"},
                "Retry": [{"ErrorEquals": ["Busy"], "IntervalSeconds": 3600, "MaxAttempts": 2}],
                "End": True,
            }
        },
    }
)

attempts: list[dict[str, str]] = []


def fetch(event: dict[str, str]) -> str:
    """Fails at first; a task fails by raising TaskError."""
    attempts.append(event)
    if len(attempts) < 3:
        raise TaskError("Busy", "come back in an hour")
    return f"a {event['breed']}"


result = execute(MACHINE, {"breed": "pug"}, tasks={"Fetch": fetch})
print(result.status, result.output)
for event in result.history:
    print(f"{event['id']:>3} {event['type']}")
