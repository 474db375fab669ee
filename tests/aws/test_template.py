"""What would be deployed, checked by the usual tools, and by what those cannot see."""

import json
import re
from pathlib import Path

import pytest

from pupline.aws import longest_seconds
from pupline.backends.stack._stack import TYPES
from pupline.errors import ConfigurationError
from pupline.images import MAX_PIXELS
from pupline.lambdas._fetch_settings import FetchSettings
from pupline.tasks.layout import NOT_FOR_IMAGES
from tests.aws.aws_template import (
    MISSING,
    ROOT,
    as_list,
    of_type,
    policies,
    resolved,
    resources,
    statements,
    template,
    tool,
)
from tests.shared.needed_tools import needs

pytestmark = needs(MISSING)

WORKFLOW = "statemachine/dog_uploader_pipeline.asl.json"
BULK = "statemachine/bulk_ingest.asl.json"


def test_the_template_is_short() -> None:
    """It can be read in a sitting, and is well below what must be uploaded before it is deployed."""
    assert len((ROOT / "template.yaml").read_bytes()) <= 40_000


def test_cfn_lint_has_nothing_to_say() -> None:
    """Neither errors nor warnings."""
    done = tool("cfn-lint", "template.yaml")
    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.long
def test_checkov_finds_nothing_but_what_is_justified(tmp_path: Path) -> None:
    """No failed check, before the transforms and after; skipped are those of .checkov.yaml, and logs of access logs."""
    translated = tmp_path / "translated.json"
    translated.write_text(json.dumps(template()))
    for file in ("template.yaml", str(translated)):
        done = tool("checkov", "--skip-download", "--framework", "cloudformation", "--output", "json", "--file", file)
        found = json.loads(done.stdout)["results"]
        assert [(check["check_id"], check["resource"]) for check in found["failed_checks"]] == []
        assert len(found["passed_checks"]) > 80
        skipped = [(check["check_id"], check["resource"].split(".")[1]) for check in found["skipped_checks"]]
        assert skipped == [("CKV_AWS_18", "AccessLogBucket")]


@pytest.mark.parametrize("below", ["", "x/"])
@pytest.mark.parametrize("taken", NOT_FOR_IMAGES)
def test_images_go_nowhere_with_another_use(taken: str, below: str) -> None:
    """The stack's parameter and the functions' setting refuse each such prefix, and what is below it, and no other."""
    pattern = template()["Parameters"]["ImagePrefix"]["AllowedPattern"]
    settings = {"DOG_BUCKET": "b", "MEMO_TABLE": "m"}
    assert not re.fullmatch(pattern, taken + below)
    with pytest.raises(ConfigurationError, match="have other uses"):
        FetchSettings.from_environment({**settings, "PREFIX": taken + below})
    for free in (f"my-{taken}", f"html/{taken}", f"{taken[:-1]}-2/"):
        assert re.fullmatch(pattern, free)
        assert FetchSettings.from_environment({**settings, "PREFIX": free}).prefix == free


def test_the_functions_that_fetch_have_the_limit_of_pixels() -> None:
    """One parameter of the stack, with the default of one machine."""
    limits = {
        name: properties.get("Environment", {}).get("Variables", {}).get("MAX_PIXELS")
        for name, properties in of_type("AWS::Lambda::Function").items()
    }
    assert {name for name, limit in limits.items() if limit} == {"FetchAndUploadDogImage", "IngestBatch"}
    assert template()["Parameters"]["MaxPixels"]["Default"] == MAX_PIXELS


def test_statelint_accepts_the_workflow() -> None:
    """All of it but the one state in JSONata, which that tool does not know yet."""
    complaints = [line for line in tool("statelint", WORKFLOW).stdout.splitlines() if "State Machine." in line]
    assert len(complaints) == 1
    assert complaints[0].strip().startswith('State Machine.States.WaitRetryAfter.Seconds is "{%')


def test_statelint_accepts_the_bulk_workflow() -> None:
    """All but two fields of a Distributed Map that AWS documents and that tool does not know."""
    complaints = [line.strip() for line in tool("statelint", BULK).stdout.splitlines() if "State Machine." in line]
    assert complaints == [
        'Field "Label" not allowed in State Machine.States.IngestBatches',
        'Field "InputType" not allowed in State Machine.States.IngestBatches.ItemReader.ReaderConfig',
    ]


def test_parliament_finds_no_fault_in_any_policy() -> None:
    """Actions exist, resources fit them, and no condition is misspelt."""
    program = (
        "import json, sys; from parliament import analyze_policy_string\n"
        "for name, text in json.loads(sys.argv[1]).items():\n"
        "    for found in analyze_policy_string(text).findings: print(name, found)\n"
    )
    found = {
        name: json.dumps(document) for role in of_type("AWS::IAM::Role") for name, document in policies(role).items()
    }
    done = tool("python", "-c", program, json.dumps(found))
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert found.keys() >= {"Schedule", *of_type("AWS::IAM::ManagedPolicy")}


