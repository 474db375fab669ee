"""The query parameters of alerts."""

from typing import Annotated, cast

from pupline.console.web import Cursor, Filters, Limit, Moment, Text, Texts, one_of
from pupline.tasks.pages import DELIVERY_STATUSES, AlertQuery, DeliveryStatus


class AlertFilters(Filters):
    """A page of alerts. status: of one of their deliveries."""

    q: Text = None
    status: Annotated[Texts, one_of(DELIVERY_STATUSES)] = ()
    execution: Texts = ()
    run: Texts = ()
    since: Moment = None
    until: Moment = None
    after: Cursor = None
    before: Cursor = None
    limit: Limit = 50

    def query(self) -> AlertQuery:
        """The query of the port."""
        return AlertQuery(
            text=self.q or "",
            status=cast("tuple[DeliveryStatus, ...]", self.status),
            execution=self.execution,
            run=self.run,
            since=self.since,
            until=self.until,
            after=self.after,
            before=self.before,
            limit=self.limit,
        )


SELECTING = ("q", "status", "execution", "run", "since", "until")
"""The parameters that select alerts, which links within the list keep."""
