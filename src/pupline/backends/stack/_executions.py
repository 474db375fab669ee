"""The executions of a stack's state machines, through the API of Step Functions."""

import heapq
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pupline.backends._map_children import processor_of
from pupline.backends._redrive import EndedExecution
from pupline.backends.stack._account import aws_errors, error_code, error_message, pages
from pupline.backends.stack._history import logged_in_history, logged_in_output, plain_event
from pupline.backends.stack._stack import BULK_MACHINE, KEEPS_NOTHING, Stack, execution_arn
from pupline.errors import ConfigurationError, NoSuchName
from pupline.json_values import JSON
from pupline.tasks.ports import ExecutionDetails, ExecutionSummary
from pupline.tasks.records import AuditRecord
from pupline.text import printable

Description = Mapping[str, Any]
"""DescribeExecution's answer; in lists, a row of ListExecutions."""

_RUN = re.compile(r"(.+)-[0-9]{5,7}")
_BULK_DIGITS = 8
_BULK_RUN = re.compile(r"(.+?)(-again-[0-9]+)?")
_NO_SUCH_EXECUTION = frozenset({"ExecutionDoesNotExist", "InvalidArn", "InvalidName", "ValidationException"})


class Executions:
    """Executions of all state machines of a stack. page_size: of each call; by default the most that AWS gives."""

    def __init__(self, client: Any, stack: Stack, page_size: int | None = None) -> None:
        self._client = client
        self._stack = stack
        self._page_size = page_size

    def listed(
        self, status: str | None = None, run: str | None = None, workflow: str | None = None
    ) -> Iterator[Description]:
        """The executions of the last 90 days, newest first. workflow: the logical name of their state machine."""
        chosen = None if workflow is None else self._stack.resources.get(workflow)
        machines = [machine for machine in self._stack.machines if workflow is None or machine == chosen]
        lists = [self._of_machine(machine, status) for machine in machines]
        for row in heapq.merge(*lists, key=lambda row: row["startDate"], reverse=True):
            if run in {None, self.run_of(row)}:
                yield row

    def _of_machine(self, machine: str, status: str | None) -> Iterator[Description]:
        wanted = {"statusFilter": status} if status else {}
        paging = self._paging(1000)
        for page in pages(
            self._client, "list_executions", "listing executions", stateMachineArn=machine, **wanted, **paging
        ):
            yield from page["executions"]

    def summaries(
        self, status: str | None = None, run: str | None = None, workflow: str | None = None
    ) -> Iterator[ExecutionSummary]:
        """The same in brief. Each that did not succeed is described by itself: lists have no errors."""
        for row in self.listed(status, run, workflow):
            yield self.summary(self.completed(row))

    def completed(self, row: Description, *, whole: bool = False) -> Description:
        """A row of a list with its error, if it has one. whole: with its input and output too."""
        known = row["status"] in {"RUNNING", "SUCCEEDED"} and not whole
        return row if known or "input" in row else self._described(row["executionArn"]) or row

    def details(self, name: str) -> ExecutionDetails:
        """One execution, by its name or ARN. Raises: ConfigurationError when there is none, or more than one."""
        described = self.find(name)
        arn = described["executionArn"]
        with aws_errors(f"reading the definition of {printable(name)}"):
            machine = self._client.describe_state_machine_for_execution(executionArn=arn)
        history = [] if self._is_express_child(described) else list(map(plain_event, self.history(arn)))
        definition = json.loads(machine["definition"])
        return ExecutionDetails(
            row=self.summary(described),
            definition=processor_of(definition, history) if "mapRunArn" in described else definition,
            input=parsed(described.get("input")),
            output=parsed(described.get("output")),
            history=history,
            map_runs=list(self._map_runs(arn)) if self.is_bulk(described) else (),
        )

    def version(self, name: str) -> str | None:
        """The status and the end of an execution that has ended; None while it runs."""
        described = self.find(name)
        stop = described.get("stopDate")
        return None if stop is None else f"{described['status']} {stop.timestamp()} {described.get('redriveCount')}"

    def _is_express_child(self, described: Description) -> bool:
        """Whether it is a child of the Map Run of BulkIngest: these are Express, with histories in CloudWatch Logs."""
        machine = str(described["stateMachineArn"]).partition("/")[0]
        return "mapRunArn" in described and machine == self._stack.resources.get(BULK_MACHINE)

    def child_summaries(self, name: str) -> Iterator[ExecutionSummary]:
        """The child executions of an execution's Map Runs."""
        return map(self.summary, self._children(name))

    def child_details(self, name: str, child: str) -> ExecutionDetails:
        """One child execution, by its name or ARN. Raises: NoSuchName."""
        rows = (row["executionArn"] for row in self._children(name) if child in (row["name"], row["executionArn"]))
        arn = next(rows, None)
        if arn is None:
            raise NoSuchName(f"the execution '{printable(name)}' has no child execution '{printable(child)}'")
        return self.details(arn)

    def _children(self, name: str) -> Iterator[Description]:
        """Rows of ListExecutions."""
        for run in self._map_runs(str(self.find(name)["executionArn"])):
            arguments = {"mapRunArn": run["mapRunArn"], **self._paging(1000)}
            for page in pages(self._client, "list_executions", "listing child executions", **arguments):
                yield from page["executions"]

    def find(self, name: str) -> Description:
        """An execution by its name or ARN. Raises: ConfigurationError when there is none, or more than one."""
        arns = [name] if name.startswith("arn:") else [execution_arn(machine, name) for machine in self._stack.machines]
        found = [described for arn in arns if (described := self._described(arn)) is not None]
        if not found:
            raise self._missing(name)
        if len(found) > 1:
            both = " or ".join(str(described["executionArn"]) for described in found)
            raise ConfigurationError(
                f"two state machines have an execution '{printable(name)}': name one by its ARN, {both}"
            )
        return found[0]

    def _missing(self, name: str) -> ConfigurationError:
        options = f"--backend aws --stack {self._stack.name}"
        run, _, index = name.rpartition("-")
        bulk = self._stack.resources.get(BULK_MACHINE)
        if bulk and len(index) == _BULK_DIGITS and index.isdigit() and self.of_machine(bulk, run) is not None:
            return ConfigurationError(
                f"images of a bulk ingest have no execution; see: pupline audit --run {printable(run)} {options}"
            )
        missing = f"there is no execution '{printable(name)}' in the stack '{self._stack.name}'"
        if self._stack.is_express:
            record = f"pupline audit --execution {printable(name)} {options}"
            return NoSuchName(f"{missing}. {KEEPS_NOTHING}. If it has ended, its record: {record}")
        return NoSuchName(f"{missing} (AWS deletes them after 90 days); list them with: pupline executions {options}")

    def of_machine(self, machine: str, name: str) -> Description | None:
        """The state machine's execution of that name, if there is one."""
        return self._described(execution_arn(machine, name))

    def describe(self, arn: str) -> Description:
        """DescribeExecution's answer. Raises: ConfigurationError when there is no such execution."""
        found = self._described(arn)
        if found is None:
            raise self._missing(arn)
        return found

    def _described(self, arn: str) -> Description | None:
        from botocore.exceptions import ClientError

        with aws_errors(f"looking at the execution {printable(arn.rpartition(':')[2])}"):
            try:
                described: Description = self._client.describe_execution(executionArn=arn)
            except ClientError as err:
                if error_code(err) in _NO_SUCH_EXECUTION:
                    return None
                raise
        return described

    def history(self, arn: str, *, newest_first: bool = False) -> Iterator[Mapping[str, Any]]:
        """The events of an execution, as boto3 gives them."""
        arguments = {"executionArn": arn, "reverseOrder": newest_first}
        doing = f"reading the history of {printable(arn.rpartition(':')[2])}"
        paging = self._paging(20 if newest_first else 1000)
        for page in pages(self._client, "get_execution_history", doing, **arguments, **paging):
            yield from page["events"]

    def _map_runs(self, arn: str) -> Iterator[Mapping[str, Any]]:
        """DescribeMapRun's counts for each Map Run of an execution."""
        doing = "reading the Map Runs"
        for page in pages(self._client, "list_map_runs", doing, executionArn=arn, **self._paging(1000)):
            for one in page["mapRuns"]:
                with aws_errors(doing):
                    found = self._client.describe_map_run(mapRunArn=one["mapRunArn"])
                yield {name: found[name] for name in ("mapRunArn", "status", "itemCounts", "executionCounts")}

    def logged_record(self, described: Description) -> AuditRecord | None:
        """The audit record of an execution that has ended, from its output or its history; None where it wrote none."""
        name = described["name"]
        found = logged_in_output(parsed(described.get("output")), name)
        if found is None and described["status"] in {"SUCCEEDED", "FAILED"} and not self.is_bulk(described):
            found = logged_in_history(self.history(described["executionArn"], newest_first=True), name)
        return found

    def start(self, machine: str, name: str, given: Mapping[str, JSON]) -> bool:
        """Whether it runs now; False when the state machine has an ended execution, or another input, of that name."""
        from botocore.exceptions import ClientError

        with aws_errors(f"starting {name}"):
            try:
                self._client.start_execution(stateMachineArn=machine, name=name, input=json.dumps(dict(given)))
            except ClientError as err:
                if error_code(err) != "ExecutionAlreadyExists":
                    raise
                return False
        return True

    def redrive(self, arn: str) -> str | None:
        """Redrive an execution; why Step Functions refuses, or None."""
        from botocore.exceptions import ClientError

        with aws_errors(f"redriving {printable(arn.rpartition(':')[2])}"):
            try:
                self._client.redrive_execution(executionArn=arn)
            except ClientError as err:
                if error_code(err) != "ExecutionNotRedrivable":
                    raise
                return f"Step Functions refuses: {error_message(err)}"
        return None

    def stop(self, arn: str, error: str | None, cause: str | None) -> None:
        """Abort an execution."""
        reasons = {"error": error, "cause": cause}
        given = {name: text for name, text in reasons.items() if text is not None}
        with aws_errors(f"stopping {printable(arn.rpartition(':')[2])}"):
            self._client.stop_execution(executionArn=arn, **given)

    def ended(self, described: Description) -> EndedExecution:
        """The execution with what decides whether a redrive helps. A description from a list is completed."""
        arn = described["executionArn"]
        full = described if "input" in described else self.describe(arn)
        redrivable = full.get("redriveStatus", "REDRIVABLE")
        refusal = None
        if redrivable == "REDRIVABLE_BY_MAP_RUN":
            refusal = "it belongs to a Map Run: redrive the execution that started that"
        elif redrivable != "REDRIVABLE":
            refusal = f"Step Functions cannot: {full.get('redriveStatusReason') or redrivable}"
        events = iter(()) if "mapRunArn" in full else self.history(arn, newest_first=True)
        return EndedExecution(arn, full["name"], full["status"], parsed(full.get("input")), events, refusal)

    def run_of(self, described: Description) -> str | None:
        """The run that an execution belongs to by its name; see `run_of`. A bulk run's executions have its name."""
        name = str(described["name"])
        match = _BULK_RUN.fullmatch(name) if self.is_bulk(described) else None
        return match[1] if match else run_of(name)

    def is_bulk(self, described: Description) -> bool:
        """Whether it is of the state machine BulkIngest."""
        return str(described["stateMachineArn"]) == self._stack.resources.get(BULK_MACHINE)

    def summary(self, described: Description) -> ExecutionSummary:
        """The execution in brief."""
        stop = described.get("stopDate")
        return ExecutionSummary(
            name=described["name"],
            status=described["status"],
            run=self.run_of(described),
            start_time=described["startDate"].timestamp(),
            stop_time=stop.timestamp() if stop else None,
            error=described.get("error"),
            cause=described.get("cause"),
        )

    def _paging(self, most: int) -> dict[str, Any]:
        return {"PaginationConfig": {"PageSize": self._page_size or most}}


def run_of(execution: str) -> str | None:
    """The run that an execution of the pipeline belongs to, `monday` of `monday-00007`; None for other names."""
    match = _RUN.fullmatch(execution)
    return match[1] if match else None


def parsed(text: str | None) -> Any:
    """The JSON value, None where AWS leaves it out."""
    return None if text is None else json.loads(text)
