"""`pupline asl run`: a machine with mocks, functions, or both; several cases; coverage; mocks to begin with."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from pupline.asl import Execution, StateMachine
from pupline.cli._asl_run._pace import Pacing
from tests.cli.conftest import Command

pytestmark = pytest.mark.usefixtures("here")

MACHINE = """\
StartAt: Charge
States:
  Charge:
    Type: Task
    Resource: arn:aws:states:::lambda:invoke
    Parameters: {FunctionName: charge, Payload.$: $}
    Retry: [{ErrorEquals: [Busy], IntervalSeconds: 60, MaxAttempts: 2}]
    Catch: [{ErrorEquals: [Busy], Next: Undo}]
    Next: Tell
  Tell:
    Type: Task
    Resource: arn:aws:states:::sqs:sendMessage
    Parameters: {QueueUrl: q, MessageBody.$: $}
    Next: Done
  Undo: {Type: Task, Resource: "arn:aws:lambda:us-east-1:123456789012:function:undo", Next: Done}
  Done: {Type: Pass, End: true}
"""
PAID = {"Return": {"StatusCode": 200, "Payload": 1}}
BUSY = {"Throw": {"Error": "Busy", "Cause": "too many"}}
CASES: dict[str, Any] = {
    "StateMachines": {
        "Orders": {
            "TestCases": {
                "Happy": {"Charge": "Paid", "Tell": "Told"},
                "Retry": {"Charge": "PaidAtLast", "Tell": "Told"},
                "Hybrid": {"Charge": "Paid"},
            }
        }
    },
    "MockedResponses": {
        "Paid": {"0": PAID},
        "PaidAtLast": {"0-1": BUSY, "2": PAID},
        "Told": {"0": {"Return": {"MessageId": "m"}}},
    },
}
FUNCTIONS = """\
import sys

print("imported")
not_callable = 1

def tell(event, context):
    print("telling", event["MessageBody"])
    return {"MessageId": "from a handler"}

def breaks(event):
    raise LookupError("no such order")

def exits(event):
    sys.exit(3)

def takes_four(one, two, three, four):
    pass
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with a machine, mocks for it, and a module of functions."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "order_functions", raising=False)
    (tmp_path / "orders.asl.yaml").write_text(MACHINE)
    (tmp_path / "mocks.json").write_text(json.dumps(CASES))
    (tmp_path / "order_functions.py").write_text(FUNCTIONS)
    return tmp_path


def run(command: Command, *more: object) -> Any:
    """`pupline asl run` with the machine."""
    return command("asl", "run", "orders.asl.yaml", *more)


def simple(here: Path, value: Any) -> str:
    """A file of mocks with this value."""
    (here / "simple.json").write_text(json.dumps(value))
    return "simple.json"


def test_one_case_shows_path_attempts_and_output(command: Command) -> None:
    """Waits cost nothing, and it is said how long they would have taken."""
    done = run(command, "--mocks", "mocks.json", "--case", "Retry")
    assert (done.code, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0] == "SUCCEEDED  Retry  3 states, 20 events, would have taken 3:00"
    assert next(line for line in lines if "Charge" in line).split() == ["✔", "Charge", "Task", "180.00", "3", "Busy"]
    assert lines[-4:] == ["Output", "  {", '    "MessageId": "m"', "  }"]


def test_all_cases_are_one_line_each(command: Command) -> None:
    """Without --case all cases run; one whose Task nothing answers is refused when it is reached."""
    done = run(command, "--mocks", "mocks.json")
    assert done.code == 1
    rows = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "✔ Happy SUCCEEDED Charge → Tell → Done" in rows
    assert "✔ Retry SUCCEEDED Charge (3 attempts) → Tell → Done" in rows
    assert "✘ Hybrid REFUSED" in rows
    assert any(row.startswith("Hybrid: nothing answers state 'Tell'") for row in rows)
    assert rows[-1] == "orders.asl.yaml: 2 of 3 cases passed"


