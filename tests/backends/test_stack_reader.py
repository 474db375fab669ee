"""Reading a deployed stack: found through CloudFormation, complete over pages and days, with right types."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pupline.aws import DynamoDBAuditTable, dynamodb_client
from pupline.backends import StackBackend
from pupline.backends.stack._account import Account, NotAllowed, NotThere
from pupline.backends.stack._executions import run_of
from pupline.backends.stack._history import plain_event, record_of
from pupline.backends.stack._stack import Stack, execution_arn
from pupline.errors import BackendUnavailable, ConfigurationError, PuplineError
from pupline.tasks.records import AuditRecord
from tests.backends.stack_fakes import MACHINE_ARN, PNG, STORED, FakeStack, not_found
from tests.backends.stack_fixtures import fake_stack

pytestmark = pytest.mark.aws


@pytest.fixture
def deployed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeStack]:
    """The stack `pupline`."""
    with fake_stack(monkeypatch, tmp_path) as stack:
        yield stack


@pytest.fixture
def reader(deployed: FakeStack) -> StackBackend:  # noqa: ARG001 - it has to be there
    """A reader of it that pages in twos."""
    return StackBackend("pupline", page_size=2)


def put(*records: AuditRecord) -> None:
    """Into the table, as LogToDynamoDB does."""
    table = DynamoDBAuditTable(dynamodb_client(), "DogImageUploads")
    for record in records:
        table.put(record)


def record(number: int, day: int, **fields: Any) -> AuditRecord:
    """A record of that day, the later the higher its number."""
    stamp = f"2026-05-{day:02}T12:00:{number:02}.000Z"
    plain: dict[str, Any] = {"image_name": f"{number}.jpg", "upload_timestamp": stamp, "alert_triggered": False}
    return AuditRecord(**plain | {"outcome": "stored", "reason": "accepted", "execution": f"r-{number:05}"} | fields)


def test_a_stack_is_found_over_all_pages(deployed: FakeStack) -> None:
    """Every resource by its logical name, however many pages CloudFormation needs; outputs too."""
    stack = Stack.find(Account.of_environment(), "pupline")
    assert stack.resources == {name: physical for name, (_, physical) in deployed.resources.items()}
    assert stack.outputs == {"AuditTableName": "DogImageUploads"}
    assert execution_arn(stack.machines[0], "r-00001") == MACHINE_ARN.replace("stateMachine", "execution") + ":r-00001"


def test_a_stack_that_is_not_there_is_said(deployed: FakeStack) -> None:  # noqa: ARG001
    """With the region that was looked in, and what to do."""
    with pytest.raises(ConfigurationError, match=r"no stack 'nope' in eu-central-1 .*sam deploy"):
        Stack.find(Account.of_environment(), "nope")


def test_a_stack_that_is_not_ours_is_said(deployed: FakeStack) -> None:
    """A missing resource is named with its type and the stack's status."""
    deployed.resources = {"Other": ("AWS::S3::Bucket", "x")}
    reader = StackBackend("pupline")
    with pytest.raises(ConfigurationError, match=r"\(CREATE_COMPLETE\) has no DogImageUploads \(AWS::DynamoDB::Table"):
        next(reader.records())


def test_records_come_oldest_first_over_days_and_pages(reader: StackBackend) -> None:
    """All of them, whatever order they were written in, across more pages than one on every day."""
    days = {1: 9, 2: 1, 3: 30, 4: 9, 5: 9, 6: 1, 7: 9}
    put(*(record(number, day) for number, day in days.items()))
    found = [one.upload_timestamp for one in reader.records()]
    assert len(found) == len(days)
    assert found == sorted(found)


