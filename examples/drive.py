"""Drive the engine's core yourself. It does no I/O: it emits commands and receives facts."""

from pupline.asl import Execution, InvokeTask, StartTimer, StateMachine, TaskSucceeded, TimerFired

MACHINE = StateMachine.parse(
    {
        "StartAt": "Rest",
        "States": {
            "Rest": {"Type": "Wait", "Seconds": 60, "Next": "Bark"},
            "Bark": {"Type": "Task", "Resource": "arn:aws:lambda:us-east-1:000000000000:function:Bark", "End": True},
        },
    }
)

now = 0.0
execution = Execution(MACHINE, {"name": "Rex"}, name="example", now=now)
while execution.status == "RUNNING":
    for command in execution.commands():
        print("asked for:", command)
        if isinstance(command, StartTimer):
            now = command.due  # a real driver would wait
            execution.receive(TimerFired(command.id), now=now)
        elif isinstance(command, InvokeTask):
            execution.receive(TaskSucceeded(command.id, {"said": "wow"}), now=now)
print(execution.status, execution.output)
