"""The commands with --backend aws, as a user types them: data on stdout, messages on stderr, exit codes."""

import json
import re
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.client import BaseClient

from tests.backends.stack_commands import STACK, Pupline, deployed, pupline, three_kinds
from tests.backends.stack_fakes import BULK_ARN, PNG, FakeStack, VirtualTimer, map_only, not_found

__all__ = ["deployed", "pupline"]

pytestmark = pytest.mark.aws

DOCUMENT = Path(__file__).parents[2] / "docs" / "aws-commands.md"


def test_run_prints_one_object_for_each_execution(deployed: FakeStack, pupline: Pupline) -> None:
    """The same fields as on one machine; 1 because one failed; the run's name on stderr."""
    three_kinds(deployed)
    done = pupline("run", *STACK, "--count", "3", "--run-id", "m", "--json")
    assert done.code == 1
    assert {(row["execution"], row["status"], row["alert_triggered"]) for row in done.json} == {
        ("m-00001", "SUCCEEDED", False),
        ("m-00002", "SUCCEEDED", True),
        ("m-00003", "FAILED", False),
    }
    assert "Run m on the stack pupline" in done.err


def test_run_sums_up_for_people(deployed: FakeStack, pupline: Pupline) -> None:
    """The table, the counts, and where to look next: at the stack."""
    three_kinds(deployed)
    done = pupline("run", *STACK, "--count", "2", "--run-id", "m")
    assert done.code == 0
    assert "2 images: 2 stored  1 alert" in done.out
    assert "Pictures: https://dogs.s3.eu-central-1.amazonaws.com/html\n" in done.out
    assert "executions m-00001 --graph --backend aws --stack pupline" in done.out


def test_a_run_gets_a_name(pupline: Pupline, deployed: FakeStack) -> None:
    """Without --run-id a new one every time, from the time."""
    pupline("run", *STACK, "--json")
    pupline("run", *STACK, "--json")
    assert len(deployed.states.runs) == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", *STACK, "--source", "sample"), "--source is only for this machine"),
        (("run", *STACK, "--timeout", "9"), "--timeout is only for this machine"),
        (("audit", *STACK, "--data", "d"), "--data is only for this machine"),
        (("run", "--backend", "aws"), "--backend aws needs the name of a deployed stack: --stack NAME"),
        (("doctor", "--backend", "aws"), "--backend aws needs the name of a deployed stack: --stack NAME"),
        (("run", "--stack", "pupline"), "--stack goes with --backend aws"),
        (("alerts", "--stack", "pupline"), "--stack goes with --backend aws"),
        (("run", *STACK, "--image-url", "https://x.example/a.jpg", "--breed", "pug"), "give one of them"),
        (("run", *STACK, "--run-id", "a b"), "'a b' is not a valid run id"),
        (("redrive", *STACK), "give NAME, or --failed"),
        (("redrive", *STACK, "m-00001", "--failed"), "give NAME or --failed, not both"),
        (("redrive", *STACK, "--run", "m"), "--run goes with --failed"),
        (("redrive", *STACK, "m-00001", "--run", "m"), "--run goes with --failed"),
        (("audit", "--backend", "aws", "--stack", "nope"), "there is no stack 'nope' in eu-central-1"),
        (("executions", *STACK, "m-00009"), "there is no execution 'm-00009'"),
        (("cost", *STACK), "they go with --from-audit"),
    ],
)
def test_options_that_cannot_work_are_one_clear_line(pupline: Pupline, words: tuple[str, ...], message: str) -> None:
    """Exit code 2, nothing on stdout."""
    done = pupline(*words)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


@pytest.mark.parametrize("command", ["run", "executions", "audit", "alerts", "insights", "redrive", "doctor"])
@pytest.mark.parametrize("missing", ["AWS_DEFAULT_REGION", "stack", "boto3"])
def test_every_command_says_what_is_missing(
    pupline: Pupline, monkeypatch: pytest.MonkeyPatch, command: str, missing: str
) -> None:
    """One line and exit code 2 without a region, without the stack, without boto3."""
    if missing == "boto3":
        monkeypatch.setitem(sys.modules, "boto3", None)
    elif missing != "stack":
        monkeypatch.delenv(missing)
    stack = "nope" if missing == "stack" else "pupline"
    failed = ["--failed"] if command == "redrive" else []
    done = pupline(command, *failed, "--backend", "aws", "--stack", stack)
    assert (done.code, done.out) == (2, "")
    assert {"stack": "no stack", "boto3": "pip install", "AWS_DEFAULT_REGION": "set AWS_DEFAULT_REGION"}[
        missing
    ] in done.err


