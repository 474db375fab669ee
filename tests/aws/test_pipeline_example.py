"""examples/github-actions: the pipeline is whole, pinned, least privileged, and in step with the template."""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.aws.aws_sam import ROOT
from tests.aws.aws_template import MISSING, as_list, resources, statements, tool
from tests.shared.needed_tools import needs

pytestmark = [pytest.mark.aws, pytest.mark.long]

FOLDER = ROOT / "examples" / "github-actions"
WORKFLOWS = [FOLDER / "deploy.yml", FOLDER / "deploy-stack.yml"]
NEEDED = {
    "AWS::Athena::WorkGroup": "athena:CreateWorkGroup athena:GetWorkGroup athena:TagResource athena:DeleteWorkGroup",
    "AWS::CloudWatch::Alarm": "cloudwatch:PutMetricAlarm cloudwatch:DescribeAlarms cloudwatch:ListTagsForResource"
    " cloudwatch:TagResource cloudwatch:DeleteAlarms",
    "AWS::CloudWatch::Dashboard": "cloudwatch:PutDashboard cloudwatch:GetDashboard cloudwatch:DeleteDashboards",
    "AWS::DynamoDB::Table": "dynamodb:CreateTable dynamodb:DescribeTable dynamodb:DescribeContinuousBackups"
    " dynamodb:UpdateContinuousBackups dynamodb:UpdateTimeToLive dynamodb:TagResource dynamodb:DeleteTable"
    " kms:CreateGrant kms:DescribeKey kms:Encrypt kms:Decrypt kms:ReEncryptFrom kms:ReEncryptTo kms:GenerateDataKey"
    " kms:GenerateDataKeyWithoutPlaintext",
    "AWS::Glue::Database": "glue:CreateDatabase glue:GetDatabase glue:UpdateDatabase glue:DeleteDatabase",
    "AWS::Glue::Table": "glue:CreateTable glue:GetTable glue:UpdateTable glue:DeleteTable",
    "AWS::IAM::ManagedPolicy": "iam:CreatePolicy iam:GetPolicy iam:GetPolicyVersion iam:CreatePolicyVersion"
    " iam:DeletePolicyVersion iam:ListPolicyVersions iam:TagPolicy iam:DeletePolicy",
    "AWS::IAM::Role": "iam:CreateRole iam:GetRole iam:PutRolePolicy iam:GetRolePolicy iam:AttachRolePolicy"
    " iam:ListAttachedRolePolicies iam:ListRolePolicies iam:DetachRolePolicy iam:DeleteRolePolicy iam:TagRole"
    " iam:UpdateAssumeRolePolicy iam:DeleteRole",
    "AWS::KMS::Alias": "kms:CreateAlias kms:ListAliases kms:DeleteAlias",
    "AWS::KMS::Key": "kms:CreateKey kms:TagResource kms:DescribeKey kms:EnableKeyRotation kms:GetKeyPolicy"
    " kms:GetKeyRotationStatus kms:ListResourceTags kms:PutKeyPolicy kms:ScheduleKeyDeletion",
    "AWS::Lambda::Function": "lambda:CreateFunction lambda:GetFunction lambda:GetFunctionCodeSigningConfig"
    " lambda:GetRuntimeManagementConfig lambda:PutFunctionConcurrency lambda:UpdateFunctionCode"
    " lambda:UpdateFunctionConfiguration lambda:TagResource lambda:DeleteFunction iam:PassRole s3:GetObject"
    " kms:CreateGrant kms:Encrypt kms:Decrypt",
    "AWS::Logs::LogGroup": "logs:CreateLogGroup logs:DescribeLogGroups logs:PutRetentionPolicy logs:AssociateKmsKey"
    " logs:TagResource logs:ListTagsForResource logs:DeleteLogGroup",
    "AWS::Logs::MetricFilter": "logs:PutMetricFilter logs:DescribeMetricFilters logs:DeleteMetricFilter",
    "AWS::S3::Bucket": "s3:CreateBucket s3:PutBucketTagging s3:PutEncryptionConfiguration s3:PutBucketVersioning"
    " s3:PutBucketLogging s3:PutBucketNotification s3:PutLifecycleConfiguration s3:PutBucketOwnershipControls"
    " s3:PutBucketPublicAccessBlock s3:GetBucketTagging s3:GetEncryptionConfiguration s3:DeleteBucket",
    "AWS::S3::BucketPolicy": "s3:PutBucketPolicy s3:GetBucketPolicy s3:DeleteBucketPolicy",
    "AWS::SNS::Subscription": "sns:Subscribe sns:GetSubscriptionAttributes sns:SetSubscriptionAttributes"
    " sns:Unsubscribe",
    "AWS::SNS::Topic": "sns:CreateTopic sns:GetTopicAttributes sns:SetTopicAttributes sns:TagResource"
    " sns:ListTagsForResource sns:ListSubscriptionsByTopic sns:DeleteTopic",
    "AWS::SNS::TopicPolicy": "sns:SetTopicAttributes",
    "AWS::SQS::Queue": "sqs:CreateQueue sqs:GetQueueUrl sqs:GetQueueAttributes sqs:SetQueueAttributes"
    " sqs:ListQueueTags sqs:TagQueue sqs:DeleteQueue",
    "AWS::SQS::QueuePolicy": "sqs:SetQueueAttributes",
    "AWS::Scheduler::Schedule": "scheduler:CreateSchedule scheduler:GetSchedule scheduler:UpdateSchedule"
    " scheduler:DeleteSchedule iam:PassRole",
    "AWS::StepFunctions::StateMachine": "states:CreateStateMachine states:DescribeStateMachine"
    " states:UpdateStateMachine states:TagResource states:ListTagsForResource states:DeleteStateMachine iam:PassRole"
    " s3:GetObject kms:DescribeKey kms:GenerateDataKey kms:Decrypt",
}
"""What CloudFormation calls for a kind of resource, by the handlers of its schema and the services' own pages."""