def test_a_case_that_waits_forever_is_refused(here: Path, command: Command) -> None:
    """A Task without a time-out, whose answer never comes, ends its own case only."""
    states = {"Charge": 1, "Tell": 2}
    mocks = simple(here, {"TestCases": {"A": {**states, "Tell": {"NoAnswer": 0}}, "B": states}})
    done = run(command, "--mocks", mocks)
    assert done.code == 1
    assert "A: the execution waits forever for an answer to Tell" in done.stdout
    assert "1 of 2 cases passed" in done.stdout


def test_a_function_answers_what_mocks_leave_open(command: Command) -> None:
    """A Lambda handler answers the Task; what it prints is on stderr."""
    done = run(command, "--mocks", "mocks.json", "--json", "--function", "Tell=order_functions:tell")
    assert done.code == 0
    assert [(row["case"], row["status"], row["passed"]) for row in done.rows] == [
        ("Happy", "SUCCEEDED", True),
        ("Retry", "SUCCEEDED", True),
        ("Hybrid", "SUCCEEDED", True),
    ]
    assert done.rows[2]["output"] == {"MessageId": "from a handler"}
    assert done.stderr.startswith("imported\ntelling {")


@pytest.mark.slow
def test_the_functions_of_a_template_answer(here: Path, command: Command) -> None:
    """The code that a template names is called, in a process of its own; mocks come first."""
    function = {"CodeUri": ".", "Handler": "order_functions.charge", "Runtime": "python3.13"}
    other = {"CodeUri": ".", "Handler": "app.handler", "Runtime": "nodejs22.x"}
    machine = {"DefinitionUri": "orders.asl.yaml"}
    resources = {
        "OrderMachine": {"Type": "AWS::Serverless::StateMachine", "Properties": machine},
        "charge": {"Type": "AWS::Serverless::Function", "Properties": function},
        "undo": {"Type": "AWS::Serverless::Function", "Properties": other},
    }
    template = {"Transform": "AWS::Serverless-2016-10-31", "Resources": resources}
    (here / "template.json").write_text(json.dumps(template))
    (here / "order_functions.py").write_text(
        "def charge(event, context):\n"
        "    if event['n'] < 0:\n        raise ValueError('negative')\n"
        "    return event['n'] * 2\n"
    )
    mocks = simple(here, {"TestCases": {"A": {"Tell": {"Return": {"MessageId": "m"}}}}})
    arguments = ["asl", "run", "template.json", "--template", "template.json", "--mocks", mocks, "--history", "--json"]
    done = command(*arguments, "--input", '{"n": 21}')
    assert done.code == 0
    assert [event for event in done.rows[0]["events"] if '"Payload":42' in str(event)]
    failed = command(*arguments, "--input", '{"n": -1}').rows[0]
    assert (failed["status"], failed["error"]) == ("FAILED", "ValueError")
    without = command("asl", "run", "template.json", "--template", "template.json")
    assert without.code == 2
    assert "'Charge'" not in without.stderr
    assert "'Undo' (as Undo or undo)" in without.stderr


@pytest.mark.parametrize("name", ["Undo", "undo", "arn:aws:lambda:us-east-1:123456789012:function:undo"])
def test_a_failing_function_fails_its_task(here: Path, command: Command, name: str) -> None:
    """The traceback is shown, of the user's code alone; the cause is readable, with the place of the state."""
    mocks = simple(here, {"TestCases": {"A": {"Charge": {"Throw": "Busy"}}}})
    done = run(command, "--mocks", mocks, "--function", f"{name}=order_functions:breaks")
    assert done.code == 1
    assert done.stderr.splitlines()[1].startswith("Traceback")
    assert done.stderr.count('File "') == done.stderr.count("order_functions.py") == 1
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert "Error LookupError" in lines
    assert "Cause no such order" in lines
    assert "At Undo, orders.asl.yaml:15:3" in lines


