"""An execution run again, from its beginning or from one of its states, with the input it had or another one."""

import json
import shlex
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from pupline.asl import StateMachine, StateVisits, starting_at
from pupline.backends._port import Again, RunListener, RunReport, RunRequest
from pupline.backends._settings import RunSettings
from pupline.backends.machine._runner import WorkflowRunner
from pupline.errors import ConfigurationError, InvalidUrl
from pupline.http import Url
from pupline.json_values import JSON, loads
from pupline.local import ExecutionRow, LocalBackend, RunKind, StartRequest, kind_of_settings
from pupline.text import nearest, printable


def run_again(data_dir: Path, request: RunRequest, again: Again, listener: RunListener) -> RunReport:
    """Start the execution as a run of its own, of the definition and settings that it had, and wait for it.

    Raises: ConfigurationError where it cannot be run again that way; StorageError.
    """
    with LocalBackend.open(data_dir, exclusive=False) as backend:
        row = backend.journal.get(again.execution)
        settings = _settings_of(backend, row)
        machine, given = _chosen(backend, row, again)
    if again.edited is not None:
        given = loads(again.edited)
    settings = _trusting(settings, given)
    with WorkflowRunner.open(data_dir, 1, listener, request.proxy) as runner:
        return runner.run_one(StartRequest("", given, request.run_id, 1, machine), settings)


def _settings_of(backend: LocalBackend, row: ExecutionRow) -> RunSettings:
    """Those of its run. Raises: ConfigurationError for executions that `run` did not start."""
    if (api := backend.journal.api_start(row)) is not None:
        command = (
            f"aws stepfunctions start-execution --state-machine-arn {shlex.quote(api.machine_arn)}"
            f" --input {shlex.quote(row.input)} --endpoint-url http://127.0.0.1:8083"
        )
        raise ConfigurationError(
            f"the Step Functions API started '{printable(row.name)}'; run it again through pupline asl serve: "
            + printable(command, 1000)
        )
    run = backend.runs.find(row.run_id) if row.run_id is not None else None
    kept = run.settings if run is not None else {}
    if kind_of_settings(kept) is RunKind.WORKFLOW_INGEST:
        raise ConfigurationError(
            f"'{printable(row.name)}' is an ingest through the workflow: repeat the pupline ingest that started it;"
            " with the same --run-id it does what is missing"
        )
    return RunSettings.from_json(kept)


def _chosen(backend: LocalBackend, row: ExecutionRow, again: Again) -> tuple[StateMachine, JSON]:
    """The definition and the input of the new execution. Raises: ConfigurationError; ReplayMismatch."""
    machine = backend.journal.definition(row.digest)
    if again.state is None:
        return machine, json.loads(row.input)
    if again.state not in machine.definition["States"]:
        _refuse_state(machine, again.state)
    core = backend.journal.detailed(row)
    visits = StateVisits(core.history, machine.definition)
    own = [visit for visit in visits.of_state(again.state) if visit.within is None]
    if not own and again.edited is None:
        raise ConfigurationError(
            f"'{printable(row.name)}' never entered {printable(again.state)}, so its input is not known: give one"
            " with --input"
        )
    found = visits.variables_at(own[-1]) if own else {}
    variables = {name: loads(text) for name, text in found.items()}
    changed = StateMachine.compiled_again(starting_at(machine.definition, again.state, variables), type=machine.type)
    changed.name = machine.name
    return changed, loads(own[-1].input or "{}") if own else {}


def _refuse_state(machine: StateMachine, state: str) -> NoReturn:
    names = list(machine.definition["States"])
    near = nearest(state, names)
    hint = f"did you mean {near}?" if near else f"it has {', '.join(names[:20])}"
    raise ConfigurationError(
        f"--from: {printable(state)} is not a top-level state of {machine.name}; {printable(hint, 500)}"
    )


def _trusting(settings: RunSettings, given: JSON) -> RunSettings:
    """The settings for this input: an image's URL that a person gives is trusted, as that of --image-url is."""
    url = given.get("image_url") if isinstance(given, dict) else None
    if not isinstance(url, str):
        return replace(settings, breeds=())
    with suppress(InvalidUrl):  # which the execution reports
        Url.parse(url)
        return replace(settings, image_url=url, breed=None, breeds=())
    return settings
