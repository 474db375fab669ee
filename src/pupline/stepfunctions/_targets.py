"""What an ARN of a state machine means: the machine as it is now, one of its versions, or an alias."""

import random
from dataclasses import dataclass

from pupline.json_values import loads
from pupline.stepfunctions._arns import Arn, parse_arn
from pupline.stepfunctions._call import Call
from pupline.stepfunctions._errors import ApiError
from pupline.stepfunctions.store import Revision, Store, StoredAlias, StoredMachine, StoredVersion

_MAX_DIGITS = 19  # SQLite's integers have 64 bits


@dataclass(frozen=True, slots=True)
class Target:
    """A state machine that a request names. arn: as in the request. version, alias, label: None where it names none.

    Of an alias, version is the one that was chosen by the weights of its routes. label: of a Distributed Map in it.
    """

    arn: str
    machine: StoredMachine
    version: StoredVersion | None = None
    alias: StoredAlias | None = None
    label: str | None = None

    @property
    def revision(self) -> Revision:
        """What an execution of it runs."""
        return self.version.revision if self.version else self.machine.revision


@dataclass(frozen=True, slots=True)
class QualifiedArn:
    """The parts of an ARN of a state machine. qualifier: a version's number or an alias; label: of a Map state."""

    machine_arn: str
    qualifier: str | None
    label: str | None

    @property
    def version(self) -> int | None:
        """The number of a version, if the qualifier is one."""
        text = self.qualifier or ""
        return int(text) if text.isascii() and text.isdigit() and len(text) < _MAX_DIGITS else None


def parse_machine_arn(text: str) -> QualifiedArn:
    """The parts of an ARN of a state machine. Raises: ApiError (InvalidArn)."""
    arn = parse_arn(text, "stateMachine")
    resource, _, qualifier = arn.resource.partition(":")
    name, _, label = resource.partition("/")
    machine_arn = str(Arn(arn.partition, arn.region, arn.account, arn.kind, name))
    return QualifiedArn(machine_arn, qualifier or None, label or None)


def find_machine(call: Call, machine_arn: str) -> StoredMachine | None:
    """The state machine. One that is being deleted is removed with the last of its executions."""
    machine = call.store.machines.find(machine_arn) if call.is_here(machine_arn) else None
    if machine is not None and machine.status == "DELETING" and not call.executions.count_running(machine_arn):
        call.store.machines.remove(machine_arn)
        return None
    return machine


def resolve(call: Call, text: str) -> Target:
    """What an ARN of a state machine, a version or an alias means.

    Raises: ApiError: InvalidArn, StateMachineDoesNotExist.
    """
    arn = parse_machine_arn(text)
    machine = find_machine(call, arn.machine_arn)
    if arn.label is not None and (arn.qualifier is not None or not _has_label(machine, arn.label)):
        raise no_machine(text)
    if machine is not None and arn.qualifier is None:
        return Target(text, machine, label=arn.label)
    if machine is not None and arn.version is not None:
        version = call.store.machines.version(machine.arn, arn.version)
        if version is not None:
            return Target(text, machine, version)
    elif machine is not None and arn.qualifier is not None:
        alias = call.store.aliases.find(machine.arn, arn.qualifier)
        version = None if alias is None else _routed(call.store, alias)
        if version is not None:
            return Target(text, machine, version, alias)
    raise no_machine(text)


def startable(call: Call, text: str) -> Target:
    """As `resolve`, for a new execution. Raises: ApiError, also StateMachineDeleting."""
    target = resolve(call, text)
    if target.label is not None:
        raise no_machine(text)  # its executions are those of a Map Run
    if target.machine.status == "DELETING":
        raise deleting(target.machine.arn)
    return target


def no_machine(arn: str) -> ApiError:
    """StateMachineDoesNotExist."""
    return ApiError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")


def deleting(arn: str) -> ApiError:
    """StateMachineDeleting."""
    return ApiError("StateMachineDeleting", f"State Machine Deleting: '{arn}'")


def _has_label(machine: StoredMachine | None, label: str) -> bool:
    """Whether a Map state of the machine, at any depth, has that Label."""
    waiting = [loads(machine.revision.definition)] if machine else []
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict) and value.get("Type") == "Map" and value.get("Label") == label:
            return True
        waiting += value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return False


def _routed(store: Store, alias: StoredAlias) -> StoredVersion | None:
    numbers, weights = zip(*alias.routes, strict=True)
    [number] = random.choices(numbers, weights)  # noqa: S311 - a share of executions
    return store.machines.version(alias.machine_arn, number)