def test_the_cause_of_a_case_that_failed_is_below_the_table(here: Path, command: Command) -> None:
    """One line, with the state's place, for all cases that failed alike; with the case alone there is more."""
    thrown = {"Throw": {"Error": "Fatal", "Cause": "no paper\nand no ink"}}
    states = {"Charge": thrown, "Tell": 2}
    mocks = simple(here, {"TestCases": {"A": {"Charge": 1, "Tell": 2}, **dict.fromkeys("BCDEF", states)}})
    lines = run(command, "--mocks", mocks).stdout.splitlines()
    assert lines[-2].startswith("B, C, D and 2 more: orders.asl.yaml:")
    assert lines[-2].endswith(": Fatal: no paper")


def test_cases_that_failed_alike_after_ways_of_their_own_have_one_line(here: Path, command: Command) -> None:
    """The event's id in AWS's text tells them apart, and nobody else; a long input is cut."""
    cause = "executing the state 'Charge' (entered at the event id #%d). Not found in " + "x" * 999
    failing = {name: {"Throw": {"Error": "Fatal", "Cause": cause % at}} for at, name in enumerate("AB")}
    mocks = simple(here, {"TestCases": {name: {"Charge": each, "Tell": 2} for name, each in failing.items()}})
    lines = run(command, "--mocks", mocks).stdout.splitlines()
    assert lines[-2].startswith("A, B: orders.asl.yaml:")
    assert "the state 'Charge'. Not found in xxx" in lines[-2]
    assert len(lines[-2]) < 500


def test_a_function_that_exits_fails_its_task(command: Command) -> None:
    """As in Lambda: the process goes on."""
    states = ["--function", "Charge=order_functions:exits", "--function", "Tell=order_functions:tell"]
    done = run(command, "--json", *states, "--function", "Undo=order_functions:tell")
    assert (done.code, done.rows[0]["error"]) == (1, "Runtime.ExitError")


def test_a_case_says_what_it_expects(here: Path, command: Command) -> None:
    """A file of mocks is a file of tests: an expected failure passes, a difference is named and exits with 1."""
    states = {"Charge": 1, "Tell": 2}
    cases = {
        "right": {"States": states, "Expect": {"Output": 2, "Path": ["Charge", "Tell", "Done"]}},
        "wrong": {"Input": {"n": 1}, "States": states, "Expect": {"Output": 3}},
        "fails": {"States": {**states, "Charge": {"Throw": "Fatal"}}, "Expect": {"Error": "Fatal"}},
    }
    mocks = simple(here, {"TestCases": cases})
    done = run(command, "--mocks", mocks)
    assert done.code == 1
    assert "wrong: Output is 2, expected 3" in done.stdout
    assert "2 of 3 cases passed" in done.stdout
    chosen = run(command, "--mocks", mocks, "--case", "right", "--case", "fails", "--json")
    assert (chosen.code, [row["passed"] for row in chosen.rows]) == (0, [True, True])


def test_coverage_over_all_cases(command: Command) -> None:
    """Coverage adds up over the cases; below --fail-under the exit code is 1."""
    enough = run(command, "--mocks", "mocks.json", "--case", "Happy", "--case", "Retry", "--fail-under", "60")
    assert enough.code == 0
    lines = enough.stdout.splitlines()
    assert "Coverage: 66.7% (states 3/4, retriers 1/1, catchers 0/1)" in lines
    assert [line.split() for line in lines[-2:]] == [
        ["orders.asl.yaml:8", "catcher", "Charge", "Catch[0]", "(Busy)", "->", "Undo"],
        ["orders.asl.yaml:15", "state", "Undo"],
    ]
    less = run(command, "--mocks", "mocks.json", "--case", "Happy", "--fail-under", "60", "--json")
    assert (less.code, less.rows[1]["coverage"]["percent"]) == (1, 50.0)
    assert less.stderr == "pupline: coverage is 50%, below --fail-under 60\n"


