"""The state machines of a template, made in the API when it starts, as a deployment would."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from json import dumps
from pathlib import Path
from typing import Any, Protocol

from pupline.definitions import LoadedDefinition, Unread, find_definitions
from pupline.stepfunctions._errors import ApiError
from pupline.stepfunctions._settings import ApiSettings
from pupline.text import printable

_ROLE = "arn:aws:iam::{}:role/{}"


@dataclass(frozen=True, slots=True)
class TemplateMachine:
    """A state machine of the template. name: its logical id. arn: None where it could not be made, for `problem`."""

    name: str
    arn: str | None = None
    problem: str = ""


class _Operations(Protocol):
    def operate(self, name: str, parameters: Mapping[str, Any], region: str, account: str) -> dict[str, Any]: ...


def make_template_machines(api: _Operations, template: Path, settings: ApiSettings) -> Iterator[TemplateMachine]:
    """Create the template's state machines under their logical ids; update those that have another definition.

    One that cannot be made is reported and left out, so that the rest can be used. Raises: ConfigurationError when the
    template cannot be read.
    """
    for found in find_definitions([template]):
        if isinstance(found, Unread):
            yield TemplateMachine(printable(found.path), problem=printable(str(found.error), 1000))
        elif isinstance(found, LoadedDefinition) and found.resource is not None:
            try:
                yield TemplateMachine(found.resource, _made(api, found, found.resource, settings))
            except ApiError as error:
                yield TemplateMachine(printable(found.resource), problem=printable(f"{error.code}: {error}", 1000))


def _made(api: _Operations, found: LoadedDefinition, name: str, settings: ApiSettings) -> str:
    caller = settings.region, settings.account
    role = _ROLE.format(settings.account, name)
    content = {"definition": dumps(found.definition, ensure_ascii=False), "roleArn": role}
    try:
        made = api.operate("CreateStateMachine", {"name": name, "type": found.type, **content}, *caller)
    except ApiError as error:
        if error.code != "StateMachineAlreadyExists":
            raise
        arn = f"arn:aws:states:{settings.region}:{settings.account}:stateMachine:{name}"
        there = api.operate("DescribeStateMachine", {"stateMachineArn": arn}, *caller)
        if there["type"] != found.type:
            raise
        api.operate("UpdateStateMachine", {"stateMachineArn": arn, **content}, *caller)
        return arn
    return str(made["stateMachineArn"])