def tagged(loader: Any, suffix: str, node: Any) -> dict[str, Any]:
    """A short intrinsic function: `!Sub x` as {"Sub": x}."""
    scalar = isinstance(node, yaml.ScalarNode)
    return {suffix: loader.construct_scalar(node) if scalar else loader.construct_sequence(node, deep=True)}


Template: Any = type("Template", (yaml.SafeLoader,), {})
Template.add_multi_constructor("!", tagged)


def role_template() -> dict[str, Any]:
    """role.yaml."""
    found: dict[str, Any] = yaml.load((FOLDER / "role.yaml").read_text(), Loader=Template)  # noqa: S506  a SafeLoader
    return found


def properties(name: str) -> dict[str, Any]:
    """The properties of a resource of role.yaml."""
    found: dict[str, Any] = role_template()["Resources"][name]["Properties"]
    return found


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    """The jobs of a workflow."""
    found: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text())["jobs"]
    return found


def steps() -> Iterator[dict[str, Any]]:
    """Every step of the workflows."""
    for path in WORKFLOWS:
        for job in jobs(path).values():
            yield from job.get("steps", [])


def test_the_workflow_promotes_what_was_tested() -> None:
    """Build, then staging, then production; every job is limited in time or calls the workflow next to it."""
    deploy = jobs(FOLDER / "deploy.yml")
    assert {name: job.get("needs") for name, job in deploy.items()} == {
        "build": None,
        "staging": "build",
        "production": "staging",
    }
    for job in (*deploy.values(), *jobs(FOLDER / "deploy-stack.yml").values()):
        assert "timeout-minutes" in job or job["uses"] == "./.github/workflows/deploy-stack.yml"
        assert ("id-token" in job.get("permissions", {})) == ("steps" not in job or "environment" in job)
    (uploaded,) = (step["with"] for step in steps() if "upload-artifact" in step.get("uses", ""))
    (downloaded,) = (step["with"] for step in steps() if "download-artifact" in step.get("uses", ""))
    assert (uploaded["name"], uploaded["path"]) == (downloaded["name"], downloaded["path"])


def test_actions_are_pinned_and_steps_call_what_is_there() -> None:
    """An action by its commit, a make target, a program of .venv, or a script of this folder."""
    for step in steps():
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", step["uses"])
            continue
        for script in re.findall(r"\S+\.sh", step["run"]):
            assert (ROOT / script).is_file()
        assert step["run"].split()[0] in {"make", "bash", ".venv/bin/python", ".venv/sam/bin/sam"}
        for module in re.findall(r"-m tools\.(\w+)", step["run"]):
            assert (ROOT / "tools" / f"{module}.py").is_file()
    targets = (ROOT / "Makefile").read_text() + (ROOT / "aws.mk").read_text()
    for step in steps():
        for target in step.get("run", "").split()[1:] if step.get("run", "").startswith("make ") else []:
            assert f"\n{target}:" in targets