def test_history_and_graph(command: Command) -> None:
    """--history is a table of events, with --json GetExecutionHistory's; --graph draws the path."""
    arguments = ("--mocks", "mocks.json", "--case", "Happy")
    table = run(command, *arguments, "--history").stdout
    assert "ExecutionSucceeded" in table
    events = run(command, *arguments, "--history", "--json").rows[0]["events"]
    assert events[0]["executionStartedEventDetails"]["input"] == "{}"
    assert "│ Charge │  ✔ Task" in run(command, *arguments, "--graph").stdout


def test_a_skeleton_is_written_once_and_runs(here: Path, command: Command) -> None:
    """--mocks-init writes a new file in AWS's form, and never over another."""
    pytest.importorskip("botocore")
    done = run(command, "--mocks-init", "--output", "new.json")
    assert (done.code, done.stdout) == (0, "")
    assert json.loads((here / "new.json").read_text()) == json.loads(run(command, "--mocks-init").stdout)
    assert run(command, "--mocks", "new.json", "--fail-under", "100").code == 0
    again = run(command, "--mocks-init", "--output", "new.json")
    assert (again.code, "new.json exists already" in again.stderr) == (2, True)
    assert sorted(path.name for path in here.iterdir() if path.suffix in {".json", ".tmp"}) == [
        "mocks.json",
        "new.json",
    ]


def test_the_first_failure_of_a_map_run_is_shown(here: Path, command: Command) -> None:
    """The error of a Distributed Map says nothing about its items; the first one that failed is named."""
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "EXPRESS"},
        "StartAt": "Work",
        "States": {"Work": {"Type": "Pass", "InputPath": "$.n", "End": True}},
    }
    each = {"Type": "Map", "ItemProcessor": processor, "End": True}
    (here / "each.json").write_text(json.dumps({"StartAt": "Each", "States": {"Each": each}}))
    done = command("asl", "run", "each.json", "--input", '[{"n": 1}, {"m": 1}]')
    assert done.code == 1
    assert "FAILED; items: 1 succeeded, 1 failed" in done.stdout
    assert "  first failure: item 1, in Work: States.Runtime: " in done.stdout
    found = command("asl", "run", "each.json", "--input", "[1]", "--json").rows[0]["map_runs"][0]["first_failure"]
    assert (found["index"], found["state"], found["error"]) == (0, "Work", "States.Runtime")


@pytest.mark.slow
def test_a_loop_that_never_ends_is_named(here: Path, command: Command) -> None:
    """At 25,000 events the execution fails as on AWS, and the loop is shown."""
    again = {"Variable": "$.n", "IsPresent": False, "Next": "A"}
    loop = {
        "A": {"Type": "Pass", "Next": "B"},
        "B": {"Type": "Choice", "Choices": [again], "Default": "End"},
        "End": {"Type": "Succeed"},
    }
    (here / "loop.json").write_text(json.dumps({"StartAt": "A", "States": loop}))
    done = command("asl", "run", "loop.json")
    assert done.code == 1
    assert "this loop never ends with these answers: A → B → A" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "orders.asl.yaml: nothing answers states 'Charge' (as Charge or charge), 'Tell' (as Tell or arn:"),
        (["--case", "Happy"], "give it with --mocks FILE"),
        (["--mocks", "mocks.json", "--case", "Hapy"], "it has no case 'Hapy'"),
        (["--mocks", "mocks.json#Order"], "StateMachines has no 'Order'; did you mean 'Orders'?"),
        (["--mocks", "absent.json"], "absent.json: cannot be read: No such file or directory"),
        (["--mocks", "mocks.json", "--case", "Hybrid"], "nothing answers state 'Tell'"),
        (["--function", "Tell=order_functions:absent"], "has no attribute 'absent'"),
        (["--function", "Tell=no_such_module:f"], "the module no_such_module cannot be imported"),
        (["--function", "Tell=order_functions:not_callable"], "is a int, which cannot be called"),
        (
            ["--function", "Tel=order_functions:tell"],
            "no state, function or Resource of that name; did you mean",
        ),
        (["--input", '{"n": NaN}'], "--input: it is not JSON: NaN is not JSON"),
        (["--input", "@absent.json"], "--input: absent.json cannot be read"),
        (["--input", "1e400"], "--input: it is not JSON: the number 1e400 is too large"),
        (["--context", "[]"], "--context: it must be a JSON object"),
        (["--output", "x.json"], "--output is for --mocks-init"),
        (["--graph", "--json"], "give one of them"),
        (["--real-time", "--wait-scale", "2"], "give one of them"),
        (["--substitution", "Name"], "write NAME=VALUE, such as TableName=orders"),
    ],
)
def test_usage_is_one_clear_line(command: Command, arguments: list[str], words: str) -> None:
    """A mistake in the usage exits with 2, and the last line says what it is."""
    done = run(command, *arguments)
    assert done.code == 2
    assert words in done.stderr.splitlines()[-1]


