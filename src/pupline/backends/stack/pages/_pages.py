"""The port `Pages` over a deployed stack."""

from collections.abc import Sequence

from pupline.backends.stack._account import Account, aws_errors
from pupline.backends.stack._executions import Executions
from pupline.backends.stack._records import Records
from pupline.backends.stack._stack import BULK_MACHINE, KEEPS_NOTHING, TOPIC, Stack
from pupline.backends.stack.pages._alerts import AlertPages, Published, subscriptions
from pupline.backends.stack.pages._executions import ExecutionPages
from pupline.backends.stack.pages._records import RecordPages
from pupline.tasks.pages import (
    AlertItem,
    AlertQuery,
    Count,
    ExecutionItem,
    ExecutionQuery,
    Facet,
    MachineItem,
    Neighbours,
    Page,
    RecordField,
    RecordItem,
    RecordQuery,
    SubscriptionItem,
)

_LIMITS = (
    "Of a stack the lists have executions and records of the last 90 days; from a time on, records of 400 days."
    " Records of bulk ingestion are listed by run, dataset or execution."
)


class StackPages:
    """Implements `pupline.tasks.pages.Pages`. published: finds the alert of a record, in its execution's history."""

    has_offsets = False

    def __init__(
        self, account: Account, stack: Stack, executions: Executions, records: Records, published: Published
    ) -> None:
        self._account = account
        self._stack = stack
        self._listed = executions
        self._executions = ExecutionPages(executions, records, stack)
        self._records = RecordPages(records)
        self._alerts = AlertPages(self._records, published)

    @property
    def unlisted(self) -> str:
        """How far the lists reach."""
        return f"{KEEPS_NOTHING}. {_LIMITS}" if self._stack.is_express else _LIMITS

    def prepare(self) -> bool:
        """Nothing: AWS has its indexes."""
        return False

    def execution_page(self, query: ExecutionQuery) -> Page[ExecutionItem]:
        """A page of executions of both state machines."""
        return self._executions.page(query)

    def count_executions(self, query: ExecutionQuery) -> Count:
        """How many executions match, as far as is looked."""
        return self._executions.count(query)

    def execution_item(self, name: str) -> ExecutionItem:
        """One execution, by its name or ARN. Raises: NoSuchName."""
        return self._executions.item(name)

    def record_page(self, query: RecordQuery) -> Page[RecordItem]:
        """A page of audit records."""
        return self._records.page(query)

    def records_at(self, query: RecordQuery, offset: int, limit: int) -> Sequence[RecordItem]:
        """At most `limit` records from the one at `offset` on, within what is looked at for one page."""
        return self._records.at(query, offset, limit)

    def count_records(self, query: RecordQuery) -> Count:
        """How many records match, as far as is looked."""
        return self._records.count(query)

    def record_facets(self, query: RecordQuery, field: RecordField) -> Sequence[Facet]:
        """The values of a field among the matching records, as far as is looked."""
        return self._records.facets(query, field)

    def record_item(self, record_id: str) -> RecordItem:
        """One record. Raises: NoSuchName."""
        return self._records.item(record_id)

    def record_neighbours(self, query: RecordQuery, record_id: str) -> Neighbours:
        """The matching records before and after this one. Raises: NoSuchName."""
        return self._records.neighbours(query, record_id)

    def alert_page(self, query: AlertQuery) -> Page[AlertItem]:
        """A page of alerts of single images, newest first."""
        return self._alerts.page(query)

    def count_alerts(self, query: AlertQuery) -> Count:
        """How many alerts match, as far as is looked."""
        return self._alerts.count(query)

    def alert_item(self, alert_id: str) -> AlertItem:
        """One alert. Raises: NoSuchName."""
        return self._alerts.item(alert_id)

    def subscriptions(self) -> Sequence[SubscriptionItem]:
        """The subscriptions of the topic; SNS does not count deliveries."""
        return subscriptions(self._account.client("sns"), self._stack.resource(TOPIC))

    def machines(self) -> Sequence[MachineItem]:
        """The state machines of which Step Functions keeps executions, by name."""
        client = self._account.client("stepfunctions")
        names = {arn: name for name, arn in self._stack.resources.items()}
        found = []
        for arn in self._stack.machines:
            with aws_errors("describing a state machine"):
                described = client.describe_state_machine(stateMachineArn=arn)
            name = names[arn]
            last = next(self._listed.listed(workflow=name), None)
            running = self._executions.count(ExecutionQuery(machine=(name,), status=("RUNNING",)))
            found.append(
                MachineItem(
                    name=name,
                    type=described["type"],
                    kind="ingest" if arn == self._stack.resources.get(BULK_MACHINE) else "run",
                    definition=described["definition"],
                    arn=arn,
                    created_at=described["creationDate"].timestamp(),
                    last=self._listed.summary(last) if last else None,
                    running=running.number,
                )
            )
        return sorted(found, key=lambda one: one.name)

    def machine_names(self) -> Sequence[str]:
        """Their names."""
        return sorted(name for name, arn in self._stack.resources.items() if arn in self._stack.machines)