def test_reading_commands_read_the_stack(deployed: FakeStack, pupline: Pupline) -> None:
    """One code path: the same objects with --json as on one machine."""
    three_kinds(deployed)
    pupline("run", *STACK, "--count", "3", "--run-id", "m")
    records = pupline("audit", *STACK, "--json").json
    assert [record["execution"] for record in records] == ["m-00001", "m-00002", "m-00003"]
    assert (records[0]["size_bytes"], records[0]["width"]) == (70_123, 500)
    assert [row["status"] for row in pupline("executions", *STACK, "--json").json] == [
        "FAILED",
        "SUCCEEDED",
        "SUCCEEDED",
    ]
    assert [row["execution"] for row in pupline("executions", *STACK, "--status", "failed", "--json").json] == [
        "m-00003"
    ]
    (figures,) = pupline("insights", *STACK, "--json").json
    assert (figures["records"], figures["alerts"], figures["file_types"]) == (3, 1, {"jpg": 1, "png": 1})
    done = pupline("alerts", *STACK, "--json")
    (alert,) = done.json
    assert (alert["message"], alert["deliveries"]) == ("A PNG file was detected and processed: b.png", None)
    assert "SNS does not report single deliveries" in done.err


def test_people_read_the_stack_too(deployed: FakeStack, pupline: Pupline) -> None:
    """Tables, a history and a drawing."""
    three_kinds(deployed)
    pupline("run", *STACK, "--count", "3", "--run-id", "m")
    assert "; kept under https://dogs.s3.eu-central-1.amazonaws.com/html" in pupline("audit", *STACK).out
    assert "unknown" in pupline("alerts", *STACK).out
    assert "LogToDynamoDB" in pupline("executions", *STACK, "m-00002").out
    drawing = pupline("executions", *STACK, "m-00003", "--graph").out
    assert drawing.index("FetchAndUploadDogImage") < drawing.index("LogFailureToDynamoDB") < drawing.index("FailState")


def test_redrive_resumes_and_names_what_it_left(deployed: FakeStack, pupline: Pupline) -> None:
    """What was aborted succeeds now; the handled failure is named; 1 because it was left alone."""
    deployed.states.abort = frozenset({"m-00001"})
    three_kinds(deployed)
    pupline("run", *STACK, "--count", "3", "--run-id", "m")
    deployed.states.abort = frozenset()
    done = pupline("redrive", *STACK, "--failed", "--json")
    assert [(row["execution"], row["status"]) for row in done.json] == [("m-00001", "SUCCEEDED")]
    assert "m-00003: not redriven: its failure was handled" in done.err
    assert done.code == 1
    assert pupline("redrive", *STACK, "m-00001").code == 1


def test_redrive_of_one_that_succeeds_now_is_all_good(deployed: FakeStack, pupline: Pupline) -> None:
    """Exit code 0, and a summary."""
    deployed.states.abort = frozenset({"m-00001"})
    pupline("run", *STACK, "--run-id", "m")
    deployed.states.abort = frozenset()
    done = pupline("redrive", *STACK, "m-00001")
    assert done.code == 0
    assert "1 image: 1 stored" in done.out