def test_the_page_explains_every_variable_and_output() -> None:
    """What the workflows read from the environment, and where each value comes from."""
    page = (FOLDER / "README.md").read_text()
    read = {name for path in WORKFLOWS for name in re.findall(r"vars\.(\w+)", path.read_text())}
    assert read == set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    assert set(role_template()["Outputs"]) == set(re.findall(r"output `(\w+)`", page))
    used = {
        name
        for script in ("deploy.sh", "smoke_test.sh")
        for name in re.findall(r"\$\{?(\w+)", (FOLDER / script).read_text())
    }
    given = {name for job in jobs(FOLDER / "deploy-stack.yml").values() for name in job["env"]}
    assert used - {"PWD", "RUN_ID"} <= given


def test_only_the_environments_jobs_can_assume_the_role() -> None:
    """The trust compares audience and subject exactly: repository and environment, without wildcards."""
    (trust,) = properties("DeployRole")["AssumeRolePolicyDocument"]["Statement"]
    host = "token.actions.githubusercontent.com"
    assert trust["Action"] == "sts:AssumeRoleWithWebIdentity"
    assert trust["Condition"] == {
        "StringEquals": {
            f"{host}:aud": "sts.amazonaws.com",
            f"{host}:sub": {"Sub": "repo:${Repository}:environment:${Environment}"},
        }
    }


def test_cloudformation_can_make_every_kind_of_resource() -> None:
    """Its role may make, read, tag and delete each kind of resource of the template, and touch no data."""
    document = properties("CloudFormationRole")["Policies"][0]["PolicyDocument"]
    allowed = {action for statement in document["Statement"] for action in as_list(statement["Action"])}
    kinds = {resource["Type"] for resource in resources().values()}
    assert kinds - set(NEEDED) == set(), "say which actions CloudFormation calls for these"
    for kind in kinds:
        wanted = NEEDED[kind].split()
        assert [one for one in wanted if not any(fnmatchcase(one, action) for action in allowed)] == [], kind
    for data in ("s3:PutObject", "dynamodb:PutItem", "dynamodb:GetItem", "sqs:ReceiveMessage", "sns:Publish"):
        assert not any(fnmatchcase(data, action) for action in allowed)


def test_what_takes_no_name_is_allowed_on_everything() -> None:
    """AWS checks these look-ups against all alarms, aliases and log groups, whatever name is asked for."""
    document = properties("CloudFormationRole")["Policies"][0]["PolicyDocument"]
    (find,) = (one for one in document["Statement"] if one["Sid"] == "Find")
    assert find["Resource"] == "*"
    look_ups = {"cloudwatch:DescribeAlarms", "kms:ListAliases", "logs:DescribeLogGroups", "logs:DescribeMetricFilters"}
    assert look_ups <= set(find["Action"])


def test_the_tag_of_the_key_is_one_that_the_deployment_sets() -> None:
    """CloudFormation gives a key the stack's own tags, but not `aws:cloudformation:stack-name`, as it does others."""
    assert '--tags "stack=$STACK"' in (FOLDER / "deploy.sh").read_text()
    found = re.findall(r"aws:(?:Resource|Request)Tag/([\w:-]+?):? ", (FOLDER / "role.yaml").read_text())
    assert set(found) == {"stack"}
    assert len(found) == 3


def test_every_action_of_the_stacks_roles_is_within_the_boundary() -> None:
    """Otherwise a deployed function would be refused what its own policy allows."""
    document = properties("Boundary")["PolicyDocument"]
    bound = [action for statement in document["Statement"] for action in as_list(statement["Action"])]
    roles = [name for name, resource in resources().items() if resource["Type"] == "AWS::IAM::Role"]
    wanted = {action for role in roles for statement in statements(role) for action in as_list(statement["Action"])}
    assert wanted
    assert {action for action in wanted if not any(fnmatchcase(action, pattern) for pattern in bound)} == set()


@pytest.mark.slow
@needs(MISSING)
def test_the_role_passes_the_checkers() -> None:
    """cfn-lint and checkov, with the exceptions that the file gives reasons for."""
    file = str(FOLDER / "role.yaml")
    for command in (["cfn-lint", file], ["checkov", "-f", file, "--compact", "--quiet", "--skip-download"]):
        done = tool(*command)
        assert done.returncode == 0, done.stdout + done.stderr