def test_nothing_of_an_account_is_in_the_template() -> None:
    """No literal account, region or partition: it deploys anywhere."""
    text = json.dumps(template()["Resources"])
    assert "arn:aws:" not in text
    assert not [word for word in ("us-east-1", "eu-central-1", "123456789012") if word in text]


def test_users_find_the_names_they_know() -> None:
    """With no prefix given; and every name that is given begins with the prefix."""
    properties = [found["Properties"] for found in resources().values()]
    names = {
        found[key] for found in properties for key in ("FunctionName", "StateMachineName", "TableName") if key in found
    }
    machines = {"DogUploaderPipeline", "BulkIngest"}
    functions = {"FetchAndUploadDogImage", "AlertPNG", "LogToDynamoDB", "IngestBatch", "SummariseIngest"}
    assert names == {*machines, *functions, "DogImageUploads", "DogImageMemos"}
    assert (
        of_type("AWS::IAM::Role")["PipelineRole"]["RoleName"] == "StepFunctions-DogUploaderPipeline-role-eu-central-1"
    )
    assert of_type("AWS::IAM::Role")["BulkRole"]["RoleName"] == "StepFunctions-BulkIngest-role-eu-central-1"
    assert of_type("AWS::SNS::Topic")["PNGAlertTopic"]["TopicName"] == "png-alert-topic"
    for resource in template()["Resources"].values():
        for key, value in resource["Properties"].items():
            if key.endswith("Name") and isinstance(value, dict) and "Fn::Sub" in value:
                assert "${NamePrefix}" in as_list(value["Fn::Sub"])[0], value


def test_the_template_has_what_the_commands_look_for() -> None:
    """The logical names and types asked for are those of the template."""
    assert {name: resources()[name]["Type"] for name in TYPES} == TYPES


@pytest.mark.parametrize("name", ["ImageBucket", "AccessLogBucket", "DogImageUploads", "Key"])
def test_data_outlives_the_stack(name: str) -> None:
    """What is kept, and its key, stays when the stack goes, but not when its creation fails: it can be repeated."""
    found = resources()[name]
    assert (found["DeletionPolicy"], found["UpdateReplacePolicy"]) == ("RetainExceptOnCreate", "Retain")


def test_the_table_can_be_brought_back() -> None:
    """Point-in-time recovery, our own key; paid per request. Protection from deletion waits until it is asked for."""
    table = of_type("AWS::DynamoDB::Table")["DogImageUploads"]
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["DeletionProtectionEnabled"] is False
    asked = template()["Resources"]["DogImageUploads"]["Properties"]["DeletionProtectionEnabled"]["Fn::If"]
    assert asked == ["ProtectsTable", True, False]
    assert table["SSESpecification"]["SSEType"] == "KMS"
    assert table["BillingMode"] == "PAY_PER_REQUEST"


