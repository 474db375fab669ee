"""`pupline.tasks.ports.Reader` over a deployed stack: what `audit`, `insights`, `executions` and `alerts` ask.

Every listing is read page by page and not kept.
"""

import heapq
import json
import re
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import fields
from functools import cached_property
from typing import Any

from pupline.aws import from_attributes
from pupline.backends.stack._account import Account, aws_errors, error_code, pages
from pupline.backends.stack._datasets import summaries
from pupline.backends.stack._history import logged_in_history, logged_in_output, plain_event, published_alert, record_of
from pupline.backends.stack._sorted import SortedRecords
from pupline.backends.stack._stack import MACHINE, TABLE, TOPIC, Stack
from pupline.errors import ConfigurationError
from pupline.tasks.ports import ExecutionDetails, ExecutionSummary
from pupline.tasks.records import AuditRecord
from pupline.text import printable

INDEX, DAY, TIME = "by-day", "upload_day", "upload_timestamp"
_FIELDS = frozenset(field.name for field in fields(AuditRecord))
_RUN = re.compile(r"(.+)-[0-9]{5,7}")
_NO_SUCH_EXECUTION = frozenset({"ExecutionDoesNotExist", "InvalidArn", "InvalidName", "ValidationException"})


class StackReader:
    """Implements `pupline.tasks.ports.Reader`. page_size: of each call; by default the most that AWS gives."""

    def __init__(self, account: Account, stack: Stack, *, page_size: int | None = None) -> None:
        self.stack = stack
        self._account = account
        self._page_size = page_size

    @classmethod
    @contextmanager
    def open(cls, name: str) -> Iterator["StackReader"]:
        """A reader of the stack of that name. Raises: ConfigurationError."""
        account = Account.of_environment()
        yield cls(account, Stack.find(account, name))

    @cached_property
    def states(self) -> Any:
        """The client for Step Functions."""
        return self._account.client("stepfunctions")

    @cached_property
    def _table(self) -> Any:
        return self._account.client("dynamodb")

    def records(self, *, run: str | None = None) -> Iterator[AuditRecord]:
        """All audit records, oldest first: the index by-day, one day after the other, and those of bulk ingestion.

        With `run` those of its executions, in their order, by one scan of the table.

        Two passes over the index, because DynamoDB sorts within a day only and cannot say which days there are. Records
        of bulk runs are not in the index, which would double what each costs: one scan of the table finds them, at half
        a read unit for each 4 KB of it, and a temporary table on this machine's disk puts them in order.
        """
        if run is not None:
            with closing(SortedRecords(self._records_of_run(run), "execution")) as found:
                yield from found
            return
        single = (record for day in sorted(self._days()) for record in self._records_of(day))
        with closing(SortedRecords(self._bulk_records())) as bulk:
            yield from heapq.merge(single, bulk, key=lambda record: record.upload_timestamp)

    def _bulk_records(self) -> Iterator[AuditRecord]:
        """The records that are not in the index, in no order."""
        return self._scanned({"FilterExpression": f"attribute_not_exists({DAY})"})

    def _records_of_run(self, run: str) -> Iterator[AuditRecord]:
        values = {":run": {"S": f"{run}-"}}
        found = self._scanned({"FilterExpression": "begins_with(execution, :run)", "ExpressionAttributeValues": values})
        return (record for record in found if record.execution.removeprefix(f"{run}-").isdigit())

    def _scanned(self, wanted: Mapping[str, Any]) -> Iterator[AuditRecord]:
        table = self.stack.resource(TABLE)
        arguments = {"TableName": table, **wanted, **self._paging()}
        for page in pages(self._table, "scan", f"reading the table {table}", **arguments):
            for item in page["Items"]:
                known = {name: value for name, value in item.items() if name in _FIELDS}
                yield record_of(from_attributes(known), f"an item of the table {table}")

    def ingests(self, *, dataset: str | None = None) -> Iterator[Mapping[str, Any]]:
        """The runs of bulk ingestion that have ended, newest first: each the JSON object of its summary.json."""
        return summaries(self._account, self.stack, dataset)

    def _days(self) -> set[str]:
        doing = f"reading the table {self.stack.resource(TABLE)}"
        found = pages(self._table, "scan", doing, ProjectionExpression=DAY, **self._index())
        return {item[DAY]["S"] for page in found for item in page["Items"]}

    def _records_of(self, day: str) -> Iterator[AuditRecord]:
        table = self.stack.resource(TABLE)
        condition = {
            "KeyConditionExpression": f"{DAY} = :day",
            "ExpressionAttributeValues": {":day": {"S": day}},
        }
        for page in pages(self._table, "query", f"reading the table {table}", **condition, **self._index()):
            for item in page["Items"]:
                known = {name: value for name, value in item.items() if name in _FIELDS}
                yield record_of(from_attributes(known), f"an item of the table {table}, of {day},")

    def _index(self) -> dict[str, Any]:
        return {"TableName": self.stack.resource(TABLE), "IndexName": INDEX, **self._paging()}

    def _paging(self, most: int | None = None) -> dict[str, Any]:
        size = self._page_size or most
        return {"PaginationConfig": {"PageSize": size}} if size else {}

    def executions(self, *, status: str | None = None, run: str | None = None) -> Iterator[ExecutionSummary]:
        """Executions of the last 90 days, newest first. Of each that did not succeed the error is asked for."""
        wanted = {"statusFilter": status} if status else {}
        machine = self.stack.resource(MACHINE)
        found = pages(
            self.states,
            "list_executions",
            "listing executions",
            stateMachineArn=machine,
            **wanted,
            **self._paging(1000),
        )
        for page in found:
            for one in page["executions"]:
                if run in {None, run_of(one["name"])}:
                    yield _summary(one if one["status"] in {"RUNNING", "SUCCEEDED"} else self.describe(one["name"]))

    def execution(self, name: str) -> ExecutionDetails:
        """One execution, by its name or its ARN. Raises: ConfigurationError when there is none of that name."""
        described = self.describe(name)
        with aws_errors(f"reading the definition of {printable(name)}"):
            machine = self.states.describe_state_machine_for_execution(executionArn=described["executionArn"])
        return ExecutionDetails(
            row=_summary(described),
            definition=json.loads(machine["definition"]),
            input=parsed(described.get("input")),
            output=parsed(described.get("output")),
            history=[plain_event(event) for event in self.history(described["name"])],
        )

    def describe(self, name: str) -> Mapping[str, Any]:
        """DescribeExecution's answer. Raises: ConfigurationError when there is no execution of that name."""
        found = self._described(name)
        if found is None:
            raise ConfigurationError(
                f"there is no execution '{printable(name)}' in the stack '{self.stack.name}' (AWS forgets them after 90"
                f" days); list them with: pupline executions --backend aws --stack {self.stack.name}"
            )
        return found

    def _described(self, name: str) -> Mapping[str, Any] | None:
        from botocore.exceptions import ClientError

        arn = self.stack.execution_arn(name.rpartition(":")[2])
        with aws_errors(f"looking at the execution {printable(name)}"):
            try:
                described: Mapping[str, Any] = self.states.describe_execution(executionArn=arn)
            except ClientError as err:
                if error_code(err) in _NO_SUCH_EXECUTION:
                    return None
                raise
        return described

    def history(self, name: str, *, newest_first: bool = False) -> Iterator[Mapping[str, Any]]:
        """The events of an execution, as boto3 gives them."""
        arguments = {"executionArn": self.stack.execution_arn(name), "reverseOrder": newest_first}
        doing = f"reading the history of {printable(name)}"
        paging = self._paging(20 if newest_first else 1000)
        for page in pages(self.states, "get_execution_history", doing, **arguments, **paging):
            yield from page["events"]

    def logged_record(self, described: Mapping[str, Any]) -> AuditRecord | None:
        """The audit record of an ended execution, from its output or its history; None where it wrote none."""
        name = described["name"]
        found = logged_in_output(parsed(described.get("output")), name)
        if found is None and described["status"] in {"SUCCEEDED", "FAILED"}:
            found = logged_in_history(self.history(name, newest_first=True), name)
        return found

    def alerts(self, *, limit: int | None = None) -> Iterator[Mapping[str, Any]]:
        """Alerts that were published, oldest first; with `limit` the newest so many.

        Subject, message and time come from the history of each execution, and are None when AWS has forgotten it after
        90 days. `deliveries` is None: SNS does not say what became of single deliveries.
        """
        sent = (record for record in self.records() if record.alert_sent)
        for record in sent if limit is None else deque(sent, maxlen=limit):
            yield self._alert(record)

    def _alert(self, record: AuditRecord) -> Mapping[str, Any]:
        unknown = dict.fromkeys(("subject", "message", "published_at", "message_id"))
        there = self._described(record.execution) is not None
        told = published_alert(self.history(record.execution)) if there else None
        return {
            "topic": self.stack.resource(TOPIC),
            **(told or unknown),
            "image_name": record.image_name,
            "execution": record.execution,
            "deliveries": None,
        }


def run_of(execution: str) -> str | None:
    """The run that an execution belongs to by its name, `monday` of `monday-00007`; None for others."""
    match = _RUN.fullmatch(execution)
    return match[1] if match else None


def parsed(text: str | None) -> Any:
    """The JSON value, None where AWS leaves it out."""
    return None if text is None else json.loads(text)


def _summary(described: Mapping[str, Any]) -> ExecutionSummary:
    stop = described.get("stopDate")
    return ExecutionSummary(
        name=described["name"],
        status=described["status"],
        run=run_of(described["name"]),
        start_time=described["startDate"].timestamp(),
        stop_time=stop.timestamp() if stop else None,
        error=described.get("error"),
        cause=described.get("cause"),
    )
