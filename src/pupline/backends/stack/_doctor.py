"""The checks of `pupline doctor` on a deployed stack. Nothing is written."""

from functools import partial
from typing import Any

from pupline.backends._port import Check
from pupline.backends.stack._account import Account, aws_errors
from pupline.backends.stack._alarm_checks import alarm_subscriptions_check, alarms_check, alert_subscriptions_check
from pupline.backends.stack._checks import DEPLOY_AGAIN, Examination, Problem, finding
from pupline.backends.stack._function_checks import functions_check, logs_check
from pupline.backends.stack._stack import (
    BUCKET,
    BULK_MACHINE,
    DEAD_LETTERS,
    KEY,
    MACHINE,
    MEMOS,
    SCHEDULE,
    TABLE,
    TYPES,
    UNDELIVERED,
    UNDELIVERED_ALARMS,
    Stack,
)
from pupline.text import plural

MEMO_TTL = "expires_at"
"""The attribute of a memo by which DynamoDB deletes it."""

_NO_DEFINITION = "METADATA_ONLY"
"""Of a state machine: its definition is encrypted, and would need kms:Decrypt."""


def examine_stack(account: Account, name: str) -> list[Check]:
    """All checks of the stack. A check that is not allowed, or fails, is an error and hides no other.

    Raises: ConfigurationError when the credentials are not accepted, or there is no such stack.
    """
    identity = _identity(account)
    stack = Stack.find(account, name)
    checks = [identity, _status(stack), _resources(stack)]
    return [*checks, *(one.check(account, stack) for one in EXAMINATIONS)]


def _identity(account: Account) -> Check:
    with aws_errors("asking who these credentials are"):
        caller = account.client("sts").get_caller_identity()
    return Check("credentials", "ok", f"{caller['Arn']}, region {account.region}")


def _status(stack: Stack) -> Check:
    detail = f"{stack.name}: {stack.status}"
    if stack.status in {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}:
        return Check("stack", "ok", detail)
    if stack.status.endswith("_IN_PROGRESS"):
        return Check("stack", "warning", detail, "wait until CloudFormation is done")
    step = f"see why: aws cloudformation describe-stack-events --stack-name {stack.name}"
    if stack.status == "UPDATE_ROLLBACK_COMPLETE":  # the resources are those from before the update
        return Check("stack", "warning", detail, step)
    return Check("stack", "error", detail, step)


def _resources(stack: Stack) -> Check:
    missing = [name for name in TYPES if name not in stack.resources]
    outputs = ", ".join(f"{key}={value}" for key, value in sorted(stack.outputs.items())) or "none"
    if missing:
        return Check("resources", "error", f"{', '.join(missing)} missing", DEPLOY_AGAIN)
    return Check("resources", "ok", f"{len(stack.resources)} of them; outputs: {outputs}")


def _machine(label: str, logical_name: str, account: Account, stack: Stack) -> Check:
    arn = stack.resource(logical_name)
    with aws_errors(f"looking at the {label}"):
        found = account.client("stepfunctions").describe_state_machine(stateMachineArn=arn, includedData=_NO_DEFINITION)
    level = found.get("loggingConfiguration", {}).get("level")
    detail = f"{found['name']}: {found['status']}, {found['type']}, logging {level or 'unknown'}"
    if found["type"] == "EXPRESS":
        detail += "; its executions are not kept: see pupline audit, and the log for failures"
    problems = []
    if found["status"] != "ACTIVE":
        problems.append(Problem(detail, DEPLOY_AGAIN, "error"))
    elif level == "OFF":
        problems.append(Problem(f"{detail}: nobody learns of failures that an alarm reads in its log", DEPLOY_AGAIN))
    return finding(label, detail, problems)


def _table(account: Account, stack: Stack) -> Check:
    with aws_errors("looking at the audit table"):
        table = account.client("dynamodb").describe_table(TableName=stack.resource(TABLE))["Table"]
    indexes = [index["IndexName"] for index in table.get("GlobalSecondaryIndexes", ())]
    detail = f"{table['TableName']}: {table['TableStatus']}, about {table['ItemCount']:,} records"
    if "by-day" not in indexes:
        return Check("audit table", "error", f"{detail}, without the index by-day", DEPLOY_AGAIN)
    return Check("audit table", "ok" if table["TableStatus"] in {"ACTIVE", "UPDATING"} else "error", detail)


def _bucket(account: Account, stack: Stack) -> Check:
    bucket = stack.resource(BUCKET)
    with aws_errors(f"looking at the bucket {bucket}"):
        account.client("s3").head_bucket(Bucket=bucket)
    return Check("bucket", "ok", f"{bucket}: reachable")