def test_records_of_a_time_are_asked_for_day_by_day(reader: StackBackend) -> None:
    """From that moment on, oldest first; also from before the first, and from a time that is too long ago to count."""
    put(*(record(number, day) for number, day in enumerate((20, 27, 28, 29))))
    stamps = [one.upload_timestamp for one in reader.records()]
    for since, count in (("2026-05-27T12:00:01Z", 3), ("2026-05-27T12:00:02Z", 2), ("0001-01-01T00:00:00Z", 4)):
        moment = datetime.fromisoformat(since).timestamp()
        assert [one.upload_timestamp for one in reader.records(since=moment)] == stamps[-count:]


def test_a_single_execution_is_found(reader: StackBackend) -> None:
    """Of that name alone; and each record of a name that was used again once AWS had forgotten it."""
    put(record(1, 1), record(2, 2, execution="r-000010"), record(3, 9, execution="r-00001"))
    found = [[one.image_name for one in reader.records(execution=name)] for name in ("r-00001", "r-000010", "r-0")]
    assert [sorted(names) for names in found] == [["1.jpg", "3.jpg"], ["2.jpg"], []]
    moment = datetime(2026, 5, 8, tzinfo=UTC).timestamp()
    assert [one.image_name for one in reader.records(execution="r-00001", since=moment)] == ["3.jpg"]
    assert [one.image_name for one in reader.records(run="r", since=moment)] == ["3.jpg"]
    assert [one.execution for one in reader.records(run="r")] == ["r-00001", "r-00001", "r-000010"]


def test_a_run_named_after_its_time_is_asked_for_from_its_day_on(reader: StackBackend) -> None:
    """No pass over the index; a name that only looks like a time is a name."""
    named = "20260503-170000-ab12"
    put(record(1, 1, execution=f"{named}-00009"), *(record(day, day, execution=f"{named}-{day:05}") for day in (3, 4)))
    assert [one.execution for one in reader.records(run=named)] == [f"{named}-00003", f"{named}-00004"]
    assert len(list(reader.records(execution=f"{named}-00003"))) == 1
    put(record(5, 9, execution="20261399-170000-ab12-00001"))
    assert len(list(reader.records(run="20261399-170000-ab12"))) == 1


def test_a_record_comes_back_as_it_was_written(reader: StackBackend) -> None:
    """Whole numbers as int, lists as they are, absent facts as None; foreign attributes do no harm."""
    written = record(
        1, 1, size_bytes=70_123, width=500, alert_triggered=True, alert_sent=False, alert_reasons=("png_content",)
    )
    put(written)
    dynamodb_client().update_item(
        TableName="DogImageUploads",
        Key={"image_name": {"S": "1.jpg"}, "execution": {"S": "r-00001"}},
        UpdateExpression="SET score = :half",
        ExpressionAttributeValues={":half": {"N": "0.5"}},
    )
    (found,) = reader.records()
    assert found == written
    assert type(found.size_bytes) is int


def test_an_item_that_is_no_record_is_named(reader: StackBackend) -> None:
    """Somebody else's item in the table is an error with its place, not a traceback."""
    keys = {"image_name": "x", "execution": "y", "upload_day": "2026-05-01", "upload_timestamp": "2026-05-01T00:00:00Z"}
    item = {name: {"S": value} for name, value in keys.items()}
    dynamodb_client().put_item(TableName="DogImageUploads", Item=item)
    with pytest.raises(PuplineError, match=r"table DogImageUploads, of 2026-05-01, is not an audit record.*outcome"):
        list(reader.records())


def start(deployed: FakeStack, *names: str) -> None:
    """Executions of these names, ended."""
    deployed.states.looks = 0
    for name in names:
        deployed.states.start_execution({"name": name, "input": "{}"})


def test_executions_come_newest_first_with_their_errors(deployed: FakeStack, reader: StackBackend) -> None:
    """Over all pages; those that failed say why, which ListExecutions alone does not."""
    deployed.states.fetch = lambda name: not_found() if name == "r-00002" else STORED
    start(deployed, *(f"r-{number:05}" for number in range(1, 6)))
    found = list(reader.executions())
    assert [row.name for row in found] == [f"r-{number:05}" for number in range(5, 0, -1)]
    assert [row.error for row in found] == [None, None, None, "NotFound", None]
    assert deployed.states.count("DescribeExecution") == 1
    assert found[0].stop_time == found[0].start_time + 0.5