def test_an_interrupted_run_says_what_continues(
    deployed: FakeStack, pupline: Pupline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 130; what was started stays started, and the same command waits for it."""
    deployed.states.looks = 3
    with monkeypatch.context() as patched:
        patched.setattr(VirtualTimer, "sleep", lambda *_: signal.raise_signal(signal.SIGINT))
        done = pupline("run", *STACK, "--count", "3", "--run-id", "m")
    assert done.code == 130
    assert "Interrupted. What was started continues in AWS. See: pupline executions --backend aws --stack" in done.err
    assert len(deployed.states.runs) == 3
    assert pupline("run", *STACK, "--count", "3", "--run-id", "m").code == 0


def ingested(deployed: FakeStack, name: str, *, broken: bool = False) -> str:
    """The ARN of an execution of BulkIngest."""
    deployed.states.ingest = map_only
    given = json.dumps({"items": 3, "dataset": "dogs", "broken": broken})
    request = {"stateMachineArn": BULK_ARN, "name": name, "input": given}
    return str(deployed.states.start_execution(request)["executionArn"])


def test_every_command_knows_bulk_ingests(deployed: FakeStack, pupline: Pupline) -> None:
    """In the list, by name with the counts of its Map Run, and in a redrive, which resumes it."""
    pupline("run", *STACK, "--run-id", "m")
    deployed.states.looks = 0
    ingested(deployed, "b", broken=True)
    rows = pupline("executions", *STACK, "--json").json
    assert [(row["execution"], row["status"], row["run"]) for row in rows] == [
        ("b", "FAILED", "b"),
        ("m-00001", "SUCCEEDED", "m"),
    ]
    (details,) = pupline("executions", *STACK, "b", "--json").json
    assert details["map_runs"][0]["itemCounts"]["failed"] == 3
    assert ":mapRun:" in details["map_runs"][0]["mapRunArn"]
    shown = pupline("executions", *STACK, "b").out
    assert "FAILED; items: 3 failed, 3 total; batches: 1 failed, 1 total" in " ".join(shown.split())
    deployed.states.ingest = lambda name, _: map_only(name, {"items": 3})
    deployed.states.looks = 1
    done = pupline("redrive", *STACK, "--failed", "--json")
    assert (done.code, [(row["execution"], row["status"]) for row in done.json]) == (0, [("b", "SUCCEEDED")])


def test_executions_of_one_state_machine(deployed: FakeStack, pupline: Pupline) -> None:
    """The option --workflow lists them, and redrives them with --failed only; the other machine is not asked."""
    deployed.states.looks = 0
    deployed.states.abort = frozenset({"m-00001"})
    deployed.states.start_execution({"name": "m-00001", "input": "{}"})
    ingested(deployed, "b", broken=True)
    deployed.states.calls.clear()
    for workflow, name in {"DogUploaderPipeline": "m-00001", "bulkingest": "b"}.items():
        rows = pupline("executions", *STACK, "--workflow", workflow, "--json").json
        assert [row["execution"] for row in rows] == [name]
    assert deployed.states.count("ListExecutions") == 2
    deployed.states.ingest = lambda name, _: map_only(name, {"items": 3})
    deployed.states.looks = 1
    done = pupline("redrive", *STACK, "--failed", "--workflow", "BulkIngest", "--json")
    assert [row["execution"] for row in done.json] == ["b"]
    assert deployed.states.run("m-00001").status == "ABORTED"
    assert pupline("redrive", *STACK, "b", "--workflow", "BulkIngest").code == 2


def test_a_name_in_both_state_machines_is_not_guessed(deployed: FakeStack, pupline: Pupline) -> None:
    """The error gives both ARNs, each of which every command takes."""
    deployed.states.looks = 9
    deployed.states.start_execution({"name": "same", "input": "{}"})
    arn = ingested(deployed, "same")
    for words in (("executions", "same"), ("stop", "same"), ("redrive", "same")):
        done = pupline(words[0], *STACK, words[1])
        assert done.code == 2
        assert "two state machines have an execution 'same': name one by its ARN" in done.err
        assert arn in done.err
    assert pupline("stop", *STACK, arn).out.strip() == f"{arn}: ABORTED"
    assert deployed.states.run("same").status == "RUNNING"
    assert deployed.states.run("same", BULK_ARN).status == "ABORTED"
    (details,) = pupline("executions", *STACK, arn, "--json").json
    assert details["status"] == "ABORTED"


def test_a_redrive_that_comes_too_late_is_refused(deployed: FakeStack, pupline: Pupline) -> None:
    """Step Functions redrives for 14 days; its reason is printed, and nothing is requested of it."""
    deployed.states.looks = 0
    ingested(deployed, "b", broken=True)
    deployed.states.run("b", BULK_ARN).ended_days_ago = 15
    done = pupline("redrive", *STACK, "b")
    assert done.code == 1
    assert "b: not redriven: Step Functions cannot: Execution has exceeded the redrivable period" in done.err
    assert deployed.states.count("RedriveExecution") == 0


def test_nothing_to_redrive_is_success(pupline: Pupline) -> None:
    """And all good."""
    done = pupline("redrive", *STACK, "--failed")
    assert (done.code, done.out) == (0, "")
    assert "Nothing to redrive" in done.err


def test_redrive_on_one_machine_is_the_engines_own(pupline: Pupline, tmp_path: Path) -> None:
    """Handled failures are left alone there too, by the same rule and in the same words."""
    data = ("--data", str(tmp_path / "data"))
    url = "http://sample.pupline.invalid/none.jpg"
    assert pupline("redrive", *data, "--failed").code == 2
    (result,) = pupline("run", *data, "--source", "sample", "--image-url", url, "--run-id", "m", "--json").json
    assert result["status"] == "FAILED"
    done = pupline("redrive", *data, "--failed")
    assert done.code == 1
    assert "m-00001: not redriven: its failure was handled" in done.err


def test_doctor_looks_at_all_of_the_stack(pupline: Pupline) -> None:
    """Every check by name; no subscription is a warning and the schedule says how to enable it; exit code 0."""
    done = pupline("doctor", *STACK, "--json")
    checks = {row["check"]: row for row in done.json}
    assert done.code == 0
    assert {name: row["status"] for name, row in checks.items()} == {
        "credentials": "ok",
        "stack": "ok",
        "resources": "ok",
        "state machine": "ok",
        "bulk state machine": "ok",
        "functions": "ok",
        "logs": "ok",
        "audit table": "ok",
        "memo table": "ok",
        "bucket": "ok",
        "key": "ok",
        "alerts": "warning",
        "alarms": "ok",
        "alarm subscriptions": "warning",
        "schedule": "ok",
        "dead letters": "ok",
        "undelivered alerts": "ok",
        "undelivered alarms": "ok",
    }
    assert "arn:aws:" in checks["credentials"]["detail"]
    assert "outputs: AuditTableName=DogImageUploads" in checks["resources"]["detail"]
    assert (checks["schedule"]["detail"], "ScheduleState=ENABLED" in checks["schedule"]["next"]) == (
        "rate(1 hour), DISABLED",
        True,
    )


def test_doctor_finds_what_is_wrong(deployed: FakeStack, pupline: Pupline) -> None:
    """A deleted bucket, a forbidden state machine, dead letters, a rollback: all are reported."""
    boto3.client("s3").delete_bucket(Bucket="dogs")
    boto3.client("sqs").send_message(QueueUrl=deployed.resources["DeadLetterQueue"][1], MessageBody="x")
    boto3.client("sns").subscribe(
        TopicArn=deployed.resources["PNGAlertTopic"][1], Protocol="email", Endpoint="a@example.org"
    )
    deployed.status = "UPDATE_ROLLBACK_COMPLETE"
    deployed.failed_functions = frozenset({"AlertPNG-1A2B"})
    deployed.states.fail_with["DescribeStateMachine"] = (400, "AccessDeniedException", "states:DescribeStateMachine")
    done = pupline("doctor", *STACK, "--json")
    checks = {row["check"]: row for row in done.json}
    assert done.code == 1
    assert {name for name, row in checks.items() if row["status"] == "error"} == {
        *("bucket", "state machine", "bulk state machine", "functions")
    }
    assert {name for name, row in checks.items() if row["status"] == "warning"} == {
        *("stack", "alarm subscriptions", "dead letters")
    }
    assert "about 1 start that" in checks["dead letters"]["detail"]
    assert checks["functions"]["detail"].startswith("AlertPNG is not usable (")
    assert "states:DescribeStateMachine" in checks["state machine"]["next"]
    assert "1 subscription (email)" in checks["alerts"]["detail"]
    assert "was it deleted outside CloudFormation" in checks["bucket"]["detail"]


def test_doctor_names_a_missing_resource(deployed: FakeStack, pupline: Pupline) -> None:
    """By its logical name."""
    del deployed.resources["DeadLetterQueue"]
    done = pupline("doctor", *STACK)
    assert done.code == 1
    assert "resources: DeadLetterQueue missing" in done.out


def test_the_actions_that_are_needed_are_documented(
    deployed: FakeStack, pupline: Pupline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What docs/aws-commands.md lists for each command is what the command calls: no less, and no more."""
    called: set[str] = set()
    call_api = BaseClient._make_api_call

    def recording(client: Any, operation: str, arguments: Any) -> Any:
        if threading.current_thread() is threading.main_thread():  # in others the fake's functions work
            called.add(f"{PREFIXES.get(client.meta.service_model.service_name, '')}:{operation}")
        return call_api(client, operation, arguments)

    deployed.states.abort = frozenset({"m-00001"})
    deployed.states.fetch = lambda name: PNG if name.endswith("2") else not_found()
    pupline("run", *STACK, "--count", "3", "--run-id", "m")
    deployed.states.abort = frozenset()
    ingested(deployed, "b")
    deployed.states.looks = 9
    deployed.states.start_execution({"name": "m-00009", "input": "{}"})
    boto3.client("s3").put_object(Bucket="dogs", Key="datasets/dogs/runs/r1/summary.json", Body=b"[]")
    monkeypatch.setattr(BaseClient, "_make_api_call", recording)
    actions = documented_actions()
    assert set(CALLS) == {command for command in actions if "Express" not in command}
    for command in CALLS:
        called.clear()
        for words in CALLS[command]:
            pupline(command, *STACK, *words)
        assert called == actions[command], command


PREFIXES = {"stepfunctions": "states"} | {
    name: name
    for name in (
        "cloudformation",
        "cloudwatch",
        "dynamodb",
        "kms",
        "lambda",
        "logs",
        "s3",
        "scheduler",
        "sns",
        "sqs",
        "sts",
    )
}
CALLS: dict[str, list[tuple[str, ...]]] = {
    "run": [("--count", "4", "--run-id", "m")],
    "executions": [(), ("m-00002",), ("b",)],
    "runs": [()],
    "datasets": [()],
    "audit": [(), ("--run", "b")],
    "insights": [(), ("--run", "b")],
    "alerts": [()],
    "redrive": [("--failed",)],
    "stop": [("m-00009",), ("m-00002",)],
    "doctor": [()],
}


def documented_actions() -> dict[str, set[str]]:
    """The table of actions: command to operations. s3:ListBucket allows two of them, and decrypting is no call."""
    found: dict[str, set[str]] = {}
    table = DOCUMENT.read_text().split("| for | actions |")[1].split("\n## ")[0]
    for line in table.splitlines()[2:]:
        if line.startswith("|"):
            _, commands, actions, _ = line.split("|")
            named = set(re.findall(r"`(\w+:\w+)`", actions)) - {"kms:Decrypt"}
            for command in CALLS if "every" in commands else commands.strip().split(", "):
                listing = "HeadBucket" if command == "doctor" else "ListObjectsV2"
                found[command] = found.get(command, set()) | {one.replace("ListBucket", listing) for one in named}
    return found


def test_cost_can_count_in_the_stacks_audit(deployed: FakeStack, pupline: Pupline) -> None:
    """Shares and sizes of the records in DynamoDB."""
    three_kinds(deployed)
    pupline("run", *STACK, "--count", "2", "--run-id", "m")
    bill = pupline("cost", *STACK, "--from-audit", "--images", "1000", "--json").json[1]
    assert bill["records_counted"] == 2
    (transitions,) = [item for item in bill["items"] if item["item"] == "standard_transition"]
    assert transitions["quantity"] == 500 * 4 + 500 * 7


def test_cost_needs_no_account_and_no_data(pupline: Pupline) -> None:
    """The designs in their order, the known totals, for programs and for people."""
    bills = pupline("cost", "--images", "1000000", "--json").json
    totals = {bill["design"]: bill["total_usd"] for bill in bills}
    bare = {"standard": 110.03, "express": 12.48, "bulk": 6.55, "map": 6.45, "floor": 5.63}
    assert totals == {"stack": 116.23, **bare, "stack_express": 18.69}
    assert list(totals) == ["stack", *bare, "stack_express"]
    done = pupline("cost", "--images", "1000000", "--batch", "100")
    assert "$110.03" in done.out
    assert "$0.63 writes" in done.out
