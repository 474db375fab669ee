"""What a Task's Resource names: whether it exists, and what was meant when it does not."""

from __future__ import annotations

import re

from pupline.asl._service_models import operation_model, sdk_actions, sdk_name, sdk_services
from pupline.asl.states import Resource, not_recognized, optimized_actions, patterns_of, read_resource
from pupline.asl.validation._report import Place
from pupline.asl.validation._suggest import closest, did_you_mean, in_words

_PARTS = re.compile(
    r"arn:[^:]*:states:[^:]*:[^:]*:(?P<sdk>aws-sdk:)?(?P<service>[^:.]*):(?P<action>[^:.]*)(?P<pattern>\..*)?"
)


def check_resource(place: Place) -> Resource | None:
    """Check a Task's Resource; returns what it names, or None for nothing that is known."""
    arn = place.text("Resource")
    if arn is None:
        return None
    resource = read_resource(arn)
    hint = _hint(arn) if resource is None else _unknown_call(resource, suggest=place.report.gives_hints)
    if resource is None or hint:
        place.add_problem(not_recognized(arn), "Resource", hint=hint)
        return None
    if place.report.machine_type == "EXPRESS":
        _check_express(place, resource)
    return resource


def _check_express(place: Place, resource: Resource) -> None:
    if resource.kind == "activity":
        place.add_problem("Express state machine does not support Activity ARN", "Resource")
    elif resource.pattern:
        pattern = resource.pattern.removesuffix(":2")
        place.add_problem(f"Express state machine does not support '{pattern}' service integration ", "Resource")


def _unknown_call(resource: Resource, *, suggest: bool) -> str:
    """Why an AWS SDK integration does not exist; empty when it does, or without botocore."""
    if resource.kind != "aws-sdk":
        return ""
    services = sdk_services()
    if not services:
        return ""
    service, action = resource.service, resource.action
    if service not in services:
        return _no_service(service, services if suggest else frozenset())
    actions = sdk_actions(service)
    if not actions or action in actions:
        return ""
    return _joined(f"{service} has no action '{action}'.", did_you_mean(action, actions) if suggest else "")


def _no_service(service: str, services: frozenset[str]) -> str:
    same = sdk_name(service)
    return _joined(
        f"There is no service '{service}'.", f"Did you mean '{same}'?" if same else did_you_mean(service, services)
    )


def _joined(*sentences: str) -> str:
    return " ".join(sentence for sentence in sentences if sentence)


def _hint(arn: str) -> str:
    """What is wrong with a Resource that AWS does not recognise."""
    parts = _PARTS.fullmatch(arn)
    if parts is None:
        return _hint_about_form(arn)
    service, action, pattern = parts["service"], parts["action"], parts["pattern"] or ""
    if parts["sdk"]:
        if pattern.startswith(".sync"):
            return "AWS SDK integrations cannot run a job (.sync); use an optimised integration, or wait in a loop."
        if service != service.lower():
            return f"Services are in lower case: '{service.lower()}'."
        return f"There is no pattern '{pattern}'." if pattern != ".waitForTaskToken" and pattern else ""
    known = optimized_actions()
    if service not in known:
        meant = closest(service, known)
        return f"Did you mean '{meant}'?" if meant else f"Try arn:aws:states:::aws-sdk:{service}:{action}."
    if action not in known[service]:
        return _hint_about_action(service, action, known[service])
    patterns = patterns_of(service)
    is_of_execution = service == "states" and pattern.startswith(".sync")  # .sync alone is known
    meant = ".sync:2" if is_of_execution else closest(pattern, patterns)
    if meant:
        return f"Did you mean '{meant}'?"
    allowed = f"only {in_words(patterns)}" if patterns else "no pattern"
    return f"{service} has {allowed}." if pattern else ""


def _hint_about_action(service: str, action: str, actions: list[str]) -> str:
    meant = closest(action, actions)
    if meant:
        return f"Did you mean '{meant}'?"
    sdk = sdk_name(service) or service.replace("-", "")
    if operation_model(sdk, action) is not None:
        return f"It is not an optimised integration: use arn:aws:states:::aws-sdk:{sdk}:{action}."
    return f"The optimised integration of {service} has {in_words(actions)}."


def _hint_about_form(arn: str) -> str:
    if arn.startswith("arn:aws:lambda:") and ":function:" not in arn:
        return "A Lambda function's ARN is arn:aws:lambda:REGION:ACCOUNT:function:NAME."
    if arn.startswith("arn:"):
        return ""
    return "A Resource is an ARN, such as arn:aws:states:::lambda:invoke."
