"""What people and programs see of an ingest while it goes on: the progress, or a line of JSON for each image."""

import os
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pupline.cli._ingest_progress import IngestProgress
from pupline.cli._ingest_summary import Examples
from pupline.cli._output import message, print_json_lines
from pupline.cli._streams import OutputLost
from pupline.errors import FAILING_OUTCOMES
from pupline.text import plural, printable

if TYPE_CHECKING:
    from pupline.bulk import IngestEvent, IngestStarted
    from pupline.local import ItemDone
    from pupline.tasks.records import AuditRecord

_STOPPING = b"\nStopping when what is under way has ended, 30 seconds at most. Ctrl-C again: at once.\n"

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
    """Hears an ingest. Use it in a `with` block: the live line is there for so long."""

    def __init__(self, *, as_json: bool) -> None:
        self.progress = IngestProgress()
        self.examples = Examples()
        self._as_json = as_json

    def __enter__(self) -> Self:
        self.progress.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.__exit__(kind, error, trace)

    def hear(self, event: "IngestEvent") -> None:
        """One event of the ingest. Raises: OutputLost, where nobody reads the JSON any more."""
        from pupline import bulk
        from pupline.local import StopRequested, UndeletedFiles

        match event:
            case bulk.ItemsDone(items=done):
                self._done(done)
            case bulk.ItemsListed(items=items, total=total, complete=complete):
                self.progress.listed(items, total, complete=complete)
            case bulk.IngestStarted():
                self._began(event)
            case bulk.MetadataWritten(items=items):
                self.progress.metadata_written(items)
            case bulk.HostPaused(host=host, seconds=seconds, why=why):
                self.progress.paused(host, seconds, why)
            case bulk.ListingNote(text=text):
                message(f"pupline: {printable(text, 400)}")
            case UndeletedFiles():
                message(f"pupline: {event}")
            case StopRequested():
                # In a signal handler: the stream may be in use by the very code that was interrupted.
                os.write(2, _STOPPING)

    def _began(self, event: "IngestStarted") -> None:
        self.progress.began(event.before)
        if event.ended:
            message(f"Run {event.run_id} of {event.dataset} is finished: there is nothing to do.")
        elif event.resumed:
            done = f": {plural(event.done, 'image')} done before" if event.done else ""
            message(f"Going on with run {event.run_id} of {event.dataset}{done}.")

    def _done(self, done: "Sequence[ItemDone]") -> None:
        self.progress.finished(done)
        self.examples.add(done)
        if self._as_json:
            try:
                print_json_lines(result_of(one.record) for one in done)
            except OutputLost as lost:  # who wants the results of a run that nobody hears can have them later
                lost.go_on = "the same command"
                raise


def result_of(record: "AuditRecord") -> Mapping[str, Any]:
    """What --json prints of an image."""
    result = {
        "execution": record.execution,
        "status": "FAILED" if record.outcome in FAILING_OUTCOMES else "SUCCEEDED",
    }
    for name in _FIELDS:
        result[name] = getattr(record, name)
    return result
