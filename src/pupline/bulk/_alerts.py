"""The alerts of a run: the first alerted image at once, all others in one digest at its end."""

import json
from dataclasses import dataclass

from pupline.json_values import JSON
from pupline.local import TOPIC_ARN, Alert, IngestRow, LocalBackend
from pupline.tasks.alert_rules import AlertRules
from pupline.tasks.digest import AlertTally, Digest, first_alert
from pupline.tasks.records import AuditRecord


@dataclass(frozen=True, slots=True)
class RunAlerts:
    """The alerts of one run."""

    backend: LocalBackend
    row: IngestRow
    rules: AlertRules

    def first(self, record: AuditRecord) -> Alert:
        """The alert for the run's first alerted image."""
        return self._alert("first", first_alert(record, self.row.run_id, self.row.dataset, self.rules))

    def publish_digest(self) -> None:
        """Put one alert for all images without one into the outbox, if there are any. Raises: StorageError.

        A process that is killed before leaves it to the next end of the run; it is never published twice.
        """
        ingests, run = self.backend.ingests, self.row
        tally = AlertTally()
        for record in ingests.alerted(run.ingest_id, sent=False):
            tally.add(record, self.rules)
        digest = tally.digest(run.run_id, run.dataset)
        if digest is not None:
            # A run that was stopped by its tolerance, and then resumed, has a second digest: of what came later.
            number = ingests.counts(run.ingest_id).alerts
            ingests.publish(run.ingest_id, self._alert(f"digest-{number}", digest))

    def _alert(self, command_id: str, digest: Digest) -> Alert:
        arguments: dict[str, JSON] = {
            "TopicArn": TOPIC_ARN,
            "Subject": digest.subject,
            "Message": digest.message,
            "MessageAttributes": {name: _attribute(value) for name, value in digest.attributes.items()},
        }
        return self.backend.topic.prepare(self.row.run_id, command_id, arguments)


def _attribute(value: str) -> dict[str, JSON]:
    is_array = value.startswith("[") and isinstance(json.loads(value), list)
    return {"DataType": "String.Array" if is_array else "String", "StringValue": value}