def test_executions_can_be_filtered(deployed: FakeStack, reader: StackBackend) -> None:
    """By status, which Step Functions does, and by the run in the name."""
    deployed.states.fetch = lambda name: not_found() if name == "b-00001" else STORED
    start(deployed, "a-00001", "b-00001", "b-00002", "0f0e5b4a-1b7e-4a53-9d4f-123456789012")
    assert [row.name for row in reader.executions(status="FAILED")] == ["b-00001"]
    assert [row.name for row in reader.executions(run="b")] == ["b-00002", "b-00001"]


@pytest.mark.parametrize(
    ("name", "run"),
    [("monday-00007", "monday"), ("a-b-100000", "a-b"), ("0f0e5b4a-1b7e-4a53-9d4f-123456789012", None), ("x", None)],
)
def test_a_run_is_the_beginning_of_a_name(name: str, run: str | None) -> None:
    """Names that Step Functions or somebody else made are of no run."""
    assert run_of(name) == run


def test_one_execution_has_its_whole_history(deployed: FakeStack, reader: StackBackend) -> None:
    """Every event over all pages, times in seconds, definition, input and output."""
    start(deployed, "r-00001")
    story = reader.execution("r-00001")
    assert [event["id"] for event in story.history] == list(range(1, len(story.history) + 1))
    assert len(story.history) > 10
    assert story.history[0]["timestamp"] == story.row.start_time
    assert story.definition["StartAt"] == "FetchAndUploadDogImage"
    assert (story.input, story.output["logged"]["result"]["logged_item"]["size_bytes"]) == ({}, 70_123)


def test_an_event_may_leave_out_what_came_before() -> None:
    """previousEventId is optional: the events then follow one another."""
    event = {"id": 7, "type": "PassStateEntered", "timestamp": datetime.fromtimestamp(5, UTC)}
    assert plain_event(event) == {"id": 7, "previousEventId": 6, "type": "PassStateEntered", "timestamp": 5.0}


@pytest.mark.parametrize("name", ["nope", "a b:c", "x" * 99])
def test_an_execution_that_is_not_there_is_said(reader: StackBackend, name: str) -> None:
    """With how to list those that are."""
    with pytest.raises(ConfigurationError, match=r"there is no execution .*executions --backend aws --stack pupline"):
        reader.execution(name)


def test_alerts_are_what_was_published(deployed: FakeStack, reader: StackBackend) -> None:
    """Subject, message and time from the execution's own events; of deliveries nothing is known, and so it says."""
    deployed.states.fetch = lambda name: PNG if name == "r-00002" else STORED
    start(deployed, "r-00001", "r-00002")
    (alert,) = reader.alerts()
    assert alert == {
        "topic": deployed.resources["PNGAlertTopic"][1],
        "subject": "PNG file detected",
        "message": "A PNG file was detected and processed: b.png",
        "published_at": "2026-05-28T20:26:41.000Z",
        "message_id": "m-r-00002",
        "image_name": "b.png",
        "execution": "r-00002",
        "deliveries": None,
    }


def test_an_alert_outlives_its_execution(reader: StackBackend, deployed: FakeStack) -> None:
    """After 90 days AWS forgets the execution: the record still says that there was an alert, and on what."""
    put(record(1, 1, alert_triggered=True, alert_sent=True), record(2, 1, alert_triggered=True, alert_sent=False))
    (alert,) = reader.alerts()
    assert (alert["execution"], alert["subject"], alert["published_at"]) == ("r-00001", None, None)
    assert alert["topic"] == deployed.resources["PNGAlertTopic"][1]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"outcome": None}, "it lacks 'outcome'"),
        ({"alert_reasons": 5}, "its reasons are not a list"),
        ({"breed": {"a", "b"}}, "of another type: breed"),
        ({"alert_triggered": "yes", "size_bytes": 1.5}, "of another type: alert_triggered, size_bytes"),
    ],
)
def test_an_item_that_is_not_a_record_is_said(change: dict[str, Any], words: str) -> None:
    """Which one, and why: no command prints or counts what it does not expect."""
    item = {name: value for name, value in (record(1, 1).as_item() | change).items() if value is not None}
    with pytest.raises(PuplineError, match=f"^an item of T is not an audit record of pupline: {words}$"):
        record_of(item, "an item of T")