@pytest.mark.parametrize(
    ("kind", "policy_kind", "attachment"),
    [
        ("AWS::S3::Bucket", "AWS::S3::BucketPolicy", "Bucket"),
        ("AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "Topics"),
        ("AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "Queues"),
    ],
)
def test_everything_that_has_an_address_is_reached_over_tls_only(kind: str, policy_kind: str, attachment: str) -> None:
    """Each bucket, topic and queue has a policy that denies everybody anything else, and allows nobody everything."""
    found_policies = {
        target["Ref"]: found["Properties"]["PolicyDocument"]["Statement"]
        for found in template()["Resources"].values()
        if found["Type"] == policy_kind
        for target in as_list(found["Properties"][attachment])
    }
    assert found_policies.keys() == of_type(kind).keys()
    for found in found_policies.values():
        deny = next(statement for statement in found if statement["Effect"] == "Deny")
        assert deny["Principal"] == "*"
        assert deny["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        allows = [statement for statement in found if statement["Effect"] == "Allow"]
        assert all(statement["Principal"] != "*" and not str(statement["Action"]).endswith("*") for statement in allows)


@pytest.mark.parametrize("name", ["ImageBucket", "AccessLogBucket"])
def test_no_bucket_is_public(name: str) -> None:
    """All four blocks, no ACLs, versions kept, encrypted, and tidied up."""
    bucket = of_type("AWS::S3::Bucket")[name]
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    rules = bucket["LifecycleConfiguration"]["Rules"]
    assert any("AbortIncompleteMultipartUpload" in rule for rule in rules)
    assert any("NoncurrentVersionExpiration" in rule for rule in rules)


def test_images_are_never_deleted_by_the_lifecycle() -> None:
    """Images and quarantined files stay until the operator decides."""
    rules = of_type("AWS::S3::Bucket")["ImageBucket"]["LifecycleConfiguration"]["Rules"]
    expiring = [rule["Prefix"] for rule in rules if any(name.startswith("Expiration") for name in rule)]
    assert expiring == ["athena/"]  # the results of queries


def test_memos_expire_with_the_stack_or_before() -> None:
    """In a table of their own under our key, which the functions that remember know by name."""
    memos = of_type("AWS::DynamoDB::Table")["Memos"]
    assert memos["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert memos["SSESpecification"]["KMSMasterKeyId"].endswith("key/Key")
    assert memos["BillingMode"] == "PAY_PER_REQUEST"
    assert "DeletionPolicy" not in resources()["Memos"]
    for name in ("FetchAndUploadDogImage", "IngestBatch"):
        variables = of_type("AWS::Lambda::Function")[name]["Environment"]["Variables"]
        assert variables["MEMO_TABLE"] == "DogImageMemos"


def test_the_workflow_may_be_express() -> None:
    """Under a name of its own, because CloudFormation replaces it.

    Its role trusts both names, so that executions that run when the type changes can end.
    """
    parameter = template()["Parameters"]["WorkflowType"]
    assert (parameter["Default"], parameter["AllowedValues"]) == ("STANDARD", ["STANDARD", "EXPRESS"])
    machine = template()["Resources"]["DogUploaderPipeline"]["Properties"]
    assert machine["StateMachineType"] == {"Ref": "WorkflowType"}
    by_type = {"Fn::FindInMap": ["Machines", "Pipeline", {"Ref": "WorkflowType"}]}
    assert machine["StateMachineName"]["Fn::Sub"][1] == {"Name": by_type}
    (trust,) = template()["Resources"]["PipelineRole"]["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    text, names_of_role = trust["Condition"]["ArnLike"]["aws:SourceArn"]["Fn::Sub"]
    assert text.endswith(":stateMachine:${NamePrefix}${Name}*")
    assert resolved(names_of_role["Name"]) == "DogUploaderPipeline"
    filled = machine["DefinitionSubstitutions"]["BrieflyRetried"]
    assert filled == {"Fn::If": ["IsExpress", "TooManyRequestsException", "None"]}
    names = template()["Mappings"]["Machines"]["Pipeline"]
    assert names["STANDARD"] != names["EXPRESS"]
    assert all(name.startswith(names["Name"]) for name in names.values())


@pytest.mark.parametrize(
    ("name", "with_data", "filled"),
    [
        (
            "DogUploaderPipeline",
            True,
            [
                "AlertPNGArn",
                "BrieflyRetried",
                "FetchAndUploadDogImageArn",
                "LogToDynamoDBArn",
                "PNGAlertTopicArn",
                "aws",
            ],
        ),
        (
            "BulkIngest",
            False,
            ["BulkConcurrency", "ImageBucketName", "IngestBatchArn", "PNGAlertTopicArn", "SummariseIngestArn", "aws"],
        ),
    ],
)
def test_the_state_machines_are_watched(name: str, with_data: bool, filled: list[str]) -> None:
    """Logs to a group of ours, of bulk without data; traces; placeholders filled; Standard, so they can be redriven."""
    machine = of_type("AWS::StepFunctions::StateMachine")[name]
    assert machine["LoggingConfiguration"]["Level"] == "ERROR"
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is with_data
    assert machine["TracingConfiguration"] == {"Enabled": True}
    assert machine["StateMachineType"] == "STANDARD"
    assert sorted(machine["DefinitionSubstitutions"]) == filled


def test_every_log_group_ends_and_is_encrypted() -> None:
    """Each function has its own, and none is made by chance, without retention."""
    groups = of_type("AWS::Logs::LogGroup")
    assert all(group["RetentionInDays"] == 30 and group["KmsKeyId"] for group in groups.values())
    for name, function in of_type("AWS::Lambda::Function").items():
        assert function["LoggingConfig"] == {"LogFormat": "JSON", "LogGroup": f"/aws/lambda/{name}"}
        assert f"{name}Logs" in groups


def test_every_function_is_bounded() -> None:
    """arm64, traced, a time shorter than its state's TimeoutSeconds."""
    bulk = json.loads((ROOT / BULK).read_text())["States"]
    states = json.loads((ROOT / WORKFLOW).read_text())["States"] | bulk
    states |= bulk["IngestBatches"]["ItemProcessor"]["States"]
    for name, function in of_type("AWS::Lambda::Function").items():
        assert function["Architectures"] == ["arm64"]
        assert function["TracingConfig"] == {"Mode": "Active"}
        assert "DeadLetterConfig" not in function  # invoked synchronously only, it could never fill
        assert function["Timeout"] < states[name]["TimeoutSeconds"]


def test_a_new_account_can_deploy() -> None:
    """Nothing is reserved by default, because a quota of 10 leaves nothing to reserve; where asked for, two can be."""
    assert not [
        name
        for name in of_type("AWS::Lambda::Function")
        if "ReservedConcurrentExecutions" in of_type("AWS::Lambda::Function")[name]
    ]
    reserving = {
        name: found["Properties"]["ReservedConcurrentExecutions"]["Fn::If"][1]["Ref"]
        for name, found in template()["Resources"].items()
        if "ReservedConcurrentExecutions" in found["Properties"]
    }
    assert reserving == {"FetchAndUploadDogImage": "FetchConcurrency", "IngestBatch": "BulkConcurrency"}


def test_fetching_has_time_for_what_it_may_do() -> None:
    """The API's answer and the image, each within its own deadline, and then some for storing."""
    function = of_type("AWS::Lambda::Function")["FetchAndUploadDogImage"]
    assert 2 * FetchSettings("b", "m").timeout_seconds + longest_seconds("s3") <= function["Timeout"]


def test_a_batch_has_time_for_what_it_may_do() -> None:
    """Nothing is begun after BATCH_SECONDS; robots.txt, an image, each within its deadline, and storing still fit."""
    from pupline.tasks.ingest_batch import BATCH_SECONDS, CHILD_SECONDS

    function = of_type("AWS::Lambda::Function")["IngestBatch"]
    needed = BATCH_SECONDS + 2 * FetchSettings("b", "m").timeout_seconds + longest_seconds("s3")
    assert needed <= function["Timeout"] < CHILD_SECONDS


def test_logging_has_time_for_its_record() -> None:
    """One request, with all attempts at it."""
    assert longest_seconds("dynamodb") <= of_type("AWS::Lambda::Function")["LogToDynamoDB"]["Timeout"]


def test_every_role_trusts_one_service() -> None:
    """The state machine's and the schedule's only on behalf of this account."""
    for name, role in of_type("AWS::IAM::Role").items():
        (statement,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert statement["Action"] == "sts:AssumeRole"
        assert isinstance(statement["Principal"]["Service"], str)
        if name in ("PipelineRole", "BulkRole", "ScheduleRole"):
            assert statement["Condition"]["StringEquals"]["aws:SourceAccount"] == "111122223333"


def test_no_role_has_more_than_it_can_name() -> None:
    """A resource is `*` only for actions that know no resources; no action has a wildcard."""
    boundless = {"xray", "logs"}
    for role in of_type("AWS::IAM::Role"):
        for statement in statements(role):
            assert not [action for action in statement["Action"] if "*" in action]
            if "*" in statement["Resource"]:
                assert {action.split(":")[0] for action in statement["Action"]} <= boundless, statement


def test_the_schedule_is_off_until_asked_for() -> None:
    """Hourly, flexible, with a dead letter queue."""
    (schedule,) = of_type("AWS::Scheduler::Schedule").values()
    assert (schedule["State"], schedule["ScheduleExpression"]) == ("DISABLED", "rate(1 hour)")
    assert schedule["Target"]["Input"] == "{}"
    assert schedule["Target"]["DeadLetterConfig"]["Arn"].endswith(":pupline-dead-letters")


def test_everything_at_rest_is_under_our_own_key() -> None:
    """Queues, topics, logs, table, bucket, and the environment of functions that have one; the key is rotated."""
    (key,) = of_type("AWS::KMS::Key").values()
    assert key["EnableKeyRotation"] is True
    for kind in ("AWS::SQS::Queue", "AWS::SNS::Topic"):
        assert all(found["KmsMasterKeyId"] == "Key" for found in of_type(kind).values())
    with_environment = [found for found in of_type("AWS::Lambda::Function").values() if "Environment" in found]
    assert len(with_environment) == 4
    assert all(found["KmsKeyArn"].endswith("key/Key") for found in with_environment)


def test_a_subscription_by_mail_is_made_only_when_asked_for() -> None:
    """And what cannot be delivered waits in a queue."""
    for name, condition in (("PNGAlertEmail", "HasAlertEmail"), ("AlarmEmailSubscription", "HasAlarmEmail")):
        found = resources()[name]
        assert found["Condition"] == condition
        assert found["Properties"]["RedrivePolicy"]["deadLetterTargetArn"].startswith("arn:aws:sqs:")