def _memos(account: Account, stack: Stack) -> Check:
    table, client = stack.resource(MEMOS), account.client("dynamodb")
    with aws_errors(f"looking at the table {table}"):
        status = client.describe_table(TableName=table)["Table"]["TableStatus"]
        ttl = client.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    problems = []
    if status not in {"ACTIVE", "UPDATING"}:
        problems.append(Problem(f"{table} is {status}", DEPLOY_AGAIN, "error"))
    if ttl.get("TimeToLiveStatus") not in {"ENABLED", "ENABLING"} or ttl.get("AttributeName") != MEMO_TTL:
        problems.append(Problem(f"{table} keeps memos forever: no time to live by {MEMO_TTL}", DEPLOY_AGAIN))
    return finding("memo table", f"{table}: {status}, memos expire", problems)


def _key(account: Account, stack: Stack) -> Check:
    key, client = stack.resource(KEY), account.client("kms")
    with aws_errors("looking at the key"):
        found = client.describe_key(KeyId=key)["KeyMetadata"]
    state = found["KeyState"]
    if state == "PendingDeletion":
        when = found.get("DeletionDate")
        text = (
            f"the key is deleted on {when:%Y-%m-%d}; nothing can be read afterwards" if when else "it is deleted soon"
        )
        return Check("key", "error", text, f"keep it: aws kms cancel-key-deletion --key-id {key}")
    if state != "Enabled":
        step = f"enable it: aws kms enable-key --key-id {key}"
        return Check("key", "error", f"the key is {state}: nothing can be read or written", step)
    with aws_errors("looking at the rotation of the key"):
        rotates = client.get_key_rotation_status(KeyId=key)["KeyRotationEnabled"]
    problems = [] if rotates else [Problem("the key is not rotated", DEPLOY_AGAIN)]
    return finding("key", "enabled, rotated every year", problems)


def _schedule(account: Account, stack: Stack) -> Check:
    with aws_errors("looking at the schedule"):
        found = account.client("scheduler").get_schedule(Name=stack.resource(SCHEDULE))
    detail = f"{found['ScheduleExpression']}, {found['State']}"
    target = found["Target"]["Arn"]
    if target.removeprefix(stack.resource(MACHINE))[:1] not in {"", ":"}:
        text = f"{detail}; it starts {target}, which is not the stack's state machine"
        return Check("schedule", "error", text, DEPLOY_AGAIN)
    wanted = stack.parameters.get("ScheduleState", found["State"])
    if found["State"] != wanted:
        text = f"{detail}, and the stack's ScheduleState is {wanted}: somebody changed it by other means"
        step = f"change it back in the console, or deploy with the parameter ScheduleState={found['State']}"
        return Check("schedule", "warning", text, step)
    if found["State"] != "ENABLED":
        return Check("schedule", "ok", detail, "to enable it, deploy with the parameter ScheduleState=ENABLED")
    with aws_errors(f"the schedule starts nothing: looking at its target {target}"):
        account.client("stepfunctions").describe_state_machine(stateMachineArn=target, includedData=_NO_DEFINITION)
    return Check("schedule", "ok", detail)


def _depth(label: str, logical_name: str, what: str, why: str, account: Account, stack: Stack) -> Check:
    url = stack.resource(logical_name)
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    with aws_errors(f"looking at the queue {url.rpartition('/')[2]}"):
        answer: dict[str, Any] = account.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)
    depth = sum(int(answer["Attributes"][name]) for name in names)
    if depth:
        step = f"look at them: aws sqs receive-message --queue-url {url}"
        return Check(label, "warning", f"about {plural(depth, what)} that {why}", step)
    return Check(label, "ok", "none")


EXAMINATIONS = [
    Examination("state machine", "states:DescribeStateMachine", partial(_machine, "state machine", MACHINE)),
    Examination(
        "bulk state machine", "states:DescribeStateMachine", partial(_machine, "bulk state machine", BULK_MACHINE)
    ),
    Examination("functions", "lambda:GetFunctionConfiguration and lambda:GetFunctionConcurrency", functions_check),
    Examination("logs", "lambda:GetFunctionConfiguration and logs:DescribeLogGroups", logs_check),
    Examination("audit table", "dynamodb:DescribeTable", _table),
    Examination("memo table", "dynamodb:DescribeTable and dynamodb:DescribeTimeToLive", _memos),
    Examination("bucket", "s3:ListBucket", _bucket),
    Examination("key", "kms:DescribeKey and kms:GetKeyRotationStatus", _key),
    Examination("alerts", "sns:ListSubscriptionsByTopic", alert_subscriptions_check),
    Examination("alarms", "cloudwatch:DescribeAlarms", alarms_check),
    Examination("alarm subscriptions", "sns:ListSubscriptionsByTopic", alarm_subscriptions_check),
    Examination("schedule", "scheduler:GetSchedule and states:DescribeStateMachine", _schedule),
    *(
        Examination(label, "sqs:GetQueueAttributes", partial(_depth, label, logical_name, *what))
        for label, logical_name, what in (
            ("dead letters", DEAD_LETTERS, ("start", "the schedule could not make")),
            ("undelivered alerts", UNDELIVERED, ("alert", "no attempt could deliver")),
            ("undelivered alarms", UNDELIVERED_ALARMS, ("alarm", "no attempt could deliver")),
        )
    ),
]