def test_only_the_alerts_asked_for_cost_requests(deployed: FakeStack, reader: StackBackend) -> None:
    """With a limit, histories are read of the newest so many alone."""
    deployed.states.fetch = lambda name: {**PNG, "uploaded_image": f"{name}.png"}
    start(deployed, *(f"r-{number:05}" for number in range(1, 8)))
    assert [alert["execution"] for alert in reader.alerts(limit=2)] == ["r-00006", "r-00007"]
    assert deployed.states.count("DescribeExecution") == 2


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        (
            (400, "AccessDeniedException", "User: u is not authorized to perform: states:ListExecutions"),
            NotAllowed,
            r"listing executions: not allowed: .*states:ListExecutions; get this permission",
        ),
        ((400, "KmsAccessDeniedException", "kms:Decrypt"), NotAllowed, "not allowed: kms:Decrypt; get this permission"),
        (
            (403, "ExpiredTokenException", "expired"),
            ConfigurationError,
            "does not accept the credentials.*log in again",
        ),
        ((400, "UnrecognizedClientException", "invalid"), ConfigurationError, "log in again"),
        ((400, "StateMachineDoesNotExist", "gone"), NotThere, "was it deleted outside CloudFormation"),
        ((400, "InvalidToken", "odd"), PuplineError, "listing executions: InvalidToken: odd"),
        ((400, "ExecutionLimitExceeded", "full"), BackendUnavailable, "try again in a moment"),
    ],
)
def test_what_aws_refuses_is_one_clear_line(
    deployed: FakeStack, reader: StackBackend, answer: tuple[int, str, str], kind: type[Exception], message: str
) -> None:
    """What was being done, what AWS said, and what to do."""
    deployed.states.fail_with["ListExecutions"] = answer
    with pytest.raises(kind, match=message) as raised:
        list(reader.executions())
    assert type(raised.value) is kind


def test_an_endpoint_that_is_away_is_said(monkeypatch: pytest.MonkeyPatch, reader: StackBackend) -> None:
    """A connection that cannot be made is no matter of configuration."""
    monkeypatch.setattr("pupline.backends.stack._account._ATTEMPTS", 1)
    monkeypatch.setenv("AWS_ENDPOINT_URL_SFN", "http://127.0.0.1:9")
    with pytest.raises(BackendUnavailable, match=r"listing executions: Could not connect.*check the network"):
        list(reader.executions())


def test_no_region_is_said(monkeypatch: pytest.MonkeyPatch, deployed: FakeStack) -> None:  # noqa: ARG001
    """With the variable that boto3 reads."""
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(ConfigurationError, match="no AWS region is set; set AWS_DEFAULT_REGION"):
        Account.of_environment()


def test_a_profile_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch, deployed: FakeStack) -> None:  # noqa: ARG001
    """By its name."""
    monkeypatch.setenv("AWS_PROFILE", "work")
    with pytest.raises(ConfigurationError, match=r"\(work\) could not be found; check AWS_PROFILE"):
        Account.of_environment()


def test_no_credentials_are_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With how to get some. Outside of moto, which brings its own."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with pytest.raises(ConfigurationError, match="no AWS credentials were found; set AWS_PROFILE"):
        Account.of_environment()


def test_without_boto3_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """The extra that brings it."""
    monkeypatch.setitem(__import__("sys").modules, "boto3", None)
    with pytest.raises(ConfigurationError, match=r"needs boto3.*pip install 'pupline\[aws\]'"):
        Account.of_environment()
