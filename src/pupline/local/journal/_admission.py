"""Executions that start, continue or are redriven: from a request, or from the journal, into memory."""

import json
import re
from collections.abc import Callable
from dataclasses import replace

from pupline.asl import (
    Command,
    Execution,
    ExecutionAborted,
    ExecutionRedriven,
    InvalidExecutionInput,
    StateMachine,
    measured_input,
)
from pupline.errors import NoSuchName, ReplayMismatch
from pupline.json_values import JSON, stored_text
from pupline.local.journal._active import ActiveExecutions
from pupline.local.journal._events import ExecutionRefused, ExecutionResumed, ExecutionStarted
from pupline.local.journal._journal import ExecutionRow, Journal, JournalledFact, Replayed
from pupline.local.journal._settings import ApiStart, StartRequest
from pupline.local.journal._turn import ActiveExecution, Turn
from pupline.text import printable

_NAME = re.compile(r"[^\x00-\x20\x7f-\x9f\ud800-\udfff<>{}\[\]?*\"#%\\^|~`$&,;:/]{1,80}")
"""Step Functions' rule for names of executions (API reference, StartExecution)."""


_POISONED = "pupline had an internal error with it; it stays as it is until it is stopped or pupline starts again"
_OF_API = "the Step Functions API started it; pupline asl serve continues it"
_OF_RUN = "pupline run started it; pupline run continues it"


