"""The output of an ingest while it runs: the progress, or a line of JSON for each image."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from pupline.cli._ingest_summary import Examples
from pupline.cli._output import message, print_json_lines
from pupline.cli._progress import Progress
from pupline.cli._streams import OutputLost
from pupline.errors import FAILING_OUTCOMES
from pupline.text import plural, printable

if TYPE_CHECKING:
    from pupline.backends import BulkEvent
    from pupline.bulk import IngestStarted
    from pupline.local import ItemDone
    from pupline.tasks.records import AuditRecord

_LINES_AT_ONCE = 256
_STOPPING = b"\nStopping when current requests have ended, 30 seconds at most. Ctrl-C again: at once.\n"

_FIELDS = (
    "outcome",
    "reason",
    "image_name",
    "image_url",
    "file_type",
    "alert_triggered",
    "error",
    "cause",
    "source_url",
    "sha256",
)


class IngestView:
    """Receives the events of an ingest. The live line is there in the `with` block of `progress`."""

    def __init__(self, *, as_json: bool) -> None:
        self.progress = Progress()
        self.examples = Examples()
        self._as_json = as_json

    def receive(self, event: "BulkEvent") -> None:
        """One event. Raises: OutputLost where the JSON cannot be written any more."""
        from pupline import backends, bulk

        match event:
            case bulk.ItemsDone(items=done):
                self._add(done)
            case backends.BatchDone(outcomes=outcomes):
                self.progress.add(outcomes)
            case bulk.ItemsListed(items=items, total=total, complete=complete):
                self.progress.listed(items, total, complete=complete)
            case bulk.IngestStarted():
                self._started(event)
            case bulk.MetadataWritten(items=items):
                self.progress.metadata_written(items)
            case bulk.HostPaused(host=host, seconds=seconds, why=why):
                self.progress.paused(host, seconds, why)
            case bulk.ListingNote(text=text):
                message(f"pupline: {printable(text, 400)}")
            case backends.Note(text=text):
                message(text)
            case backends.Stopping():
                # In a signal handler: the stream may be in use by the code that was interrupted.
                os.write(2, _STOPPING)

    def _started(self, event: "IngestStarted") -> None:
        self.progress.resume(event.before)
        if event.ended:
            message(f"Run {event.run_id} of {event.dataset} is finished: there is nothing to do.")
        elif event.resumed:
            done = f": {plural(event.done, 'image')} done before" if event.done else ""
            message(f"Resuming run {event.run_id} of {event.dataset}{done}.")

    def _add(self, done: "Sequence[ItemDone]") -> None:
        outcomes: Counter[str] = Counter(one.record.outcome for one in done)
        self.progress.add(outcomes, sum(one.record.size_bytes or 0 for one in done))
        self.examples.add(done)
        if self._as_json:
            try:
                print_json_lines(result_of(one.record) for one in done)
            except OutputLost as lost:  # the results of a run whose output is lost can be had later
                lost.next_step = "What is done is kept; the same command continues"
                raise


def print_results(records: "Iterator[AuditRecord]") -> None:
    """Print what --json prints of each image, for a run that told of batches only."""
    while some := list(islice(records, _LINES_AT_ONCE)):
        print_json_lines(map(result_of, some))


def result_of(record: "AuditRecord") -> Mapping[str, Any]:
    """The JSON object that --json prints for an image."""
    result = {
        "execution": record.execution,
        "status": "FAILED" if record.outcome in FAILING_OUTCOMES else "SUCCEEDED",
    }
    for name in _FIELDS:
        result[name] = getattr(record, name)
    return result