def test_an_invalid_machine_is_not_run(here: Path, command: Command) -> None:
    """The first problem is shown with its place, and how to see the others."""
    (here / "orders.asl.yaml").write_text(MACHINE.replace("Next: Tell", "Next: Tel").replace("Next: Done", "Next: D"))
    done = run(command, "--mocks", "mocks.json")
    assert (done.code, len(done.stderr.splitlines())) == (2, 1)
    assert done.stderr.startswith("pupline: orders.asl.yaml:")
    assert "asl validate orders.asl.yaml" in done.stderr


def test_placeholders_that_must_have_values_are_named(here: Path, command: Command) -> None:
    """A function's placeholder needs no value, a number's does; the option is named."""
    call = '{"Type": "Task", "Resource": "${TellArn}", "TimeoutSeconds": ${Limit}, "End": true}'
    (here / "open.json").write_text(f'{{"StartAt": "A", "States": {{"A": {call}}}}}')
    arguments = ["asl", "run", "open.json", "--function", "TellArn=order_functions:tell"]
    done = command(*arguments)
    assert done.code == 2
    assert done.stderr.startswith("pupline: open.json:1:95: $.States.A.TimeoutSeconds: the placeholder ${Limit} ")
    assert done.stderr.endswith("needs a value; add --substitution Limit=VALUE\n")
    given = ("--input", '{"MessageBody": 1}', "--substitution", "Limit=5")
    assert command(*arguments, *given).code == 0


def test_the_command_for_new_mocks_has_the_options_of_the_machine(here: Path, command: Command) -> None:
    """What had to be given for the skeleton has to be given for the run, too."""
    wait = '{"Type": "Wait", "Seconds": ${How long}, "End": true}'
    (here / "open.json").write_text(f'{{"StartAt": "A", "States": {{"A": {wait}}}}}')
    options = ["--substitution", "How long=5", "--type", "express"]
    done = command("asl", "run", "open.json", "--mocks-init", "--output", "new.json", *options)
    assert done.code == 0, done.stderr
    assert done.stderr.endswith("open.json --mocks new.json --substitution 'How long=5' --type EXPRESS\n")


def test_time_may_pass(command: Command) -> None:
    """With --wait-scale the waits are real, and stderr says what is waited for."""
    done = run(command, "--mocks", "mocks.json", "--case", "Retry", "--wait-scale", "0.0001")
    assert (done.code, done.stderr) == (0, "")


def test_waits_are_as_long_as_the_scale_says(capsys: pytest.CaptureFixture[str]) -> None:
    """A wait is said where there is no terminal, from two seconds on."""
    slept: list[float] = []
    pacing = Pacing(0.5, sleep=slept.append)
    machine = StateMachine.parse({"StartAt": "A/b", "States": {"A/b": {"Type": "Wait", "Seconds": 60, "End": True}}})
    execution = Execution(machine, {}, name="paced", now=0.0)
    pacing.wait(execution, 60)
    pacing.wait(execution, 1)
    assert slept == [30, 0.5]
    assert capsys.readouterr().err == "waiting in A/b: 1:00, in 30.0 s\n"
