"""The alarms of a deployed stack, and who gets them."""

from collections.abc import Iterator, Sequence
from typing import Any

from pupline.backends._port import Check
from pupline.backends.stack._account import Account, pages
from pupline.backends.stack._checks import CREATE_AGAIN, DEPLOY_AGAIN, Problem, finding
from pupline.backends.stack._stack import ALARM_TOPIC, TOPIC, Stack
from pupline.text import plural, printable

_AT_ONCE = 100
"""The most names that DescribeAlarms takes."""

_MEANING = "docs/operations.md says what each alarm means"


def alarms_check(account: Account, stack: Stack) -> Check:
    """Each alarm of the stack is there and acts, and none is in the state ALARM."""
    wanted = sorted(stack.of_type("AWS::CloudWatch::Alarm").values())
    found: dict[str, Any] = {}
    for start in range(0, len(wanted), _AT_ONCE):
        names = wanted[start : start + _AT_ONCE]
        for page in pages(account.client("cloudwatch"), "describe_alarms", "looking at the alarms", AlarmNames=names):
            found |= {alarm["AlarmName"]: alarm for alarm in page["MetricAlarms"]}
    problems = [problem for name in wanted for problem in _problems(name, found.get(name))]
    if not wanted:
        problems = [Problem("the stack has no alarms", DEPLOY_AGAIN)]
    return finding("alarms", f"{plural(len(wanted), 'alarm')}, all active and quiet", problems)


def _problems(name: str, alarm: Any) -> Iterator[Problem]:
    if alarm is None:
        yield Problem(f"{name} is missing", CREATE_AGAIN, "error")
        return
    if not alarm.get("ActionsEnabled") or not alarm.get("AlarmActions"):
        step = f"turn them on: aws cloudwatch enable-alarm-actions --alarm-names {name}"
        yield Problem(f"the actions of {name} are turned off", step)
    if alarm.get("StateValue") == "ALARM":
        yield Problem(f"{name} is in ALARM: {printable(alarm.get('StateReason') or 'no reason was given')}", _MEANING)


def alert_subscriptions_check(account: Account, stack: Stack) -> Check:
    """Who gets the alerts about images."""
    return _subscriptions("alerts", stack.resource(TOPIC), "AlertEmail", account)


def alarm_subscriptions_check(account: Account, stack: Stack) -> Check:
    """Who gets the alarms about the pipeline."""
    return _subscriptions("alarm subscriptions", stack.resource(ALARM_TOPIC), "AlarmEmail", account)


def _subscriptions(name: str, topic: str, parameter: str, account: Account) -> Check:
    doing = f"listing the subscriptions of the topic {topic.rpartition(':')[2]}"
    found: Sequence[Any] = [
        one
        for page in pages(account.client("sns"), "list_subscriptions_by_topic", doing, TopicArn=topic)
        for one in page["Subscriptions"]
    ]
    waiting = sum(1 for one in found if one["SubscriptionArn"] == "PendingConfirmation")
    kinds = ", ".join(sorted({one["Protocol"] for one in found})) or "none"
    detail = f"{topic.rpartition(':')[2]}: {plural(len(found), 'subscription')} ({kinds})"
    if waiting:
        return Check(name, "warning", f"{detail}, {waiting} not confirmed", "follow the link in AWS's e-mail")
    if not found:
        step = f"deploy with the parameter {parameter}, or subscribe to the topic"
        return Check(name, "warning", detail, step)
    return Check(name, "ok", detail)