class Admission:
    """Takes executions into memory. refused: how many could not be. next_id: returns a new execution id.

    machine: of the runs' executions; None for those of the API.
    """

    def __init__(
        self, journal: Journal, active: ActiveExecutions, machine: StateMachine | None, next_id: Callable[[], int]
    ) -> None:
        self._journal = journal
        self._active = active
        self._machine = machine
        self._of_api = machine is None
        self._machines = {} if machine is None else {machine.digest: machine}
        self._next_id = next_id
        self.refused = 0

    def start(self, request: StartRequest, row: ExecutionRow | None, turn: Turn) -> None:
        """Start the execution; one of that name and input is resumed or reported, one of another input refused.

        row: of the execution of that name, if the journal has one.
        """
        name = request.name
        if active := self._active.by_name.get(name):
            self._has_same_input(request, active.core.input, turn)
        elif row is not None:
            if self._has_same_input(request, json.loads(row.input), turn):
                self.resume(name, turn)
        elif not _NAME.fullmatch(name):
            reason = f"'{printable(name)}' cannot name an execution (see StartExecution)"
            self.refuse(name, request.run_id, reason, turn)
        else:
            try:
                self.start_new(request, turn)
            except InvalidExecutionInput as problem:
                self.refuse(name, request.run_id, printable(str(problem)), turn)

    def start_new(self, request: StartRequest, turn: Turn) -> ActiveExecution:
        """Start an execution whose name is free. Raises: InvalidExecutionInput."""
        machine = request.machine or self._machine
        if machine is None:
            raise ValueError(f"the request to start {request.name} names no machine, and the driver has none")
        # The input as the journal will return it: a tuple as a list. Histories are shown from the journal.
        given, texts = measured_input(request.input, for_history=False)
        context = request.api.context if request.api else None
        core = Execution(machine, given, name=request.name, now=turn.at.now, context=context, texts=texts)
        commands = core.commands()
        replayed = Replayed(core, commands, 0, 0.0, {})
        active = ActiveExecution(self._next_id(), request.run_id, replayed, turn.at, request.api)
        if active.is_durable:
            turn.started.append((active, request, request.api.input if request.api else stored_text(given)))
        turn.events.append(ExecutionStarted(request.name, request.run_id))
        self._active.add(active, commands, turn)
        return active

    def _has_same_input(self, request: StartRequest, existing: JSON, turn: Turn) -> bool:
        """Whether the existing execution has the request's input; otherwise the request is refused."""
        if json.dumps(request.input, sort_keys=True) == json.dumps(existing, sort_keys=True):
            return True
        reason = f"there is an execution '{request.name}' with another input; choose another name"
        self.refuse(request.name, request.run_id, reason, turn)
        return False

    def resume(self, name: str, turn: Turn) -> None:
        """Continue the execution, or report that it has ended."""
        row = self._journal.find(name)
        if row is None or row.execution_id in self._active.by_id or row.execution_id in turn.aborted:
            return
        if row.status != "RUNNING":
            self.report_ended(row, turn)
        elif loaded := self._load(row, turn):
            self._active.add(*loaded, turn)

    def load(self, name: str, turn: Turn) -> ActiveExecution | None:
        """The execution in memory, if it runs: after a restart it may not have been its turn yet."""
        row = None if name in self._active.by_name else self._journal.find(name)
        if row is not None and row.status == "RUNNING" and row.execution_id not in turn.aborted:
            self.resume(name, turn)
        return self._active.by_name.get(name)

    def redrive(self, name: str, turn: Turn) -> None:
        """Redrive the execution, unless that is refused."""
        row = self._journal.find(name)
        if row is None:
            self.refuse(name, None, f"there is no execution '{printable(name)}' here", turn)
        elif row.status == "SUCCEEDED":
            self.refuse(name, row.run_id, f"'{name}' has succeeded: there is nothing to redrive", turn)
        elif row.status == "RUNNING" or row.execution_id in self._active.by_id:
            self.resume(name, turn)
        else:
            self.reopen(row, turn)

    def reopen(self, row: ExecutionRow, turn: Turn) -> str | None:
        """Redrive an execution that has ended without success. Or why not; that is reported, too."""
        loaded = self._load(row, turn)
        if loaded is None:
            return "The journal of the execution does not fit this version of pupline"
        active, _ = loaded  # it has ended, so it waits for nothing
        if (refusal := active.core.redrive_refusal) is not None:
            self.refuse(row.name, row.run_id, f"'{row.name}' cannot be redriven: {refusal}", turn)
            return refusal
        self._active.enter(active)
        turn.reopened.append(row.execution_id)
        self._active.receive(active, ExecutionRedriven(), turn)
        return None

    def abort(self, row: ExecutionRow, fact: ExecutionAborted, turn: Turn) -> None:
        """Abort a RUNNING execution that is not in memory, and perhaps cannot be."""
        turn.aborted[row.execution_id] = JournalledFact(fact, turn.at.now, None)
        stop_time = max(turn.at.now, row.start_time)
        self.report_ended(replace(row, status="ABORTED", error=fact.error, cause=fact.cause, stop_time=stop_time), turn)

    def _load(self, row: ExecutionRow, turn: Turn) -> tuple[ActiveExecution, list[Command]] | None:
        """The execution from its journal, and its open commands. None, and refused, when the journal does not fit."""
        if row.name in self._active.poisoned:
            self.refuse(row.name, row.run_id, _POISONED, turn)
            return None
        try:
            api = self._journal.api_start(row)
            if (api is not None) != self._of_api:
                self.refuse(row.name, row.run_id, _OF_API if api else _OF_RUN, turn)
                return None
            replayed = self._journal.replay(row, self._machine_of(row, api), api)
        except ReplayMismatch as err:
            self.refuse(row.name, row.run_id, str(err), turn)
            return None
        turn.events.append(ExecutionResumed(row.name, row.run_id, replayed.facts))
        return ActiveExecution(row.execution_id, row.run_id, replayed, turn.at, api), replayed.waiting

    def _machine_of(self, row: ExecutionRow, api: ApiStart | None) -> StateMachine:
        """The machine of the row. Those of the API's are many, and are not kept."""
        found = self._machines.get(row.digest)
        if found is None:
            found = self._journal.definition(row.digest)
            if api is None:
                self._machines[row.digest] = found
        return found

    def refuse(self, name: str, run_id: str | None, reason: str, turn: Turn) -> None:
        """Report an execution that cannot be started or resumed."""
        self.refused += 1
        turn.events.append(ExecutionRefused(name, run_id, reason))

    def report_ended(self, row: ExecutionRow, turn: Turn) -> None:
        """Report an execution that had ended before it was requested."""
        self._active.finished[row.status] += 1
        turn.events.append(row.as_event())

    def get(self, name: str) -> ExecutionRow:
        """The journal's row. Raises: NoSuchName."""
        row = self._journal.find(name)
        if row is None:
            raise NoSuchName(f"there is no execution '{printable(name)}' here")
        return row
