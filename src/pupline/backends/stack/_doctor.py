"""The checks of `pupline doctor` on a deployed stack. Nothing is written."""

from collections.abc import Callable
from functools import partial
from typing import Any

from pupline.backends._port import Check
from pupline.backends.stack._account import Account, aws_errors, pages
from pupline.backends.stack._stack import (
    BUCKET,
    BULK_MACHINE,
    DEAD_LETTERS,
    FUNCTIONS,
    MACHINE,
    SCHEDULE,
    TABLE,
    TOPIC,
    TYPES,
    UNDELIVERED,
    Stack,
)
from pupline.errors import PuplineError
from pupline.text import printable


def examine_stack(account: Account, name: str) -> list[Check]:
    """All checks of the stack. A check that is not allowed, or fails, is an error and hides no other.

    Raises: ConfigurationError when the credentials are not accepted, or there is no such stack.
    """
    identity = _identity(account)
    stack = Stack.find(account, name)
    checks = [identity, _status(stack), _resources(stack)]
    looks: list[tuple[str, Callable[[Account, Stack], Check]]] = [
        ("state machine", partial(_machine, "state machine", MACHINE)),
        ("bulk state machine", partial(_machine, "bulk state machine", BULK_MACHINE)),
        ("functions", _functions),
        ("audit table", _table),
        ("bucket", _bucket),
        ("alerts", _subscriptions),
        ("schedule", _schedule),
        ("dead letters", _dead_letters),
        ("undelivered alerts", _undelivered),
    ]
    return [*checks, *(_looked(label, look, account, stack) for label, look in looks)]


def _looked(label: str, look: Callable[[Account, Stack], Check], account: Account, stack: Stack) -> Check:
    try:
        return look(account, stack)
    except PuplineError as err:
        return Check(label, "error", str(err))


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
        return Check("resources", "error", f"{', '.join(missing)} missing", "deploy template.yaml again: sam deploy")
    return Check("resources", "ok", f"{len(stack.resources)} of them; outputs: {outputs}")


def _machine(label: str, logical_name: str, account: Account, stack: Stack) -> Check:
    arn = stack.resource(logical_name)
    with aws_errors(f"looking at the {label}"):
        found = account.client("stepfunctions").describe_state_machine(stateMachineArn=arn)
    logging = found.get("loggingConfiguration", {}).get("level", "OFF")
    detail = f"{found['name']}: {found['status']}, {found['type']}, logging {logging}"
    return Check(label, "ok" if found["status"] == "ACTIVE" else "error", detail)


def _functions(account: Account, stack: Stack) -> Check:
    client = account.client("lambda")
    failed = []
    for logical_name in FUNCTIONS:
        with aws_errors(f"looking at the function {logical_name}"):
            found = client.get_function_configuration(FunctionName=stack.resource(logical_name))
        # A function that has not been called for weeks is Inactive, and becomes Active at its next call.
        if found.get("State") == "Failed" or found.get("LastUpdateStatus") == "Failed":
            reason = found.get("StateReason") or found.get("LastUpdateStatusReason") or "no reason was given"
            failed.append(f"{logical_name} ({printable(reason, 200)})")
    if failed:
        return Check("functions", "error", f"not usable: {', '.join(failed)}", "deploy template.yaml again: sam deploy")
    return Check("functions", "ok", f"{len(FUNCTIONS)} of them are usable")


def _table(account: Account, stack: Stack) -> Check:
    with aws_errors("looking at the audit table"):
        table = account.client("dynamodb").describe_table(TableName=stack.resource(TABLE))["Table"]
    indexes = [index["IndexName"] for index in table.get("GlobalSecondaryIndexes", ())]
    detail = f"{table['TableName']}: {table['TableStatus']}, about {table['ItemCount']:,} records"
    if "by-day" not in indexes:
        return Check("audit table", "error", f"{detail}, without the index by-day", "deploy template.yaml again")
    return Check("audit table", "ok" if table["TableStatus"] in {"ACTIVE", "UPDATING"} else "error", detail)


def _bucket(account: Account, stack: Stack) -> Check:
    bucket = stack.resource(BUCKET)
    with aws_errors(f"looking at the bucket {bucket}"):
        account.client("s3").head_bucket(Bucket=bucket)
    return Check("bucket", "ok", f"{bucket}: reachable")


def _subscriptions(account: Account, stack: Stack) -> Check:
    topic, client = stack.resource(TOPIC), account.client("sns")
    doing = "listing the subscriptions of the alert topic"
    found = [
        one
        for page in pages(client, "list_subscriptions_by_topic", doing, TopicArn=topic)
        for one in page["Subscriptions"]
    ]
    waiting = sum(1 for one in found if one["SubscriptionArn"] == "PendingConfirmation")
    kinds = ", ".join(sorted({one["Protocol"] for one in found})) or "none"
    detail = f"{topic.rpartition(':')[2]}: {len(found)} subscription{'' if len(found) == 1 else 's'} ({kinds})"
    if waiting:
        return Check("alerts", "warning", f"{detail}, {waiting} not confirmed", "follow the link in AWS's e-mail")
    if not found:
        return Check("alerts", "warning", detail, "deploy with the parameter AlertEmail, or subscribe to the topic")
    return Check("alerts", "ok", detail)


def _schedule(account: Account, stack: Stack) -> Check:
    with aws_errors("looking at the schedule"):
        found = account.client("scheduler").get_schedule(Name=stack.resource(SCHEDULE))
    detail = f"{found['ScheduleExpression']}, {found['State']}"
    step = "" if found["State"] == "ENABLED" else "to enable it, deploy with the parameter ScheduleState=ENABLED"
    return Check("schedule", "ok", detail, step)


def _dead_letters(account: Account, stack: Stack) -> Check:
    return _depth("dead letters", "events that could not be handled", account, stack.resource(DEAD_LETTERS))


def _undelivered(account: Account, stack: Stack) -> Check:
    return _depth("undelivered alerts", "alerts that no attempt could deliver", account, stack.resource(UNDELIVERED))


def _depth(label: str, what: str, account: Account, url: str) -> Check:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    with aws_errors(f"looking at the queue {url.rpartition('/')[2]}"):
        answer: dict[str, Any] = account.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=names)
    depth = sum(int(answer["Attributes"][name]) for name in names)
    if depth:
        step = f"look at them: aws sqs receive-message --queue-url {url}"
        return Check(label, "warning", f"about {depth:,} {what}", step)
    return Check(label, "ok", "none")
